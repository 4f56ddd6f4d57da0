// Nothing is replaced where the probabilities are used otherwise, where the softmax is along another dimension than the
// one that the values are summed along, or where there are few scores.
// RUN: %astra-opt %s --astra-recognize-attention | %filecheck %s

// CHECK-LABEL: func.func @used
// CHECK-NOT:     "astra.attention"
// CHECK:         return
func.func @used(%arg0: tensor<2x64x16xf32>, %arg1: tensor<2x64x16xf32>, %arg2: tensor<2x64x16xf32>) -> (tensor<2x64x16xf32>, tensor<2x64x64xf32>) {
  %0 = "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x64x16xf32>, tensor<2x64x16xf32>) -> tensor<2x64x64xf32>
  %1 = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %2 = "astra.reduce"(%0, %1) ({
  }) {dimensions = array<i64: 2>, kind = "maximum"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %3 = "astra.broadcast"(%2) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %4 = "astra.subtract"(%0, %3) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %5 = "astra.exponential"(%4) : (tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %6 = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
  %7 = "astra.reduce"(%5, %6) ({
  }) {dimensions = array<i64: 2>, kind = "add"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %8 = "astra.broadcast"(%7) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %9 = "astra.divide"(%5, %8) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %10 = "astra.dot_general"(%9, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  return %10, %9 : tensor<2x64x16xf32>, tensor<2x64x64xf32>
}

// CHECK-LABEL: func.func @along_queries
// CHECK-NOT:     "astra.attention"
// CHECK:         return
func.func @along_queries(%arg0: tensor<2x64x16xf32>, %arg1: tensor<2x64x16xf32>, %arg2: tensor<2x64x16xf32>) -> (tensor<2x64x16xf32>) {
  %0 = "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x64x16xf32>, tensor<2x64x16xf32>) -> tensor<2x64x64xf32>
  %1 = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %2 = "astra.reduce"(%0, %1) ({
  }) {dimensions = array<i64: 1>, kind = "maximum"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %3 = "astra.broadcast"(%2) {dimensions = array<i64: 0, 2>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %4 = "astra.subtract"(%0, %3) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %5 = "astra.exponential"(%4) : (tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %6 = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
  %7 = "astra.reduce"(%5, %6) ({
  }) {dimensions = array<i64: 1>, kind = "add"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %8 = "astra.broadcast"(%7) {dimensions = array<i64: 0, 2>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %9 = "astra.divide"(%5, %8) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %10 = "astra.dot_general"(%9, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  return %10 : tensor<2x64x16xf32>
}

// CHECK-LABEL: func.func @few
// CHECK-NOT:     "astra.attention"
// CHECK:         return
func.func @few(%arg0: tensor<2x8x16xf32>, %arg1: tensor<2x8x16xf32>, %arg2: tensor<2x8x16xf32>) -> (tensor<2x8x16xf32>) {
  %0 = "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x8xf32>
  %1 = "astra.constant"() {value = dense<2.500000e-01> : tensor<2x8x8xf32>} : () -> tensor<2x8x8xf32>
  %2 = "astra.multiply"(%0, %1) : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %3 = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %4 = "astra.reduce"(%2, %3) ({
  }) {dimensions = array<i64: 2>, kind = "maximum"} : (tensor<2x8x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %5 = "astra.broadcast"(%4) {dimensions = array<i64: 0, 1>} : (tensor<2x8xf32>) -> tensor<2x8x8xf32>
  %6 = "astra.subtract"(%2, %5) : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %7 = "astra.exponential"(%6) : (tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %8 = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
  %9 = "astra.reduce"(%7, %8) ({
  }) {dimensions = array<i64: 2>, kind = "add"} : (tensor<2x8x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %10 = "astra.broadcast"(%9) {dimensions = array<i64: 0, 1>} : (tensor<2x8xf32>) -> tensor<2x8x8xf32>
  %11 = "astra.divide"(%7, %10) : (tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %12 = "astra.dot_general"(%11, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x8x8xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return %12 : tensor<2x8x16xf32>
}
