// Padding values of each application are put where the padding is; concatenation brings the batch to one place.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1,0 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<f32>) -> tensor<8x5x9xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.pad"(%[[A0]], %[[A1]]) {high = array<i64: 0, 0, 0>, interior = array<i64: 0, 0, 1>, low = array<i64: 1, 0, 0>} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<5x8x9xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<5x8x9xf32>) -> tensor<8x5x9xf32>
// SHARED: return %[[V1]] : tensor<8x5x9xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x5x9xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<true> : tensor<4x5xi1>} : () -> tensor<4x5xi1>
// EACH: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// EACH: %[[V2:[a-z0-9]+]] = "astra.pad"(%[[V0]], %[[V1]]) {high = array<i64: 0, 0>, interior = array<i64: 0, 1>, low = array<i64: 1, 0>} : (tensor<4x5xi1>, tensor<i1>) -> tensor<5x9xi1>
// EACH: %[[V3:[a-z0-9]+]] = "astra.broadcast"(%[[V2]]) {dimensions = array<i64: 0, 2>} : (tensor<5x9xi1>) -> tensor<5x8x9xi1>
// EACH: %[[V4:[a-z0-9]+]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
// EACH: %[[V5:[a-z0-9]+]] = "astra.pad"(%[[A0]], %[[V4]]) {high = array<i64: 0, 0, 0>, interior = array<i64: 0, 0, 1>, low = array<i64: 1, 0, 0>} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<5x8x9xf32>
// EACH: %[[V6:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1>} : (tensor<8xf32>) -> tensor<5x8x9xf32>
// EACH: %[[V7:[a-z0-9]+]] = "astra.select"(%[[V3]], %[[V5]], %[[V6]]) : (tensor<5x8x9xi1>, tensor<5x8x9xf32>, tensor<5x8x9xf32>) -> tensor<5x8x9xf32>
// EACH: %[[V8:[a-z0-9]+]] = "astra.transpose"(%[[V7]]) {permutation = array<i64: 1, 0, 2>} : (tensor<5x8x9xf32>) -> tensor<8x5x9xf32>
// EACH: return %[[V8]] : tensor<8x5x9xf32>
func.func @main(%x: tensor<4x5xf32>, %v: tensor<f32>) -> tensor<5x9xf32> {
  %0 = "astra.pad"(%x, %v) {low = array<i64: 1, 0>, high = array<i64: 0, 0>, interior = array<i64: 0, 1>} : (tensor<4x5xf32>, tensor<f32>) -> tensor<5x9xf32>
  return %0 : tensor<5x9xf32>
}

// -----

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<4x5xf32>) -> tensor<8x4x10xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0, 2>} : (tensor<4x5xf32>) -> tensor<4x8x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.concatenate"(%[[A0]], %[[V0]]) {dimension = 2 : i64} : (tensor<4x8x5xf32>, tensor<4x8x5xf32>) -> tensor<4x8x10xf32>
// SHARED: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x10xf32>) -> tensor<8x4x10xf32>
// SHARED: return %[[V2]] : tensor<8x4x10xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x4x5xf32>) -> tensor<8x4x10xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.concatenate"(%[[V0]], %[[A1]]) {dimension = 2 : i64} : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x10xf32>
// EACH: return %[[V1]] : tensor<8x4x10xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<4x5xf32>) -> tensor<4x10xf32> {
  %0 = "astra.concatenate"(%x, %y) {dimension = 1 : i64} : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x10xf32>
  return %0 : tensor<4x10xf32>
}
