// A function whose leading dimensions are a batch takes one more; layouts get it as the outermost dimension.
// RUN: %astra-opt %s --astra-vectorize="fn=main axis-size=5" | %filecheck %s

// CHECK-LABEL: func.func @main(%arg0: tensor<5x3x3xf32>) -> tensor<5x3xf32>
// CHECK: "astra.custom_call"(%arg0)
// CHECK-SAME: mhlo.frontend_attributes = {num_batch_dims = "1"}
// CHECK-SAME: operand_layouts = [dense<[1, 2, 0]> : tensor<3xindex>]
// CHECK-SAME: result_layouts = [dense<[1, 0]> : tensor<2xindex>]
// CHECK-SAME: (tensor<5x3x3xf32>) -> tensor<5x3xf32>
func.func @main(%a: tensor<3x3xf32>) -> tensor<3xf32> {
  %0 = "astra.custom_call"(%a) {
    call_target_name = "f", has_side_effect = false, mhlo.frontend_attributes = {num_batch_dims = "0"},
    operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<0> : tensor<1xindex>]
  } : (tensor<3x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
