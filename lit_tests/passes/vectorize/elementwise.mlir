// Elementwise operations: a shared operand is repeated, batched ones are brought to one place of the batch.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=LEFT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=2,0 axis-size=8" | %filecheck %s --check-prefix=BOTH

// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x5xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.add"(%[[A0]], %[[V0]]) : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// LEFT: return %[[V1]] : tensor<8x4x5xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5x8xf32>, %[[A1:[a-z0-9]+]]: tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 2, 0, 1>} : (tensor<4x5x8xf32>) -> tensor<8x4x5xf32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.add"(%[[V0]], %[[A1]]) : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// BOTH: return %[[V1]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.add"(%x, %y) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x5xi1>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.compare"(%[[A0]], %[[V0]]) {compare_type = "FLOAT", direction = "LT"} : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xi1>
// LEFT: return %[[V1]] : tensor<8x4x5xi1>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5x8xf32>, %[[A1:[a-z0-9]+]]: tensor<8x4x5xf32>) -> tensor<8x4x5xi1>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 2, 0, 1>} : (tensor<4x5x8xf32>) -> tensor<8x4x5xf32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.compare"(%[[V0]], %[[A1]]) {compare_type = "FLOAT", direction = "LT"} : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xi1>
// BOTH: return %[[V1]] : tensor<8x4x5xi1>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xi1> {
  %0 = "astra.compare"(%x, %y) {direction = "LT", compare_type = "FLOAT"} : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xi1>
  return %0 : tensor<4x5xi1>
}
