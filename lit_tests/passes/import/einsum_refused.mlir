// Configurations of an einsum that do not say what to compute are refused, and so is a diagonal.
// RUN: not %astra-opt %s --astra-import --split-input-file 2>&1 | %filecheck %s

// CHECK: 'stablehlo.einsum' cannot be converted: einsum_config 'ii,ij->j' repeats a label within one term; take the diagonal first
func.func @diagonal(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.einsum %a, %b, config = "ii,ij->j" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK: 'stablehlo.einsum' cannot be converted: einsum_config 'ij->j' does not have 2 operands and a result
func.func @one_term(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> tensor<3xf32> {
  %0 = stablehlo.einsum %a, %b, config = "ij->j" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// CHECK: 'stablehlo.einsum' cannot be converted: einsum_config 'i,ij->j' gives 1 labels to an operand of rank 2
func.func @too_few_labels(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.einsum %a, %b, config = "i,ij->j" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK: 'stablehlo.einsum' cannot be converted: einsum_config 'ij,jk->il' has a result label that no operand has
func.func @unknown_label(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.einsum %a, %b, config = "ij,jk->il" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// CHECK: 'stablehlo.unary_einsum' cannot be converted: einsum_config 'ij->k' has a result label that no operand has
func.func @unknown_label_of_one(%a: tensor<3x4xf32>) -> tensor<3xf32> {
  %0 = "stablehlo.unary_einsum"(%a) <{einsum_config = "ij->k"}> : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
