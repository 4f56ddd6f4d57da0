// Convolutions: a batched input joins the batch of images, a batched kernel the output features; both become groups.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=LEFT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s --check-prefix=RIGHT
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,1 axis-size=8" | %filecheck %s --check-prefix=BOTH

// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x3x6x10xf32>) -> tensor<8x2x9x9x10xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A0]]) : (tensor<8x2x9x9x6xf32>) -> tensor<16x9x9x6xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.convolution"(%[[V0]], %[[A1]]) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<16x9x9x6xf32>, tensor<3x3x6x10xf32>) -> tensor<16x9x9x10xf32>
// LEFT: %[[V2:[a-z0-9]+]] = "astra.reshape"(%[[V1]]) : (tensor<16x9x9x10xf32>) -> tensor<8x2x9x9x10xf32>
// LEFT: return %[[V2]] : tensor<8x2x9x9x10xf32>
// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x3x6x10xf32>) -> tensor<8x2x9x9x10xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<8x3x3x6x10xf32>) -> tensor<3x3x6x8x10xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<3x3x6x8x10xf32>) -> tensor<3x3x6x80xf32>
// RIGHT: %[[V2:[a-z0-9]+]] = "astra.convolution"(%[[A0]], %[[V1]]) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x9x9x6xf32>, tensor<3x3x6x80xf32>) -> tensor<2x9x9x80xf32>
// RIGHT: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<2x9x9x80xf32>) -> tensor<2x9x9x8x10xf32>
// RIGHT: %[[V4:[a-z0-9]+]] = "astra.transpose"(%[[V3]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<2x9x9x8x10xf32>) -> tensor<8x2x9x9x10xf32>
// RIGHT: return %[[V4]] : tensor<8x2x9x9x10xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x8x3x6x10xf32>) -> tensor<8x2x9x9x10xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<8x2x9x9x6xf32>) -> tensor<2x9x9x8x6xf32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<2x9x9x8x6xf32>) -> tensor<2x9x9x48xf32>
// BOTH: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 0, 2, 3, 1, 4>} : (tensor<3x8x3x6x10xf32>) -> tensor<3x3x6x8x10xf32>
// BOTH: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<3x3x6x8x10xf32>) -> tensor<3x3x6x80xf32>
// BOTH: %[[V4:[a-z0-9]+]] = "astra.convolution"(%[[V1]], %[[V3]]) {batch_group_count = 1 : i64, feature_group_count = 8 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x9x9x48xf32>, tensor<3x3x6x80xf32>) -> tensor<2x9x9x80xf32>
// BOTH: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<2x9x9x80xf32>) -> tensor<2x9x9x8x10xf32>
// BOTH: %[[V6:[a-z0-9]+]] = "astra.transpose"(%[[V5]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<2x9x9x8x10xf32>) -> tensor<8x2x9x9x10xf32>
// BOTH: return %[[V6]] : tensor<8x2x9x9x10xf32>
func.func @main(%x: tensor<2x9x9x6xf32>, %y: tensor<3x3x6x10xf32>) -> tensor<2x9x9x10xf32> {
  %0 = "astra.convolution"(%x, %y) {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<2x9x9x6xf32>, tensor<3x3x6x10xf32>) -> tensor<2x9x9x10xf32>
  return %0 : tensor<2x9x9x10xf32>
}

// -----

