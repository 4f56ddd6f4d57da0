// Operations along one dimension, which is another one with the batch.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.cumulative"(%[[A0]]) {dimension = 2 : i64, kind = "add", reverse = true} : (tensor<4x8x5xf32>) -> tensor<4x8x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: return %[[V1]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.cumulative"(%x) {dimension = 1 : i64, reverse = true, kind = "add"} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.sort"(%[[A0]]) ({
// CHECK: }) {dimension = 2 : i64, is_stable = true, kind = "ascending"} : (tensor<4x8x5xf32>) -> tensor<4x8x5xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: return %[[V1]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.sort"(%x) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// The last dimension is sorted, so the batch goes first.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>) -> tensor<8x4x2xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// CHECK: %[[V1:[a-z0-9]+]]:2 = "astra.top_k"(%[[V0]]) {k = 2 : i64, largest = true} : (tensor<8x4x5xf32>) -> (tensor<8x4x2xf32>, tensor<8x4x2xi32>)
// CHECK: return %[[V1]]#0 : tensor<8x4x2xf32>
func.func @main(%x: tensor<4x5xf32>) -> tensor<4x2xf32> {
  %0, %1 = "astra.top_k"(%x) {k = 2 : i64, largest = true} : (tensor<4x5xf32>) -> (tensor<4x2xf32>, tensor<4x2xi32>)
  return %0 : tensor<4x2xf32>
}
