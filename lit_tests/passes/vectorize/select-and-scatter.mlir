// The gradient of a pooling: windows of one element along the batch; an initial value of each application is added.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,0,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,0,0 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x2x5xf32>, %[[A2:[a-z0-9]+]]: tensor<f32>) -> tensor<8x4x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.select_and_scatter"(%[[V0]], %[[A1]], %[[A2]]) ({
// SHARED: }, {
// SHARED: }) {padding = array<i64: 0, 0, 0, 0, 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2, 1>, window_strides = array<i64: 1, 2, 1>} : (tensor<8x4x5xf32>, tensor<8x2x5xf32>, tensor<f32>) -> tensor<8x4x5xf32>
// SHARED: return %[[V1]] : tensor<8x4x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x2x5xf32>, %[[A2:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.select_and_scatter"(%[[A0]], %[[A1]], %[[V0]]) ({
// EACH: }, {
// EACH: }) {padding = array<i64: 0, 0, 0, 0, 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2, 1>, window_strides = array<i64: 1, 2, 1>} : (tensor<8x4x5xf32>, tensor<8x2x5xf32>, tensor<f32>) -> tensor<8x4x5xf32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.add"(%[[V1]], %[[V2]]) : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// EACH: return %[[V3]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %y: tensor<2x5xf32>, %i: tensor<f32>) -> tensor<4x5xf32> {
  %0 = "astra.select_and_scatter"(%x, %y, %i) ({}, {}) {window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, padding = array<i64: 0, 0, 0, 0>, select_kind = "GE", scatter_kind = "add"} : (tensor<4x5xf32>, tensor<2x5xf32>, tensor<f32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
