// RUN: not %astra-opt %s --astra-import 2>&1 | %filecheck %s

// CHECK: 'stablehlo.einsum' cannot be converted: einsum_config 'ii,ij->j' repeats a label within one term; take the diagonal first
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.einsum %a, %b, config = "ii,ij->j" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
