// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A convolution is a product on windows of its input, which is padded into scratch first.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @same
  // CHECK: tensor.empty() : tensor<2x16x16x32xf32>
  // CHECK: astra.kernel_call
  // CHECK-SAME: callee = @[[K:astra_conv_[0-9a-f]+]]
  func.func @same(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x32x32xf32>) -> tensor<2x14x14x32xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64, precision = "HIGHEST"
    } : (tensor<2x14x14x32xf32>, tensor<3x3x32x32xf32>) -> tensor<2x14x14x32xf32>
    return %0 : tensor<2x14x14x32xf32>
  }

  // CHECK-LABEL: func.func @channelwise
  // CHECK: astra.kernel_call
  // CHECK-SAME: callee = @[[D:astra_conv_[0-9a-f]+]]
  func.func @channelwise(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x1x32xf32>) -> tensor<2x12x12x32xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 32 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x14x14x32xf32>, tensor<3x3x1x32xf32>) -> tensor<2x12x12x32xf32>
    return %0 : tensor<2x12x12x32xf32>
  }

  // CHECK: func.func private @astra_gemm_micro_f32_6x16
  // CHECK: func.func private @[[K]]_pad
  // CHECK: func.func private @[[K]](
  // CHECK: call @[[K]]_pad
  // CHECK: call @[[K]]_product0
  // CHECK: func.func private @[[D]]_product0
  // CHECK: vector.fma
}
