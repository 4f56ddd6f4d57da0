// A predicate of rank 0 stays one for all where it is shared, and is repeated over its elements where it is batched.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1,1 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<i1>, %[[A1:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A2:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.select"(%[[A0]], %[[A1]], %[[V0]]) : (tensor<i1>, tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// SHARED: return %[[V1]] : tensor<8x4x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<8xi1>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>, %[[A2:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1>} : (tensor<8xi1>) -> tensor<4x8x5xi1>
// EACH: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0, 2>} : (tensor<4x5xf32>) -> tensor<4x8x5xf32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.select"(%[[V0]], %[[V1]], %[[A2]]) : (tensor<4x8x5xi1>, tensor<4x8x5xf32>, tensor<4x8x5xf32>) -> tensor<4x8x5xf32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.transpose"(%[[V2]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: return %[[V3]] : tensor<8x4x5xf32>
func.func @main(%p: tensor<i1>, %x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.select"(%p, %x, %y) : (tensor<i1>, tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
