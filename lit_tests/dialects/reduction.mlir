// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @reduce(
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK: }) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
func.func @reduce(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @reduce_window(
// CHECK: "astra.reduce_window"(%arg0, %arg1) ({
// CHECK: }) {base_dilations = array<i64: 1, 1>, kind = "maximum", padding = array<i64: 0, 0, 1, 1>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
func.func @reduce_window(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

// CHECK-LABEL: func.func @cumulative(
// CHECK: "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "add", reverse = false} : (tensor<4x8xf32>) -> tensor<4x8xf32>
func.func @cumulative(%operand: tensor<4x8xf32>) {
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @select_and_scatter(
// CHECK: "astra.select_and_scatter"(%arg0, %arg1, %arg2) ({
// CHECK: }) {padding = array<i64: 0, 0, 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>} : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
func.func @select_and_scatter(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @argmax(
// CHECK: "astra.reduce"(%arg0, %arg1, %arg2, %arg3) ({
// CHECK: }) {dimensions = array<i64: 1>, kind = "argmax"} : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
func.func @argmax(%a: tensor<4x8xf32>, %i: tensor<4x8xi32>, %x: tensor<f32>, %z: tensor<i32>) {
  %r:2 = "astra.reduce"(%a, %i, %x, %z) ({
  }) {dimensions = array<i64: 1>, kind = "argmax"} : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
  return
}

// CHECK-LABEL: func.func @custom_reduce_to_wider(
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK: }) {dimensions = array<i64: 0, 1>, kind = "custom"} : (tensor<4x?xbf16>, tensor<bf16>) -> tensor<f32>
func.func @custom_reduce_to_wider(%a: tensor<4x?xbf16>, %x: tensor<bf16>) {
  %r = "astra.reduce"(%a, %x) ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %s = "astra.atan2"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%s) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0, 1>, kind = "custom"} : (tensor<4x?xbf16>, tensor<bf16>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @empty_window(
// CHECK: "astra.reduce_window"(%arg0, %arg1) ({
// CHECK: }) {base_dilations = array<i64: 1>, kind = "add", padding = array<i64: 0, -1>, window_dilations = array<i64: 2>, window_dimensions = array<i64: 3>, window_strides = array<i64: 1>} : (tensor<2xf32>, tensor<f32>) -> tensor<0xf32>
func.func @empty_window(%a: tensor<2xf32>, %x: tensor<f32>) {
  %r = "astra.reduce_window"(%a, %x) ({
  }) {base_dilations = array<i64: 1>, kind = "add", padding = array<i64: 0, -1>, window_dilations = array<i64: 2>, window_dimensions = array<i64: 3>, window_strides = array<i64: 1>} : (tensor<2xf32>, tensor<f32>) -> tensor<0xf32>
  return
}
