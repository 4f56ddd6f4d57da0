// The index computation of torch_index_select needs the shape of its operand.
// RUN: not %astra-opt %s --astra-import 2>&1 | %filecheck %s

// CHECK: 'stablehlo.torch_index_select' cannot be converted: the operand must have a static shape
func.func @main(%x: tensor<?x8xf32>, %i: tensor<3xi32>) -> tensor<?x3xf32> {
  %0 = "stablehlo.torch_index_select"(%x, %i) {dim = 1 : i64, batch_dims = 0 : i64} : (tensor<?x8xf32>, tensor<3xi32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
