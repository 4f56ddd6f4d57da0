// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A normalization along the features, a residual and an activation are computed by the kernel of the convolution, where
// Winograd's tiles are transformed back; and so is a conversion after it.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @block
  // CHECK-NOT:     "astra.multiply"
  // CHECK:         %[[OUT:.*]] = tensor.empty() : tensor<2x14x14x48xbf16>
  // CHECK:         %[[Y:.*]]:2 = "astra.kernel_call"(%arg0, %arg1, %arg2, %arg3, %[[OUT]], %{{.*}}) {callee = @[[BLOCK:astra_conv_[0-9a-f]+]]
  // CHECK-NEXT:    return %[[Y]]#0
  func.func @block(%x: tensor<2x14x14x32xf32>, %w: tensor<3x3x32x48xf32>, %scale: tensor<48xf32>, %r: tensor<2x14x14x48xf32>) -> tensor<2x14x14x48xbf16> {
    %0 = "astra.convolution"(%x, %w) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x14x14x32xf32>, tensor<3x3x32x48xf32>) -> tensor<2x14x14x48xf32>
    %1 = "astra.broadcast"(%scale) {dimensions = array<i64: 3>} : (tensor<48xf32>) -> tensor<2x14x14x48xf32>
    %2 = "astra.multiply"(%0, %1) : (tensor<2x14x14x48xf32>, tensor<2x14x14x48xf32>) -> tensor<2x14x14x48xf32>
    %3 = "astra.add"(%2, %r) : (tensor<2x14x14x48xf32>, tensor<2x14x14x48xf32>) -> tensor<2x14x14x48xf32>
    %4 = "astra.tanh"(%3) : (tensor<2x14x14x48xf32>) -> tensor<2x14x14x48xf32>
    %5 = "astra.convert"(%4) : (tensor<2x14x14x48xf32>) -> tensor<2x14x14x48xbf16>
    return %5 : tensor<2x14x14x48xbf16>
  }

  // CHECK:         func.func private @astra_winograd_tile_
  // CHECK:           call @astra_gemm_macro_f32_8x32
  // CHECK:           vector.maskedload
  // CHECK:           arith.mulf
  // CHECK:           math.tanh %{{.*}} : vector<16xf32>
  // CHECK:           arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
  // CHECK:           vector.maskedstore
  // CHECK:         func.func private @[[BLOCK]]
}
