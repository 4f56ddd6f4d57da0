// Windows have one element along the batch. Where the initial value is batched, so is what pads.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,0 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<f32>) -> tensor<8x3x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.reduce_window"(%[[A0]], %[[A1]]) ({
// SHARED: }) {base_dilations = array<i64: 1, 1, 1>, kind = "maximum", padding = array<i64: 1, 1, 0, 0, 0, 0>, window_dilations = array<i64: 1, 1, 1>, window_dimensions = array<i64: 2, 1, 1>, window_strides = array<i64: 2, 1, 1>} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<3x8x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<3x8x5xf32>) -> tensor<8x3x5xf32>
// SHARED: return %[[V1]] : tensor<8x3x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x3x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x3x5xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<true> : tensor<4x5xi1>} : () -> tensor<4x5xi1>
// EACH: %[[V2:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// EACH: %[[V3:[a-z0-9]+]] = "astra.pad"(%[[V1]], %[[V2]]) {high = array<i64: 1, 0>, interior = array<i64: 0, 0>, low = array<i64: 1, 0>} : (tensor<4x5xi1>, tensor<i1>) -> tensor<6x5xi1>
// EACH: %[[V4:[a-z0-9]+]] = "astra.broadcast"(%[[V3]]) {dimensions = array<i64: 1, 2>} : (tensor<6x5xi1>) -> tensor<8x6x5xi1>
// EACH: %[[V5:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V6:[a-z0-9]+]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
// EACH: %[[V7:[a-z0-9]+]] = "astra.pad"(%[[V5]], %[[V6]]) {high = array<i64: 0, 1, 0>, interior = array<i64: 0, 0, 0>, low = array<i64: 0, 1, 0>} : (tensor<8x4x5xf32>, tensor<f32>) -> tensor<8x6x5xf32>
// EACH: %[[V8:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x6x5xf32>
// EACH: %[[V9:[a-z0-9]+]] = "astra.select"(%[[V4]], %[[V7]], %[[V8]]) : (tensor<8x6x5xi1>, tensor<8x6x5xf32>, tensor<8x6x5xf32>) -> tensor<8x6x5xf32>
// EACH: %[[V10:[a-z0-9]+]] = "astra.slice"(%[[V9]]) {limit_indices = array<i64: 8, 5, 5>, start_indices = array<i64: 0, 0, 0>, strides = array<i64: 1, 2, 1>} : (tensor<8x6x5xf32>) -> tensor<8x3x5xf32>
// EACH: %[[V11:[a-z0-9]+]] = "astra.maximum"(%[[V0]], %[[V10]]) : (tensor<8x3x5xf32>, tensor<8x3x5xf32>) -> tensor<8x3x5xf32>
// EACH: %[[V12:[a-z0-9]+]] = "astra.slice"(%[[V9]]) {limit_indices = array<i64: 8, 6, 5>, start_indices = array<i64: 0, 1, 0>, strides = array<i64: 1, 2, 1>} : (tensor<8x6x5xf32>) -> tensor<8x3x5xf32>
// EACH: %[[V13:[a-z0-9]+]] = "astra.maximum"(%[[V11]], %[[V12]]) : (tensor<8x3x5xf32>, tensor<8x3x5xf32>) -> tensor<8x3x5xf32>
// EACH: return %[[V13]] : tensor<8x3x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<f32>) -> tensor<3x5xf32> {
  %0 = "astra.reduce_window"(%x, %i) ({}) {window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, base_dilations = array<i64: 1, 1>, window_dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 0, 0>, kind = "maximum"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
