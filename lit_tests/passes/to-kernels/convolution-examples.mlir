// RUN: %astra-opt %s --astra-to-kernels --canonicalize | %filecheck %s

// A grouped convolution in which each group is an example, as vmap writes it: the kernel reads the examples where they
// are, and nothing is transposed.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @examples
  // CHECK: tensor.empty() : tensor<5x2x16x16x24xf32>
  // CHECK: astra.kernel_call
  // CHECK-SAME: %arg0, %arg1
  // CHECK-NEXT: return
  func.func @examples(%x: tensor<5x2x14x14x24xf32>, %w: tensor<5x3x3x24x24xf32>) -> tensor<5x2x14x14x24xf32> {
    %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<5x2x14x14x24xf32>) -> tensor<2x14x14x5x24xf32>
    %1 = "astra.reshape"(%0) : (tensor<2x14x14x5x24xf32>) -> tensor<2x14x14x120xf32>
    %2 = "astra.transpose"(%w) {permutation = array<i64: 1, 2, 3, 0, 4>} : (tensor<5x3x3x24x24xf32>) -> tensor<3x3x24x5x24xf32>
    %3 = "astra.reshape"(%2) : (tensor<3x3x24x5x24xf32>) -> tensor<3x3x24x120xf32>
    %4 = "astra.convolution"(%1, %3) {
      window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
      rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
      input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
      kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
      kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
      output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 5 : i64,
      batch_group_count = 1 : i64
    } : (tensor<2x14x14x120xf32>, tensor<3x3x24x120xf32>) -> tensor<2x14x14x120xf32>
    %5 = "astra.reshape"(%4) : (tensor<2x14x14x120xf32>) -> tensor<2x14x14x5x24xf32>
    %6 = "astra.transpose"(%5) {permutation = array<i64: 3, 0, 1, 2, 4>} : (tensor<2x14x14x5x24xf32>) -> tensor<5x2x14x14x24xf32>
    return %6 : tensor<5x2x14x14x24xf32>
  }
}
