// Operations that move elements: the batch is one more dimension, which they leave alone.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1 axis-size=8" | %filecheck %s

// The batch keeps its place behind the dimension that was in front of it.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x2x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 0, 1, 3>} : (tensor<4x8x5xf32>) -> tensor<4x8x2x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2, 3>} : (tensor<4x8x2x5xf32>) -> tensor<8x4x2x5xf32>
// CHECK: return %[[V1]] : tensor<8x4x2x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x2x5xf32> {
  %0 = "astra.broadcast"(%x) {dimensions = array<i64: 0, 2>} : (tensor<4x5xf32>) -> tensor<4x2x5xf32>
  return %0 : tensor<4x2x5xf32>
}

// -----

// Four elements are in front of the batch before and after.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x2x2x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A0]]) : (tensor<4x8x5xf32>) -> tensor<2x2x8x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 2, 0, 1, 3>} : (tensor<2x2x8x5xf32>) -> tensor<8x2x2x5xf32>
// CHECK: return %[[V1]] : tensor<8x2x2x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<2x2x5xf32> {
  %0 = "astra.reshape"(%x) {} : (tensor<4x5xf32>) -> tensor<2x2x5xf32>
  return %0 : tensor<2x2x5xf32>
}

// -----

// No place has four elements in front: the batch goes first.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x10x2xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<8x4x5xf32>) -> tensor<8x10x2xf32>
// CHECK: return %[[V1]] : tensor<8x10x2xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<10x2xf32> {
  %0 = "astra.reshape"(%x) {} : (tensor<4x5xf32>) -> tensor<10x2xf32>
  return %0 : tensor<10x2xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x5x4xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 2, 0>} : (tensor<4x8x5xf32>) -> tensor<8x5x4xf32>
// CHECK: return %[[V0]] : tensor<8x5x4xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<5x4xf32> {
  %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<4x5xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x2x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.slice"(%[[A0]]) {limit_indices = array<i64: 4, 8, 5>, start_indices = array<i64: 1, 0, 0>, strides = array<i64: 2, 1, 1>} : (tensor<4x8x5xf32>) -> tensor<2x8x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<2x8x5xf32>) -> tensor<8x2x5xf32>
// CHECK: return %[[V1]] : tensor<8x2x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<2x5xf32> {
  %0 = "astra.slice"(%x) {start_indices = array<i64: 1, 0>, limit_indices = array<i64: 4, 5>, strides = array<i64: 2, 1>} : (tensor<4x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.reverse"(%[[A0]]) {dimensions = array<i64: 2>} : (tensor<4x8x5xf32>) -> tensor<4x8x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: return %[[V1]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.reverse"(%x) {dimensions = array<i64: 1>} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// The size of a dimension is the same for all.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8xi32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.get_dimension_size"(%[[A0]]) {dimension = 2 : i64} : (tensor<4x8x5xf32>) -> tensor<i32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[V0]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// CHECK: return %[[V1]] : tensor<8xi32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<i32> {
  %0 = "astra.get_dimension_size"(%x) {dimension = 1 : i64} : (tensor<4x5xf32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x5x2xi16>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.bitcast_convert"(%[[V0]]) : (tensor<8x4x5xf32>) -> tensor<8x4x5x2xi16>
// CHECK: return %[[V1]] : tensor<8x4x5x2xi16>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x5x2xi16> {
  %0 = "astra.bitcast_convert"(%x) {} : (tensor<4x5xf32>) -> tensor<4x5x2xi16>
  return %0 : tensor<4x5x2xi16>
}
