// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// Holes between input elements are not written out: output places of each parity have a product of their own with the
// part of the kernel that they meet, and results that nothing reaches are cleared.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @upsample
  // CHECK: tensor.empty() : tensor<2x9x9x32xf32>
  // CHECK: callee = @[[U:astra_conv_[0-9a-f]+]]
  func.func @upsample(%x: tensor<2x7x7x32xf32>, %w: tensor<4x4x32x32xf32>) -> tensor<2x14x14x32xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, lhs_dilation = array<i64: 2, 2>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x7x7x32xf32>, tensor<4x4x32x32xf32>) -> tensor<2x14x14x32xf32>
    return %0 : tensor<2x14x14x32xf32>
  }

  // CHECK-LABEL: func.func @pointwise_gradient
  // CHECK: callee = @[[G:astra_conv_[0-9a-f]+]]
  func.func @pointwise_gradient(%x: tensor<2x7x7x32xf32>, %w: tensor<1x1x32x32xf32>) -> tensor<2x14x14x32xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 0, 1, 0, 1>, lhs_dilation = array<i64: 2, 2>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x7x7x32xf32>, tensor<1x1x32x32xf32>) -> tensor<2x14x14x32xf32>
    return %0 : tensor<2x14x14x32xf32>
  }

  // CHECK: func.func private @[[U]](
  // CHECK: call @[[U]]_pad
  // CHECK: call @[[U]]_product0
  // CHECK: call @[[U]]_product3
  // CHECK-NOT: _product4
  // CHECK: func.func private @[[G]](
  // CHECK-NOT: call
  // CHECK: memref.store
  // CHECK: call @[[G]]_product0
  // CHECK-NOT: _product1
}
