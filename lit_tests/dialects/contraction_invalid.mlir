// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @dot_general_1(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attributes 'lhs_batching_dimensions' and 'rhs_batching_dimensions' must have one length, but are [0] and [] (C1)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_2(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attributes 'lhs_contracting_dimensions' and 'rhs_contracting_dimensions' must have one length, but are [2] and [] (C2)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_3(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'lhs_batching_dimensions + lhs_contracting_dimensions' repeats a dimension: [0, 0] (C3)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_4(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'rhs_batching_dimensions + rhs_contracting_dimensions' repeats a dimension: [0, 0] (C4)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 0>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_5(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'lhs_batching_dimensions' has 3, which is not a dimension of operand 'lhs', of rank 3 (C5)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 3>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_6(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'lhs_contracting_dimensions' has -1, which is not a dimension of operand 'lhs', of rank 3 (C6)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: -1>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_7(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'rhs_batching_dimensions' has 3, which is not a dimension of operand 'rhs', of rank 3 (C7)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 3>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_8(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'rhs_contracting_dimensions' has 3, which is not a dimension of operand 'rhs', of rank 3 (C8)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 3>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_9(%lhs: tensor<8x4x5xf32>, %rhs: tensor<9x5x6xf32>) {
  // expected-error@below {{batching dimension 0 of operand 'lhs', tensor<8x4x5xf32>, and 0 of operand 'rhs', tensor<9x5x6xf32>, differ in size (C9)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<9x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_10(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x7x6xf32>) {
  // expected-error@below {{contracting dimension 2 of operand 'lhs', tensor<8x4x5xf32>, and 1 of operand 'rhs', tensor<8x7x6xf32>, differ in size (C10)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x7x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_11(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{result must have shape 8x4x6, that of tensor<8x4x5xf32> times tensor<8x5x6xf32>, but is tensor<8x6x4xf32> (C12)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x6x4xf32>
  return
}

func.func @dot_general_12(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf16>) {
  // expected-error@below {{operand 'rhs' must have the element type of operand 'lhs', f32, but is tensor<8x5x6xf16> (C13)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf16>) -> tensor<8x4x6xf32>
  return
}

func.func @dot_general_13(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{result cannot hold sums of f32 products: it is tensor<8x4x6xf16> (C13)}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf16>
  return
}

func.func @dot_general_14(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) {
  // expected-error@below {{attribute 'precision' must be one of DEFAULT, HIGH, HIGHEST, but is 'BEST'}}
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "BEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return
}

func.func @convolution_1(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x16xf32>) {
  // expected-error@below {{operand 'lhs', tensor<2x8x8x3xf32>, and operand 'rhs', tensor<3x3x16xf32>, must have one rank (C1)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_2(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'window_strides' must have 2 values, one for each spatial dimension, but has 1 (C2)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_3(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'window_strides' has 0, which is less than 1 (C3)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 0>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_4(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'padding' must have 4 values, one for both ends of each spatial dimension, but has 2 (C4)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_5(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'lhs_dilation' must have 2 values, one for each spatial dimension, but has 1 (C5)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_6(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'lhs_dilation' has 0, which is less than 1 (C6)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 0, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_7(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'rhs_dilation' must have 2 values, one for each spatial dimension, but has 1 (C7)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_8(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'rhs_dilation' has 0, which is less than 1 (C8)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 0, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_9(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'window_reversal' must have 2 values, one for each spatial dimension, but has 1 (C9)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_10(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{batch of operand 'lhs', 2, cannot be split into 3 groups (C10)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 3 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_11(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{features of operand 'lhs', 3, cannot be split into 2 groups (C11)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 2 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_12(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'input_spatial_dimensions' must have 2 values, one for each spatial dimension, but has 1 (C12)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_13(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'input_batch_dimension + input_feature_dimension + input_spatial_dimensions' repeats a dimension: [0, 3, 1, 1] (C13)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 1>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_14(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x4x16xf32>) {
  // expected-error@below {{operand 'rhs' takes 4 input features, but a group of operand 'lhs' has 3 (C14)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x4x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_15(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x1x16xf32>) {
  // expected-error@below {{output features of operand 'rhs', 16, cannot be split into 3 groups (C16)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 3 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x1x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_16(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x15xf32>) {
  // expected-error@below {{output features of operand 'rhs', 15, cannot be split into 2 groups (C15)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 2 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x15xf32>) -> tensor<2x8x8x15xf32>
  return
}

func.func @convolution_17(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'kernel_spatial_dimensions' must have 2 values, one for each spatial dimension, but has 1 (C17)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_18(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'kernel_input_feature_dimension + kernel_output_feature_dimension + kernel_spatial_dimensions' has 4, which is not a dimension of the tensor, of rank 4 (C18)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 4>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_19(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'output_spatial_dimensions' must have 2 values, one for each spatial dimension, but has 1 (C19)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_20(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'output_batch_dimension + output_feature_dimension + output_spatial_dimensions' repeats a dimension: [0, 3, 1, 3] (C20)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 3>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_21(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'feature_group_count' must be positive, but is 0 (C21)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 0 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_22(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{attribute 'batch_group_count' must be positive, but is 0 (C22)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 0 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_23(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{cannot group both features and batch (C23)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 3 : i64,
       batch_group_count = 2 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_24(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{result must have shape 2x8x8x16, that of the convolution of tensor<2x8x8x3xf32> with tensor<3x3x3x16xf32>, but is tensor<2x8x7x16xf32> (C25)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x7x16xf32>
  return
}

func.func @convolution_25(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{result must have rank 4, but is tensor<2x8x16xf32> (C26)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x16xf32>
  return
}

func.func @convolution_26(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf16>) {
  // expected-error@below {{operand 'rhs' must have the element type of operand 'lhs', f32, but is tensor<3x3x3x16xf16> (C27)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf16>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_27(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>, %padding_0: tensor<2x2xi64>, %padding_1: tensor<2x2xi64>) {
  // expected-error@below {{expects 2 or 3 operands, but has 4}}
  %result = "astra.convolution"(%lhs, %rhs, %padding_0, %padding_1)
      {window_strides = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>, tensor<2x2xi64>, tensor<2x2xi64>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_28(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>, %padding: tensor<3x2xi64>) {
  // expected-error@below {{operand 2 must have shape 2x2, but is tensor<3x2xi64> (C4)}}
  %result = "astra.convolution"(%lhs, %rhs, %padding)
      {window_strides = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>, tensor<3x2xi64>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_29(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>, %padding: tensor<2x2xf32>) {
  // expected-error@below {{operand 2 must have integer elements, but is tensor<2x2xf32>}}
  %result = "astra.convolution"(%lhs, %rhs, %padding)
      {window_strides = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>, tensor<2x2xf32>) -> tensor<2x8x8x16xf32>
  return
}

func.func @convolution_30(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) {
  // expected-error@below {{requires attribute 'padding' (array of i64)}}
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return
}