// Groups of features are outside of the applications where only the kernel is batched.
// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x3x3x10xf32>) -> tensor<8x2x9x9x10xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A0]]) : (tensor<8x2x9x9x6xf32>) -> tensor<16x9x9x6xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.convolution"(%[[V0]], %[[A1]]) {batch_group_count = 1 : i64, feature_group_count = 2 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<16x9x9x6xf32>, tensor<3x3x3x10xf32>) -> tensor<16x9x9x10xf32>
// LEFT: %[[V2:[a-z0-9]+]] = "astra.reshape"(%[[V1]]) : (tensor<16x9x9x10xf32>) -> tensor<8x2x9x9x10xf32>
// LEFT: return %[[V2]] : tensor<8x2x9x9x10xf32>
// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x3x3x10xf32>) -> tensor<8x2x9x9x10xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<8x3x3x3x10xf32>) -> tensor<3x3x3x8x10xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<3x3x3x8x10xf32>) -> tensor<3x3x3x8x2x5xf32>
// RIGHT: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 0, 1, 2, 4, 3, 5>} : (tensor<3x3x3x8x2x5xf32>) -> tensor<3x3x3x2x8x5xf32>
// RIGHT: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<3x3x3x2x8x5xf32>) -> tensor<3x3x3x80xf32>
// RIGHT: %[[V4:[a-z0-9]+]] = "astra.convolution"(%[[A0]], %[[V3]]) {batch_group_count = 1 : i64, feature_group_count = 2 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x9x9x6xf32>, tensor<3x3x3x80xf32>) -> tensor<2x9x9x80xf32>
// RIGHT: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<2x9x9x80xf32>) -> tensor<2x9x9x2x8x5xf32>
// RIGHT: %[[V6:[a-z0-9]+]] = "astra.transpose"(%[[V5]]) {permutation = array<i64: 0, 1, 2, 4, 3, 5>} : (tensor<2x9x9x2x8x5xf32>) -> tensor<2x9x9x8x2x5xf32>
// RIGHT: %[[V7:[a-z0-9]+]] = "astra.reshape"(%[[V6]]) : (tensor<2x9x9x8x2x5xf32>) -> tensor<2x9x9x8x10xf32>
// RIGHT: %[[V8:[a-z0-9]+]] = "astra.transpose"(%[[V7]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<2x9x9x8x10xf32>) -> tensor<8x2x9x9x10xf32>
// RIGHT: return %[[V8]] : tensor<8x2x9x9x10xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x8x3x3x10xf32>) -> tensor<8x2x9x9x10xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<8x2x9x9x6xf32>) -> tensor<2x9x9x8x6xf32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<2x9x9x8x6xf32>) -> tensor<2x9x9x48xf32>
// BOTH: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 0, 2, 3, 1, 4>} : (tensor<3x8x3x3x10xf32>) -> tensor<3x3x3x8x10xf32>
// BOTH: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<3x3x3x8x10xf32>) -> tensor<3x3x3x80xf32>
// BOTH: %[[V4:[a-z0-9]+]] = "astra.convolution"(%[[V1]], %[[V3]]) {batch_group_count = 1 : i64, feature_group_count = 16 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x9x9x48xf32>, tensor<3x3x3x80xf32>) -> tensor<2x9x9x80xf32>
// BOTH: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<2x9x9x80xf32>) -> tensor<2x9x9x8x10xf32>
// BOTH: %[[V6:[a-z0-9]+]] = "astra.transpose"(%[[V5]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<2x9x9x8x10xf32>) -> tensor<8x2x9x9x10xf32>
// BOTH: return %[[V6]] : tensor<8x2x9x9x10xf32>
func.func @main(%x: tensor<2x9x9x6xf32>, %y: tensor<3x3x3x10xf32>) -> tensor<2x9x9x10xf32> {
  %0 = "astra.convolution"(%x, %y) {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 2 : i64, batch_group_count = 1 : i64} : (tensor<2x9x9x6xf32>, tensor<3x3x3x10xf32>) -> tensor<2x9x9x10xf32>
  return %0 : tensor<2x9x9x10xf32>
}

// -----

