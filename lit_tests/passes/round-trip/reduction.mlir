// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @reduce(
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK: }) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
// STABLEHLO-LABEL: func.func @reduce(
// STABLEHLO: stablehlo.reduce{{[^_a-z]}}
func.func @reduce(%input: tensor<4x8xf32>, %init: tensor<f32>) -> tensor<4xf32> {
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %result : tensor<4xf32>
}

// CHECK-LABEL: func.func @reduce_window(
// CHECK: "astra.reduce_window"(%arg0, %arg1) ({
// CHECK: }) {base_dilations = array<i64: 1, 1>, kind = "maximum", padding = array<i64: 0, 0, 1, 1>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
// STABLEHLO-LABEL: func.func @reduce_window(
// STABLEHLO: stablehlo.reduce_window{{[^_a-z]}}
func.func @reduce_window(%input: tensor<4x8xf32>, %init: tensor<f32>) -> tensor<4x5xf32> {
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return %result : tensor<4x5xf32>
}

// CHECK-LABEL: func.func @cumulative(
// CHECK: "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "add", reverse = false} : (tensor<4x8xf32>) -> tensor<4x8xf32>
// STABLEHLO-LABEL: func.func @cumulative(
// STABLEHLO: stablehlo.reduce_window{{[^_a-z]}}
func.func @cumulative(%operand: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @select_and_scatter(
// CHECK: "astra.select_and_scatter"(%arg0, %arg1, %arg2) ({
// CHECK: }) {padding = array<i64: 0, 0, 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>} : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
// STABLEHLO-LABEL: func.func @select_and_scatter(
// STABLEHLO: stablehlo.select_and_scatter{{[^_a-z]}}
func.func @select_and_scatter(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) -> tensor<4x8xf32> {
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}
