// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @dot_general(
// CHECK: "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, precision = "HIGHEST", rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
// STABLEHLO-LABEL: func.func @dot_general(
// STABLEHLO: stablehlo.dot_general{{[^_a-z]}}
func.func @dot_general(%lhs: tensor<8x4x5xf32>, %rhs: tensor<8x5x6xf32>) -> tensor<8x4x6xf32> {
  %result = "astra.dot_general"(%lhs, %rhs)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
      : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
  return %result : tensor<8x4x6xf32>
}

// CHECK-LABEL: func.func @convolution(
// CHECK: "astra.convolution"(%arg0, %arg1) {batch_group_count = 1 : i64, feature_group_count = 1 : i64, input_batch_dimension = 0 : i64, input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>, kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64, kernel_spatial_dimensions = array<i64: 0, 1>, lhs_dilation = array<i64: 1, 1>, output_batch_dimension = 0 : i64, output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, padding = array<i64: 1, 1, 1, 1>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>} : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
// STABLEHLO-LABEL: func.func @convolution(
// STABLEHLO: stablehlo.convolution{{[^_a-z]}}
func.func @convolution(%lhs: tensor<2x8x8x3xf32>, %rhs: tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32> {
  %result = "astra.convolution"(%lhs, %rhs)
      {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
       rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
       input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
       kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
       kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
       output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
       batch_group_count = 1 : i64}
      : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
  return %result : tensor<2x8x8x16xf32>
}
