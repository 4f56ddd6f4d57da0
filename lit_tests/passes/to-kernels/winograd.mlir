// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// 3x3 convolutions of many features: the kernel is transformed into 16 planes of scratch, then tasks transform tiles of
// the input, which is not padded, and multiply. A precision above the default keeps to the definition.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @default
  // CHECK: tensor.empty() : tensor<33024xf32>
  // CHECK: callee = @[[W:astra_conv_[0-9a-f]+]]
  func.func @default(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x32x64xf32>) -> tensor<2x14x14x64xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x14x14x32xf32>, tensor<3x3x32x64xf32>) -> tensor<2x14x14x64xf32>
    return %0 : tensor<2x14x14x64xf32>
  }

  // CHECK-LABEL: func.func @highest
  // CHECK: tensor.empty() : tensor<2x16x16x32xf32>
  func.func @highest(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x32x64xf32>) -> tensor<2x14x14x64xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64, precision = "HIGHEST"
    } : (tensor<2x14x14x32xf32>, tensor<3x3x32x64xf32>) -> tensor<2x14x14x64xf32>
    return %0 : tensor<2x14x14x64xf32>
  }

  // CHECK: func.func private @[[W]]_product0
  // CHECK: scf.forall
  // CHECK: call @astra_winograd_kernel_
  // CHECK: scf.forall
  // CHECK: call @astra_winograd_tile_
  // CHECK: func.func private @[[W]](
  // CHECK-NOT: call @[[W]]_pad
}