// Groups of images are outside of the applications where only the input is batched.
// LEFT-LABEL: func.func @main(
// LEFT-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x3x6x10xf32>) -> tensor<8x1x9x9x10xf32>
// LEFT: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A0]]) : (tensor<8x2x9x9x6xf32>) -> tensor<8x2x1x9x9x6xf32>
// LEFT: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0, 2, 3, 4, 5>} : (tensor<8x2x1x9x9x6xf32>) -> tensor<2x8x1x9x9x6xf32>
// LEFT: %[[V2:[a-z0-9]+]] = "astra.reshape"(%[[V1]]) : (tensor<2x8x1x9x9x6xf32>) -> tensor<16x9x9x6xf32>
// LEFT: %[[V3:[a-z0-9]+]] = "astra.convolution"(%[[V2]], %[[A1]]) {batch_group_count = 2 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<16x9x9x6xf32>, tensor<3x3x6x10xf32>) -> tensor<8x9x9x10xf32>
// LEFT: %[[V4:[a-z0-9]+]] = "astra.reshape"(%[[V3]]) : (tensor<8x9x9x10xf32>) -> tensor<8x1x9x9x10xf32>
// LEFT: return %[[V4]] : tensor<8x1x9x9x10xf32>
// RIGHT-LABEL: func.func @main(
// RIGHT-SAME: %[[A0:[a-z0-9]+]]: tensor<2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x3x6x10xf32>) -> tensor<8x1x9x9x10xf32>
// RIGHT: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<8x3x3x6x10xf32>) -> tensor<3x3x6x8x10xf32>
// RIGHT: %[[V1:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<3x3x6x8x10xf32>) -> tensor<3x3x6x8x2x5xf32>
// RIGHT: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 0, 1, 2, 4, 3, 5>} : (tensor<3x3x6x8x2x5xf32>) -> tensor<3x3x6x2x8x5xf32>
// RIGHT: %[[V3:[a-z0-9]+]] = "astra.reshape"(%[[V2]]) : (tensor<3x3x6x2x8x5xf32>) -> tensor<3x3x6x80xf32>
// RIGHT: %[[V4:[a-z0-9]+]] = "astra.convolution"(%[[A0]], %[[V3]]) {batch_group_count = 2 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x9x9x6xf32>, tensor<3x3x6x80xf32>) -> tensor<1x9x9x80xf32>
// RIGHT: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<1x9x9x80xf32>) -> tensor<1x9x9x2x8x5xf32>
// RIGHT: %[[V6:[a-z0-9]+]] = "astra.transpose"(%[[V5]]) {permutation = array<i64: 0, 1, 2, 4, 3, 5>} : (tensor<1x9x9x2x8x5xf32>) -> tensor<1x9x9x8x2x5xf32>
// RIGHT: %[[V7:[a-z0-9]+]] = "astra.reshape"(%[[V6]]) : (tensor<1x9x9x8x2x5xf32>) -> tensor<1x9x9x8x10xf32>
// RIGHT: %[[V8:[a-z0-9]+]] = "astra.transpose"(%[[V7]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<1x9x9x8x10xf32>) -> tensor<8x1x9x9x10xf32>
// RIGHT: return %[[V8]] : tensor<8x1x9x9x10xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2x9x9x6xf32>, %[[A1:[a-z0-9]+]]: tensor<3x8x3x6x10xf32>) -> tensor<8x1x9x9x10xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A0]]) : (tensor<8x2x9x9x6xf32>) -> tensor<16x9x9x6xf32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 0, 2, 3, 1, 4>} : (tensor<3x8x3x6x10xf32>) -> tensor<3x3x6x8x10xf32>
// BOTH: %[[V2:[a-z0-9]+]] = "astra.reshape"(%[[V1]]) : (tensor<3x3x6x8x10xf32>) -> tensor<3x3x6x80xf32>
// BOTH: %[[V3:[a-z0-9]+]] = "astra.convolution"(%[[V0]], %[[V2]]) {batch_group_count = 16 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<16x9x9x6xf32>, tensor<3x3x6x80xf32>) -> tensor<1x9x9x80xf32>
// BOTH: %[[V4:[a-z0-9]+]] = "astra.reshape"(%[[V3]]) : (tensor<1x9x9x80xf32>) -> tensor<1x9x9x8x10xf32>
// BOTH: %[[V5:[a-z0-9]+]] = "astra.transpose"(%[[V4]]) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<1x9x9x8x10xf32>) -> tensor<8x1x9x9x10xf32>
// BOTH: return %[[V5]] : tensor<8x1x9x9x10xf32>
func.func @main(%x: tensor<2x9x9x6xf32>, %y: tensor<3x3x6x10xf32>) -> tensor<1x9x9x10xf32> {
  %0 = "astra.convolution"(%x, %y) {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64, batch_group_count = 2 : i64} : (tensor<2x9x9x6xf32>, tensor<3x3x6x10xf32>) -> tensor<1x9x9x10xf32>
  return %0 : tensor<1x9x9x10xf32>
}
