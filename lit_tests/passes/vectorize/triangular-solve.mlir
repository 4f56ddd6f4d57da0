// One matrix for all applications solves for all their columns (rows, where it is on the right) at once.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s --check-prefix=RIGHT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=MATRIX

// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<3x3xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x3xf32>) -> tensor<8x3x3xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 1, 0, 2>} : (tensor<8x3x3xf32>) -> tensor<3x8x3xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<3x8x3xf32>) -> tensor<3x24xf32>
// RIGHT: %[[V2:[a-z0-9]+]] = "astra.triangular_solve"(%[[A0]], %[[V1]]) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<3x3xf32>, tensor<3x24xf32>) -> tensor<3x24xf32>
// RIGHT: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<3x24xf32>) -> tensor<3x8x3xf32>
// RIGHT: %[[V4:[a-z0-9]+]] = "astra.transpose"(%[[V3]]) {permutation = array<i64: 1, 0, 2>} : (tensor<3x8x3xf32>) -> tensor<8x3x3xf32>
// RIGHT: return %[[V4]] : tensor<8x3x3xf32>
// MATRIX-LABEL: func.func @main(
// MATRIX-SAME: %[[A0:[a-z0-9]+]]: tensor<8x3x3xf32>, %[[A1:[a-z0-9]+]]: tensor<3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1, 2>} : (tensor<3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: %[[V1:[a-z0-9]+]] = "astra.triangular_solve"(%[[A0]], %[[V0]]) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<8x3x3xf32>, tensor<8x3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: return %[[V1]] : tensor<8x3x3xf32>
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = "astra.triangular_solve"(%a, %b) {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"} : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<3x3xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x3xf32>) -> tensor<8x3x3xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A1]]) : (tensor<8x3x3xf32>) -> tensor<24x3xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.triangular_solve"(%[[A0]], %[[V0]]) {left_side = false, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<3x3xf32>, tensor<24x3xf32>) -> tensor<24x3xf32>
// RIGHT: %[[V2:[a-z0-9]+]] = "astra.reshape"(%[[V1]]) : (tensor<24x3xf32>) -> tensor<8x3x3xf32>
// RIGHT: return %[[V2]] : tensor<8x3x3xf32>
// MATRIX-LABEL: func.func @main(
// MATRIX-SAME: %[[A0:[a-z0-9]+]]: tensor<8x3x3xf32>, %[[A1:[a-z0-9]+]]: tensor<3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1, 2>} : (tensor<3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: %[[V1:[a-z0-9]+]] = "astra.triangular_solve"(%[[A0]], %[[V0]]) {left_side = false, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<8x3x3xf32>, tensor<8x3x3xf32>) -> tensor<8x3x3xf32>
// MATRIX: return %[[V1]] : tensor<8x3x3xf32>
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = "astra.triangular_solve"(%a, %b) {left_side = false, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"} : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}
