// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @plain(
// CHECK:         "astra.attention"(
func.func @plain(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0xFFF0000000000000 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

// CHECK-LABEL: func.func @causal_with_mask_and_bias(
// CHECK:         "astra.attention"(
func.func @causal_with_mask_and_bias(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8xi8>, %a4: tensor<4x8x8xf32>) {
  %r:2 = "astra.attention"(%a0, %a1, %a2, %a3, %a4) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0xFFF0000000000000 : f64, causal = "qk", offset = 2 : i64, mask = "bk", bias = "hqk", empty_is_zero = true}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8xi8>, tensor<4x8x8xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

// CHECK-LABEL: func.func @gradient(
// CHECK:         "astra.attention_gradient"(
func.func @gradient(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8x4x16xf32>, %a4: tensor<2x4x8xf32>, %a5: tensor<2x8x4x16xf32>) {
  %r:3 = "astra.attention_gradient"(%a0, %a1, %a2, %a3, %a4, %a5) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0xFFF0000000000000 : f64, gradients = "bqhd,bkhd,bkhe"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x4x8xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>)
  return
}
