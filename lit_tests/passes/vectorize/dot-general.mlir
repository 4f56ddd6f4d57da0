// Products: batched on one side, the batch is one more free dimension of that side; on both, one more batching dimension.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=LEFT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s --check-prefix=RIGHT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,1 axis-size=8" | %filecheck %s --check-prefix=BOTH

// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<5x6xf32>) -> tensor<8x4x6xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<8x4x5xf32>, tensor<5x6xf32>) -> tensor<8x4x6xf32>
// LEFT: return %[[V0]] : tensor<8x4x6xf32>
// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<4x5xf32>, tensor<8x5x6xf32>) -> tensor<4x8x6xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x6xf32>) -> tensor<8x4x6xf32>
// RIGHT: return %[[V1]] : tensor<8x4x6xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<5x8x6xf32>) -> tensor<8x4x6xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<8x4x5xf32>, tensor<5x8x6xf32>) -> tensor<8x4x6xf32>
// BOTH: return %[[V0]] : tensor<8x4x6xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<5x6xf32>) -> tensor<4x6xf32> {
  %0 = "astra.dot_general"(%x, %y) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<2x5x6xf32>) -> tensor<8x2x4x6xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64: 1>, lhs_contracting_dimensions = array<i64: 3>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<8x2x4x5xf32>, tensor<2x5x6xf32>) -> tensor<2x8x4x6xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2, 3>} : (tensor<2x8x4x6xf32>) -> tensor<8x2x4x6xf32>
// LEFT: return %[[V1]] : tensor<8x2x4x6xf32>
// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<2x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x2x5x6xf32>) -> tensor<8x2x4x6xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x4x5xf32>, tensor<8x2x5x6xf32>) -> tensor<2x4x8x6xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 2, 0, 1, 3>} : (tensor<2x4x8x6xf32>) -> tensor<8x2x4x6xf32>
// RIGHT: return %[[V1]] : tensor<8x2x4x6xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<2x8x5x6xf32>) -> tensor<8x2x4x6xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.dot_general"(%[[A0]], %[[A1]]) {lhs_batching_dimensions = array<i64: 0, 1>, lhs_contracting_dimensions = array<i64: 3>, rhs_batching_dimensions = array<i64: 1, 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<8x2x4x5xf32>, tensor<2x8x5x6xf32>) -> tensor<8x2x4x6xf32>
// BOTH: return %[[V0]] : tensor<8x2x4x6xf32>
func.func @main(%x: tensor<2x4x5xf32>, %y: tensor<2x5x6xf32>) -> tensor<2x4x6xf32> {
  %0 = "astra.dot_general"(%x, %y) {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x4x5xf32>, tensor<2x5x6xf32>) -> tensor<2x4x6xf32>
  return %0 : tensor<2x4x6xf32>
}
