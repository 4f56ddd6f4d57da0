// Contractions are bilinear: each operand's cotangent is a contraction of the result's with the other operand.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// The product rule; and the two transposes, of which neither needs a transposed result.
// CHECK-LABEL: func.func @matmul_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg2, %arg1) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.dot_general"(%arg0, %arg3) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%[[V0]], %[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<3x5xf32>
func.func @matmul_forward(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>, %da: tensor<3x4xf32>, %db: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0:2 = "astra.jvp"(%a, %b, %da, %db) {callee = @matmul, argnums = array<i64: 0, 1>}
      : (tensor<3x4xf32>, tensor<4x5xf32>, tensor<3x4xf32>, tensor<4x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>)
  return %0#1 : tensor<3x5xf32>
}
// CHECK-LABEL: func.func @matmul_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg2, %arg1) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.dot_general"(%arg0, %arg2) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<3x4xf32>, tensor<4x5xf32>
func.func @matmul_reverse(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>, %c: tensor<3x5xf32>) -> (tensor<3x4xf32>, tensor<4x5xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @matmul, argnums = array<i64: 0, 1>}
      : (tensor<3x4xf32>, tensor<4x5xf32>, tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x4xf32>, tensor<4x5xf32>)
  return %0#1, %0#2 : tensor<3x4xf32>, tensor<4x5xf32>
}
func.func private @matmul(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = "astra.dot_general"(%a, %b) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>,
       rhs_contracting_dimensions = array<i64: 0>, precision = "HIGHEST"}
      : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// With batches, and nothing for an operand that is not asked for.
