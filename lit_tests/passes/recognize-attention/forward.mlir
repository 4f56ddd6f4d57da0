// Products, a mask and a softmax are one operation, however their dimensions are arranged: heads in front, or in the
// middle as jax.nn.dot_product_attention has them.  A mask by positions becomes causal.
// RUN: %astra-opt %s --astra-recognize-attention | %filecheck %s

// CHECK-LABEL: func.func @heads_in_front
// CHECK-NEXT:    %[[R:.*]]:2 = "astra.attention"(%arg0, %arg1, %arg2) {
// CHECK-SAME:      causal = "bc", fill = 0xFFF0000000000000 : f64, offset = 0 : i64, scale = 2.500000e-01 : f64, subscripts = "abd,acd,ace->abe,ab"}
// CHECK-NEXT:    return %[[R]]#0
func.func @heads_in_front(%arg0: tensor<2x64x16xf32>, %arg1: tensor<2x64x16xf32>, %arg2: tensor<2x64x16xf32>) -> (tensor<2x64x16xf32>) {
  %0 = "astra.dot_general"(%arg0, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x64x16xf32>, tensor<2x64x16xf32>) -> tensor<2x64x64xf32>
  %1 = "astra.constant"() {value = dense<2.500000e-01> : tensor<2x64x64xf32>} : () -> tensor<2x64x64xf32>
  %2 = "astra.multiply"(%0, %1) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %3 = "astra.iota"() {dimension = 0 : i64} : () -> tensor<64x64xi32>
  %4 = "astra.iota"() {dimension = 1 : i64} : () -> tensor<64x64xi32>
  %5 = "astra.compare"(%3, %4) {compare_type = "SIGNED", direction = "GE"} : (tensor<64x64xi32>, tensor<64x64xi32>) -> tensor<64x64xi1>
  %6 = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %7 = "astra.broadcast"(%5) {dimensions = array<i64: 1, 2>} : (tensor<64x64xi1>) -> tensor<2x64x64xi1>
  %8 = "astra.constant"() {value = dense<0xFF800000> : tensor<2x64x64xf32>} : () -> tensor<2x64x64xf32>
  %9 = "astra.select"(%7, %2, %8) : (tensor<2x64x64xi1>, tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %10 = "astra.reduce"(%9, %6) ({
  }) {dimensions = array<i64: 2>, kind = "maximum"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %11 = "astra.broadcast"(%10) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %12 = "astra.subtract"(%9, %11) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %13 = "astra.exponential"(%12) : (tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %14 = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
  %15 = "astra.reduce"(%13, %14) ({
  }) {dimensions = array<i64: 2>, kind = "add"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %16 = "astra.broadcast"(%15) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %17 = "astra.divide"(%13, %16) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %18 = "astra.dot_general"(%17, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  return %18 : tensor<2x64x16xf32>
}

// CHECK-LABEL: func.func @heads_in_the_middle
// CHECK-NEXT:    %[[R:.*]]:2 = "astra.attention"(%arg0, %arg1, %arg2) {
// CHECK-SAME:      causal = "cd", fill = -2.381{{.*}}E+38 : f64, offset = 0 : i64, scale = 2.500000e-01 : f64, subscripts = "acbe,adbe,adbf->acbf,abc"}
// CHECK-NEXT:    return %[[R]]#0
func.func @heads_in_the_middle(%arg0: tensor<2x64x4x16xf32>, %arg1: tensor<2x64x4x16xf32>, %arg2: tensor<2x64x4x16xf32>) -> (tensor<2x64x4x16xf32>) {
  %0 = "astra.reshape"(%arg0) : (tensor<2x64x4x16xf32>) -> tensor<2x64x4x1x16xf32>
  %1 = "astra.dot_general"(%0, %arg1) {lhs_batching_dimensions = array<i64: 0, 2>, lhs_contracting_dimensions = array<i64: 4>, rhs_batching_dimensions = array<i64: 0, 2>, rhs_contracting_dimensions = array<i64: 3>} : (tensor<2x64x4x1x16xf32>, tensor<2x64x4x16xf32>) -> tensor<2x4x64x1x64xf32>
  %2 = "astra.constant"() {value = dense<2.500000e-01> : tensor<2x4x64x1x64xf32>} : () -> tensor<2x4x64x1x64xf32>
  %3 = "astra.multiply"(%1, %2) : (tensor<2x4x64x1x64xf32>, tensor<2x4x64x1x64xf32>) -> tensor<2x4x64x1x64xf32>
  %4 = "astra.iota"() {dimension = 0 : i64} : () -> tensor<64x64xi32>
  %5 = "astra.iota"() {dimension = 1 : i64} : () -> tensor<64x64xi32>
  %6 = "astra.compare"(%4, %5) {compare_type = "SIGNED", direction = "GE"} : (tensor<64x64xi32>, tensor<64x64xi32>) -> tensor<64x64xi1>
  %7 = "astra.broadcast"(%6) {dimensions = array<i64: 3, 4>} : (tensor<64x64xi1>) -> tensor<1x2x4x64x64xi1>
  %8 = "astra.constant"() {value = dense<-2.38197633E+38> : tensor<1x2x4x64x64xf32>} : () -> tensor<1x2x4x64x64xf32>
  %9 = "astra.reshape"(%3) : (tensor<2x4x64x1x64xf32>) -> tensor<1x2x4x64x64xf32>
  %10 = "astra.select"(%7, %9, %8) : (tensor<1x2x4x64x64xi1>, tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %11 = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %12 = "astra.reduce"(%10, %11) ({
  }) {dimensions = array<i64: 4>, kind = "maximum"} : (tensor<1x2x4x64x64xf32>, tensor<f32>) -> tensor<1x2x4x64xf32>
  %13 = "astra.reshape"(%12) : (tensor<1x2x4x64xf32>) -> tensor<2x4x64xf32>
  %14 = "astra.broadcast"(%13) {dimensions = array<i64: 1, 2, 3>} : (tensor<2x4x64xf32>) -> tensor<1x2x4x64x64xf32>
  %15 = "astra.subtract"(%10, %14) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %16 = "astra.exponential"(%15) : (tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %17 = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
  %18 = "astra.reduce"(%16, %17) ({
  }) {dimensions = array<i64: 4>, kind = "add"} : (tensor<1x2x4x64x64xf32>, tensor<f32>) -> tensor<1x2x4x64xf32>
  %19 = "astra.reshape"(%18) : (tensor<1x2x4x64xf32>) -> tensor<2x4x64xf32>
  %20 = "astra.broadcast"(%19) {dimensions = array<i64: 1, 2, 3>} : (tensor<2x4x64xf32>) -> tensor<1x2x4x64x64xf32>
  %21 = "astra.divide"(%16, %20) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %22 = "astra.dot_general"(%arg2, %21) {lhs_batching_dimensions = array<i64: 0, 2>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 1, 2>, rhs_contracting_dimensions = array<i64: 4>} : (tensor<2x64x4x16xf32>, tensor<1x2x4x64x64xf32>) -> tensor<2x4x16x1x64xf32>
  %23 = "astra.transpose"(%22) {permutation = array<i64: 3, 0, 4, 1, 2>} : (tensor<2x4x16x1x64xf32>) -> tensor<1x2x64x4x16xf32>
  %24 = "astra.reshape"(%23) : (tensor<1x2x64x4x16xf32>) -> tensor<2x64x4x16xf32>
  return %24 : tensor<2x64x4x16xf32>
}
