// Bounds of rank 0 stay so where they are shared, and are repeated where they are batched.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,1,0 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<f32>, %[[A1:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A2:[a-z0-9]+]]: tensor<f32>) -> tensor<8x4x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.clamp"(%[[A0]], %[[A1]], %[[A2]]) : (tensor<f32>, tensor<8x4x5xf32>, tensor<f32>) -> tensor<8x4x5xf32>
// SHARED: return %[[V0]] : tensor<8x4x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<f32>, %[[A1:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A2:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 1>} : (tensor<8xf32>) -> tensor<4x8x5xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.clamp"(%[[A0]], %[[A1]], %[[V0]]) : (tensor<f32>, tensor<4x8x5xf32>, tensor<4x8x5xf32>) -> tensor<4x8x5xf32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: return %[[V2]] : tensor<8x4x5xf32>
func.func @main(%a: tensor<f32>, %x: tensor<4x5xf32>, %b: tensor<f32>) -> tensor<4x5xf32> {
  %0 = "astra.clamp"(%a, %x, %b) : (tensor<f32>, tensor<4x5xf32>, tensor<f32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
