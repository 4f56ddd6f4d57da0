// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// Small groups, features last: a vector holds several groups, and its lanes trade places instead of a product each.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @groups_of_four
  // CHECK: callee = @[[G:astra_conv_[0-9a-f]+]]
  func.func @groups_of_four(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x4x32xf32>) -> tensor<2x12x12x32xf32> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 8 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x14x14x32xf32>, tensor<3x3x4x32xf32>) -> tensor<2x12x12x32xf32>
    return %0 : tensor<2x12x12x32xf32>
  }

  // CHECK: func.func private @[[G]]_product0
  // CHECK: vector.shuffle {{.*}} [0, 0, 0, 0, 4, 4, 4, 4]
  // CHECK: vector.fma
}
