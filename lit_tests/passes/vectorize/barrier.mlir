// A barrier batches what is batched, and leaves shared values shared.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 out-axes=0 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V0:[a-z0-9]+]]:2 = "astra.optimization_barrier"(%[[A0]], %[[A1]]) : (tensor<8x4x5xf32>, tensor<4x5xf32>) -> (tensor<8x4x5xf32>, tensor<4x5xf32>)
// CHECK: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[V0]]#1) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// CHECK: return %[[V1]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0, %1 = "astra.optimization_barrier"(%x, %y) : (tensor<4x5xf32>, tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>)
  return %1 : tensor<4x5xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.stop_gradient"(%[[A0]]) : (tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// CHECK: return %[[V0]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %s = "astra.stop_gradient"(%x) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %s : tensor<4x5xf32>
}