// CHECK-LABEL: func.func @batches_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg0, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: return %[[V0]] : tensor<2x3x5xf32>
func.func @batches_forward(%a: tensor<2x3x4xf32>, %b: tensor<4x2x5xf32>, %db: tensor<4x2x5xf32>) -> tensor<2x3x5xf32> {
  %0:2 = "astra.jvp"(%a, %b, %db) {callee = @batches, argnums = array<i64: 1>}
      : (tensor<2x3x4xf32>, tensor<4x2x5xf32>, tensor<4x2x5xf32>) -> (tensor<2x3x5xf32>, tensor<2x3x5xf32>)
  return %0#1 : tensor<2x3x5xf32>
}
// CHECK-LABEL: func.func @batches_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg2, %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 2, 0, 1>}
// CHECK-NEXT: return %[[V1]] : tensor<4x2x5xf32>
func.func @batches_reverse(%a: tensor<2x3x4xf32>, %b: tensor<4x2x5xf32>, %c: tensor<2x3x5xf32>) -> tensor<4x2x5xf32> {
  %0:2 = "astra.vjp"(%a, %b, %c) {callee = @batches, argnums = array<i64: 1>}
      : (tensor<2x3x4xf32>, tensor<4x2x5xf32>, tensor<2x3x5xf32>) -> (tensor<2x3x5xf32>, tensor<4x2x5xf32>)
  return %0#1 : tensor<4x2x5xf32>
}
func.func private @batches(%a: tensor<2x3x4xf32>, %b: tensor<4x2x5xf32>) -> tensor<2x3x5xf32> {
  %0 = "astra.dot_general"(%a, %b) {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 1>, lhs_contracting_dimensions = array<i64: 2>,
       rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<2x3x4xf32>, tensor<4x2x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// A result that is wider than the operands: the cotangent is contracted in its type, and narrowed at the end.
// CHECK-LABEL: func.func @wider_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.convert"(%arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.dot_general"(%arg2, %[[V0]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.convert"(%[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<3x4xbf16>
func.func @wider_reverse(%a: tensor<3x4xbf16>, %b: tensor<4x5xbf16>, %c: tensor<3x5xf32>) -> tensor<3x4xbf16> {
  %0:2 = "astra.vjp"(%a, %b, %c) {callee = @wider, argnums = array<i64: 0>}
      : (tensor<3x4xbf16>, tensor<4x5xbf16>, tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x4xbf16>)
  return %0#1 : tensor<3x4xbf16>
}
func.func private @wider(%a: tensor<3x4xbf16>, %b: tensor<4x5xbf16>) -> tensor<3x5xf32> {
  %0 = "astra.dot_general"(%a, %b) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>,
       rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<3x4xbf16>, tensor<4x5xbf16>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// A convolution: of the cotangent, spread by the strides, with the reversed kernel; and of the input with the
// cotangent, batches being summed.
// CHECK-LABEL: func.func @convolution_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.convolution"(%arg0, %arg2) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1 : i64, kernel_output_feature_dimension = 2 : i64, kernel_spatial_dimensions = array<i64: 0>, lhs_dilation = array<i64: 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64, output_spatial_dimensions = array<i64: 1>, padding = array<i64: 0, 1>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: false>, window_strides = array<i64: 2>}
// CHECK-NEXT: return %[[V0]] : tensor<2x4x4xf32>
func.func @convolution_forward(%x: tensor<2x9x3xf32>, %w: tensor<3x3x4xf32>, %dw: tensor<3x3x4xf32>) -> tensor<2x4x4xf32> {
  %0:2 = "astra.jvp"(%x, %w, %dw) {callee = @convolution, argnums = array<i64: 1>}
      : (tensor<2x9x3xf32>, tensor<3x3x4xf32>, tensor<3x3x4xf32>) -> (tensor<2x4x4xf32>, tensor<2x4x4xf32>)
  return %0#1 : tensor<2x4x4xf32>
}
// CHECK-LABEL: func.func @convolution_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.convolution"(%arg2, %arg1) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 1 : i64, kernel_spatial_dimensions = array<i64: 0>, lhs_dilation = array<i64: 2>, output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64, output_spatial_dimensions = array<i64: 1>, padding = array<i64: 2, 2>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: true>, window_strides = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.convolution"(%arg0, %arg2) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 2 : i64, input_feature_dimension = 0 : i64, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 0 : i64, kernel_output_feature_dimension = 2 : i64, kernel_spatial_dimensions = array<i64: 1>, lhs_dilation = array<i64: 1>, output_batch_dimension = 1 : i64, output_feature_dimension = 2 : i64, output_spatial_dimensions = array<i64: 0>, padding = array<i64: 0, 0>, rhs_dilation = array<i64: 2>, window_reversal = array<i1: false>, window_strides = array<i64: 1>}
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<2x9x3xf32>, tensor<3x3x4xf32>
func.func @convolution_reverse(%x: tensor<2x9x3xf32>, %w: tensor<3x3x4xf32>, %c: tensor<2x4x4xf32>) -> (tensor<2x9x3xf32>, tensor<3x3x4xf32>) {
  %0:3 = "astra.vjp"(%x, %w, %c) {callee = @convolution, argnums = array<i64: 0, 1>}
      : (tensor<2x9x3xf32>, tensor<3x3x4xf32>, tensor<2x4x4xf32>) -> (tensor<2x4x4xf32>, tensor<2x9x3xf32>, tensor<3x3x4xf32>)
  return %0#1, %0#2 : tensor<2x9x3xf32>, tensor<3x3x4xf32>
}
func.func private @convolution(%x: tensor<2x9x3xf32>, %w: tensor<3x3x4xf32>) -> tensor<2x4x4xf32> {
  %0 = "astra.convolution"(%x, %w)
      {window_strides = array<i64: 2>, padding = array<i64: 0, 1>, lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>,
       window_reversal = array<i1: false>, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64,
       input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1 : i64, kernel_output_feature_dimension = 2 : i64,
       kernel_spatial_dimensions = array<i64: 0>, output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64,
       output_spatial_dimensions = array<i64: 1>, feature_group_count = 1 : i64, batch_group_count = 1 : i64}
      : (tensor<2x9x3xf32>, tensor<3x3x4xf32>) -> tensor<2x4x4xf32>
  return %0 : tensor<2x4x4xf32>
}

// Groups of features become groups of batches for the kernel, whose groups trade places for the input; a kernel that
// was reversed is not, and its cotangent is reversed.
// CHECK-LABEL: func.func @groups_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.reshape"(%arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: %[[V2:.*]] = "astra.reshape"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.convolution"(%arg2, %[[V2]]) {batch_group_count = 1 : i64, feature_group_count = 2 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 1 : i64, kernel_spatial_dimensions = array<i64: 0>, lhs_dilation = array<i64: 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64, output_spatial_dimensions = array<i64: 1>, padding = array<i64: 2, 2>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: false>, window_strides = array<i64: 1>}
// CHECK-NEXT: %[[V4:.*]] = "astra.convolution"(%arg0, %arg2) {batch_group_count = 2 : i64, feature_group_count = 1 : i64, input_batch_dimension = 2 : i64, input_feature_dimension = 0 : i64, input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 0 : i64, kernel_output_feature_dimension = 2 : i64, kernel_spatial_dimensions = array<i64: 1>, lhs_dilation = array<i64: 1>, output_batch_dimension = 1 : i64, output_feature_dimension = 2 : i64, output_spatial_dimensions = array<i64: 0>, padding = array<i64: 0, 0>, rhs_dilation = array<i64: 1>, window_reversal = array<i1: false>, window_strides = array<i64: 1>}
// CHECK-NEXT: %[[V5:.*]] = "astra.reverse"(%[[V4]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: return %[[V3]], %[[V5]] : tensor<2x9x4xf32>, tensor<3x2x6xf32>
func.func @groups_reverse(%x: tensor<2x9x4xf32>, %w: tensor<3x2x6xf32>, %c: tensor<2x7x6xf32>) -> (tensor<2x9x4xf32>, tensor<3x2x6xf32>) {
  %0:3 = "astra.vjp"(%x, %w, %c) {callee = @groups, argnums = array<i64: 0, 1>}
      : (tensor<2x9x4xf32>, tensor<3x2x6xf32>, tensor<2x7x6xf32>) -> (tensor<2x7x6xf32>, tensor<2x9x4xf32>, tensor<3x2x6xf32>)
  return %0#1, %0#2 : tensor<2x9x4xf32>, tensor<3x2x6xf32>
}
func.func private @groups(%x: tensor<2x9x4xf32>, %w: tensor<3x2x6xf32>) -> tensor<2x7x6xf32> {
  %0 = "astra.convolution"(%x, %w)
      {window_strides = array<i64: 1>, padding = array<i64: 0, 0>, lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>,
       window_reversal = array<i1: true>, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64,
       input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1 : i64, kernel_output_feature_dimension = 2 : i64,
       kernel_spatial_dimensions = array<i64: 0>, output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64,
       output_spatial_dimensions = array<i64: 1>, feature_group_count = 2 : i64, batch_group_count = 1 : i64}
      : (tensor<2x9x4xf32>, tensor<3x2x6xf32>) -> tensor<2x7x6xf32>
  return %0 : tensor<2x7x6xf32>
}
