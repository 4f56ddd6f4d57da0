// A region that is no known kind is not computed between devices.
// RUN: not %astra-opt %s --astra-expand-collectives 2>&1 | %filecheck %s

// CHECK: 'astra.all_reduce' combines by a region that is no known kind; use add
func.func @custom(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.all_reduce"(%x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.power"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {kind = "custom", replica_groups = dense<0> : tensor<1x1xi64>} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
