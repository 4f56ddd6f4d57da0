// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// CHECK-DAG: #[[LHS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[RHS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// A transpose in front is read through the map.
// CHECK-LABEL: func.func @dot
// CHECK: linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]], #[[OUT]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%arg0, %arg1 : tensor<4x8xf32>, tensor<5x8xf32>)
// CHECK: %[[P:.*]] = arith.mulf %{{.*}}, %{{.*}} fastmath<reassoc,contract> : f32
// CHECK-NEXT: arith.addf %{{.*}}, %[[P]] fastmath<reassoc,contract> : f32
func.func @dot(%x: tensor<4x8xf32>, %y: tensor<5x8xf32>) -> tensor<4x5xf32> {
  %0 = "astra.transpose"(%y) {permutation = array<i64: 1, 0>} : (tensor<5x8xf32>) -> tensor<8x5xf32>
  %1 = "astra.dot_general"(%x, %0) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<4x8xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>
  return %1 : tensor<4x5xf32>
}

// CHECK-LABEL: func.func @widening
// CHECK: outs(%{{.*}} : tensor<i32>)
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: arith.muli
func.func @widening(%x: tensor<8xi8>, %y: tensor<8xi8>) -> tensor<i32> {
  %0 = "astra.dot_general"(%x, %y) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<8xi8>, tensor<8xi8>) -> tensor<i32>
  return %0 : tensor<i32>
}

// CHECK-LABEL: func.func @convolution
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 1, 0] [2, 6, 3] [1, 1, 1]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]
// CHECK-NOT: tensor.collapse_shape
func.func @convolution(%x: tensor<2x6x3xf32>, %k: tensor<3x3x4xf32>) -> tensor<2x6x4xf32> {
  %0 = "astra.convolution"(%x, %k) {window_strides = array<i64: 1>, padding = array<i64: 1, 1>, lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: false>, input_batch_dimension = 0, input_feature_dimension = 2, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1, kernel_output_feature_dimension = 2, kernel_spatial_dimensions = array<i64: 0>, output_batch_dimension = 0, output_feature_dimension = 2, output_spatial_dimensions = array<i64: 1>, feature_group_count = 1, batch_group_count = 1} : (tensor<2x6x3xf32>, tensor<3x3x4xf32>) -> tensor<2x6x4xf32>
  return %0 : tensor<2x6x4xf32>
}

// The group is a loop of its own: the feature dimensions of kernel and result are split.
// CHECK-LABEL: func.func @depthwise
// CHECK: %[[K:.*]] = tensor.expand_shape %arg1 {{\[\[}}0], [1], [2, 3]] output_shape [3, 1, 3, 2]
// CHECK: %[[R:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]
// CHECK: tensor.collapse_shape %[[R]] {{\[\[}}0], [1], [2, 3]] : tensor<2x4x3x2xf32> into tensor<2x4x6xf32>
func.func @depthwise(%x: tensor<2x6x3xf32>, %k: tensor<3x1x6xf32>) -> tensor<2x4x6xf32> {
  %0 = "astra.convolution"(%x, %k) {window_strides = array<i64: 1>, padding = array<i64: 0, 0>, lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: false>, input_batch_dimension = 0, input_feature_dimension = 2, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1, kernel_output_feature_dimension = 2, kernel_spatial_dimensions = array<i64: 0>, output_batch_dimension = 0, output_feature_dimension = 2, output_spatial_dimensions = array<i64: 1>, feature_group_count = 3, batch_group_count = 1} : (tensor<2x6x3xf32>, tensor<3x1x6xf32>) -> tensor<2x4x6xf32>
  return %0 : tensor<2x4x6xf32>
}
