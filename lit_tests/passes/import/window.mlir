// Window reductions, and the ones among them that are cumulative operations.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @max_pool
// CHECK: "astra.reduce_window"(%arg0, %arg1) ({
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 1>, kind = "maximum", padding = array<i64: 0, 0, 1, 1>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 1, 2>}
func.func @max_pool(%x: tensor<6x7xf32>, %i: tensor<f32>) -> tensor<5x4xf32> {
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 1, 2>, padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.maximum %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<6x7xf32>, tensor<f32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @cumulative_sum
// CHECK: "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "add", reverse = false} : (tensor<4x8xf32>) -> tensor<4x8xf32>
func.func @cumulative_sum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %i = stablehlo.broadcast_in_dim %z, dims = [] : (tensor<f32>) -> tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 1, 8>, padding = dense<[[0, 0], [7, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @reversed_maximum
// CHECK: "astra.cumulative"(%arg0) {dimension = 0 : i64, kind = "maximum", reverse = true} : (tensor<8xi8>) -> tensor<8xi8>
func.func @reversed_maximum(%x: tensor<8xi8>) -> tensor<8xi8> {
  %i = stablehlo.constant dense<-128> : tensor<i8>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 8>, padding = dense<[[0, 7]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<i8>, %b: tensor<i8>):
    %r = stablehlo.maximum %a, %b : tensor<i8>
    stablehlo.return %r : tensor<i8>
  }) : (tensor<8xi8>, tensor<i8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// An initial value that changes the result, or a window that sees both sides, is no cumulative operation.
// CHECK-LABEL: func.func @not_cumulative
// CHECK-COUNT-2: "astra.reduce_window"
func.func @not_cumulative(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %i = stablehlo.constant dense<1.0> : tensor<f32>
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %i) <{window_dimensions = array<i64: 8>, padding = dense<[[7, 0]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = "stablehlo.reduce_window"(%x, %z) <{window_dimensions = array<i64: 8>, padding = dense<[[3, 4]]> : tensor<1x2xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @max_pool_gradient
// CHECK: "astra.select_and_scatter"(%arg0, %arg1, %arg2) ({
// CHECK-NEXT: }, {
// CHECK-NEXT: }) {padding = array<i64: 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 2>, window_strides = array<i64: 2>}
func.func @max_pool_gradient(%x: tensor<8xf32>, %s: tensor<4xf32>, %i: tensor<f32>) -> tensor<8xf32> {
  %0 = "stablehlo.select_and_scatter"(%x, %s, %i) <{window_dimensions = array<i64: 2>, window_strides = array<i64: 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<8xf32>, tensor<4xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
