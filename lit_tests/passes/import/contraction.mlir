// Dot products of every form become one operation.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @dots
// CHECK-NEXT: "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, precision = "HIGHEST", rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: "astra.dot_general"(%arg2, %arg2) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
func.func @dots(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>, %c: tensor<3x3xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1], precision = [DEFAULT, HIGHEST] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  %1 = stablehlo.dot %c, %c : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  return
}

// CHECK-LABEL: func.func @einsum
// CHECK: %[[SUM:.*]] = "astra.reduce"(%arg1, {{.*}}) ({
// CHECK-NEXT: }) {dimensions = array<i64: 2>, kind = "add"} : (tensor<2x4x5xf32>, tensor<f32>) -> tensor<2x4xf32>
// CHECK-NEXT: %[[DOT:.*]] = "astra.dot_general"(%arg0, %[[SUM]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, {{.*}} -> tensor<2x3xf32>
// CHECK-NEXT: "astra.transpose"(%[[DOT]]) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
func.func @einsum(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.einsum %a, %b, config = "bij,bjk->ib" : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// CHECK-LABEL: func.func @unary_einsum
// CHECK: "astra.reduce"({{.*}})
// CHECK: {dimensions = array<i64: 1>, kind = "add"} : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x4xf32>
// CHECK-NEXT: "astra.transpose"
func.func @unary_einsum(%a: tensor<2x3x4xf32>) -> tensor<4x2xf32> {
  %0 = "stablehlo.unary_einsum"(%a) {einsum_config = "abc->ca"} : (tensor<2x3x4xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// Integers summed in floats become floats first.
// CHECK-LABEL: func.func @widening
// CHECK-NEXT: "astra.convert"(%arg0) : (tensor<3x4xi8>) -> tensor<3x4xf32>
// CHECK-NEXT: "astra.convert"(%arg1) : (tensor<4x5xi8>) -> tensor<4x5xf32>
// CHECK-NEXT: "astra.dot_general"
func.func @widening(%a: tensor<3x4xi8>, %b: tensor<4x5xi8>) -> tensor<3x5xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<3x4xi8>, tensor<4x5xi8>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @convolution
// CHECK-NEXT: "astra.convolution"(%arg0, %arg1) {batch_group_count = 1 : i64, feature_group_count = 2 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
// CHECK-SAME: padding = array<i64: 1, 1, 1, 1>,
// CHECK-SAME: window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}
func.func @convolution(%x: tensor<2x8x8x4xf32>, %k: tensor<3x3x2x6xf32>) -> tensor<2x8x8x6xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 1], [1, 1]]} {feature_group_count = 2 : i64, batch_group_count = 1 : i64} : (tensor<2x8x8x4xf32>, tensor<3x3x2x6xf32>) -> tensor<2x8x8x6xf32>
  return %0 : tensor<2x8x8x6xf32>
}
