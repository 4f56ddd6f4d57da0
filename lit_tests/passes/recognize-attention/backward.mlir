// Derivatives are found together with the attention, whether Astra or JAX has written them; no scores are left.
// RUN: %astra-opt %s --astra-recognize-attention | %filecheck %s

// CHECK-LABEL: func.func @by_astra
// CHECK-NOT:     64x64
// CHECK:         %[[R:.*]]:2 = "astra.attention"(%arg0, %arg1, %arg2)
// CHECK:         %[[C:.*]] = "astra.add"(%[[R]]#0, %[[R]]#0)
// CHECK:         %[[G:.*]]:3 = "astra.attention_gradient"(%arg0, %arg1, %arg2, %[[R]]#0, %[[R]]#1, %[[C]])
// CHECK-SAME:      gradients = "abd,acd,ace"
// CHECK-NOT:     64x64
// CHECK:         return %[[G]]#0, %[[G]]#1, %[[G]]#2
func.func @by_astra(%arg0: tensor<2x64x16xf32>, %arg1: tensor<2x64x16xf32>, %arg2: tensor<2x64x16xf32>) -> (tensor<2x64x16xf32>, tensor<2x64x16xf32>, tensor<2x64x16xf32>) {
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
  %19 = "astra.add"(%18, %18) : (tensor<2x64x16xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  %20 = "astra.dot_general"(%19, %arg2) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 2>} : (tensor<2x64x16xf32>, tensor<2x64x16xf32>) -> tensor<2x64x64xf32>
  %21 = "astra.dot_general"(%17, %19) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  %22 = "astra.optimization_barrier"(%15) : (tensor<2x64xf32>) -> tensor<2x64xf32>
  %23 = "astra.broadcast"(%22) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %24 = "astra.divide"(%20, %23) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %25 = "astra.divide"(%17, %23) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %26 = "astra.multiply"(%20, %25) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %27 = "astra.negate"(%26) : (tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %28 = "astra.reduce"(%27, %14) ({
  }) {dimensions = array<i64: 2>, kind = "add"} : (tensor<2x64x64xf32>, tensor<f32>) -> tensor<2x64xf32>
  %29 = "astra.broadcast"(%28) {dimensions = array<i64: 0, 1>} : (tensor<2x64xf32>) -> tensor<2x64x64xf32>
  %30 = "astra.add"(%24, %29) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %31 = "astra.multiply"(%30, %13) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %32 = "astra.constant"() {value = dense<0.000000e+00> : tensor<2x64x64xf32>} : () -> tensor<2x64x64xf32>
  %33 = "astra.optimization_barrier"(%5) : (tensor<64x64xi1>) -> tensor<64x64xi1>
  %34 = "astra.broadcast"(%33) {dimensions = array<i64: 1, 2>} : (tensor<64x64xi1>) -> tensor<2x64x64xi1>
  %35 = "astra.select"(%34, %31, %32) : (tensor<2x64x64xi1>, tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %36 = "astra.multiply"(%35, %1) : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %37 = "astra.dot_general"(%36, %arg1) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  %38 = "astra.dot_general"(%36, %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x64x64xf32>, tensor<2x64x16xf32>) -> tensor<2x64x16xf32>
  return %37, %38, %21 : tensor<2x64x16xf32>, tensor<2x64x16xf32>, tensor<2x64x16xf32>
}

// CHECK-LABEL: func.func @by_jax
// CHECK-NOT:     64x64
// CHECK:         "astra.attention"(%arg0, %arg1, %arg2)
// CHECK:         %[[G:.*]]:3 = "astra.attention_gradient"(%arg0, %arg1, %arg2
// CHECK-SAME:      gradients = "acbe,adbe,adbf"
// CHECK-NOT:     64x64
// CHECK:         return %[[G]]#0, %[[G]]#1, %[[G]]#2
func.func @by_jax(%arg0: tensor<2x64x4x16xf32>, %arg1: tensor<2x64x4x16xf32>, %arg2: tensor<2x64x4x16xf32>) -> (tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>) {
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
  %22 = "astra.multiply"(%18, %18) : (tensor<1x2x4x64xf32>, tensor<1x2x4x64xf32>) -> tensor<1x2x4x64xf32>
  %23 = "astra.constant"() {value = dense<1.000000e+00> : tensor<1x2x4x64xf32>} : () -> tensor<1x2x4x64xf32>
  %24 = "astra.divide"(%23, %22) : (tensor<1x2x4x64xf32>, tensor<1x2x4x64xf32>) -> tensor<1x2x4x64xf32>
  %25 = "astra.dot_general"(%arg2, %21) {lhs_batching_dimensions = array<i64: 0, 2>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 1, 2>, rhs_contracting_dimensions = array<i64: 4>} : (tensor<2x64x4x16xf32>, tensor<1x2x4x64x64xf32>) -> tensor<2x4x16x1x64xf32>
  %26 = "astra.transpose"(%25) {permutation = array<i64: 3, 0, 4, 1, 2>} : (tensor<2x4x16x1x64xf32>) -> tensor<1x2x64x4x16xf32>
  %27 = "astra.reshape"(%26) : (tensor<1x2x64x4x16xf32>) -> tensor<2x64x4x16xf32>
  %28 = "astra.constant"() {value = dense<2.000000e+00> : tensor<2x64x4x16xf32>} : () -> tensor<2x64x4x16xf32>
  %29 = "astra.multiply"(%27, %28) : (tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>) -> tensor<2x64x4x16xf32>
  %30 = "astra.reshape"(%29) : (tensor<2x64x4x16xf32>) -> tensor<1x2x64x4x16xf32>
  %31 = "astra.dot_general"(%30, %arg2) {lhs_batching_dimensions = array<i64: 1, 3>, lhs_contracting_dimensions = array<i64: 4>, rhs_batching_dimensions = array<i64: 0, 2>, rhs_contracting_dimensions = array<i64: 3>} : (tensor<1x2x64x4x16xf32>, tensor<2x64x4x16xf32>) -> tensor<2x4x1x64x64xf32>
  %32 = "astra.reshape"(%31) : (tensor<2x4x1x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %33 = "astra.dot_general"(%30, %21) {lhs_batching_dimensions = array<i64: 1, 3>, lhs_contracting_dimensions = array<i64: 0, 2>, rhs_batching_dimensions = array<i64: 1, 2>, rhs_contracting_dimensions = array<i64: 0, 3>} : (tensor<1x2x64x4x16xf32>, tensor<1x2x4x64x64xf32>) -> tensor<2x4x16x64xf32>
  %34 = "astra.transpose"(%33) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<2x4x16x64xf32>) -> tensor<2x64x4x16xf32>
  %35 = "astra.reshape"(%24) : (tensor<1x2x4x64xf32>) -> tensor<2x4x64xf32>
  %36 = "astra.broadcast"(%35) {dimensions = array<i64: 1, 2, 3>} : (tensor<2x4x64xf32>) -> tensor<1x2x4x64x64xf32>
  %37 = "astra.multiply"(%32, %36) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %38 = "astra.multiply"(%37, %16) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %39 = "astra.reduce"(%38, %17) ({
  }) {dimensions = array<i64: 4>, kind = "add"} : (tensor<1x2x4x64x64xf32>, tensor<f32>) -> tensor<1x2x4x64xf32>
  %40 = "astra.negate"(%39) : (tensor<1x2x4x64xf32>) -> tensor<1x2x4x64xf32>
  %41 = "astra.divide"(%32, %20) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %42 = "astra.constant"() {value = dense<0.000000e+00> : tensor<2x4x64xf32>} : () -> tensor<2x4x64xf32>
  %43 = "astra.reshape"(%40) : (tensor<1x2x4x64xf32>) -> tensor<2x4x64xf32>
  %44 = "astra.add"(%43, %42) : (tensor<2x4x64xf32>, tensor<2x4x64xf32>) -> tensor<2x4x64xf32>
  %45 = "astra.broadcast"(%44) {dimensions = array<i64: 1, 2, 3>} : (tensor<2x4x64xf32>) -> tensor<1x2x4x64x64xf32>
  %46 = "astra.add"(%41, %45) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %47 = "astra.multiply"(%46, %16) : (tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %48 = "astra.constant"() {value = dense<0.000000e+00> : tensor<1x2x4x64x64xf32>} : () -> tensor<1x2x4x64x64xf32>
  %49 = "astra.select"(%7, %47, %48) : (tensor<1x2x4x64x64xi1>, tensor<1x2x4x64x64xf32>, tensor<1x2x4x64x64xf32>) -> tensor<1x2x4x64x64xf32>
  %50 = "astra.reshape"(%49) : (tensor<1x2x4x64x64xf32>) -> tensor<2x4x64x1x64xf32>
  %51 = "astra.multiply"(%50, %2) : (tensor<2x4x64x1x64xf32>, tensor<2x4x64x1x64xf32>) -> tensor<2x4x64x1x64xf32>
  %52 = "astra.dot_general"(%51, %0) {lhs_batching_dimensions = array<i64: 0, 1>, lhs_contracting_dimensions = array<i64: 2, 3>, rhs_batching_dimensions = array<i64: 0, 2>, rhs_contracting_dimensions = array<i64: 1, 3>} : (tensor<2x4x64x1x64xf32>, tensor<2x64x4x1x16xf32>) -> tensor<2x4x64x16xf32>
  %53 = "astra.transpose"(%52) {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x4x64x16xf32>) -> tensor<2x64x4x16xf32>
  %54 = "astra.dot_general"(%51, %arg1) {lhs_batching_dimensions = array<i64: 0, 1>, lhs_contracting_dimensions = array<i64: 4>, rhs_batching_dimensions = array<i64: 0, 2>, rhs_contracting_dimensions = array<i64: 1>} : (tensor<2x4x64x1x64xf32>, tensor<2x64x4x16xf32>) -> tensor<2x4x64x1x16xf32>
  %55 = "astra.transpose"(%54) {permutation = array<i64: 0, 2, 1, 3, 4>} : (tensor<2x4x64x1x16xf32>) -> tensor<2x64x4x1x16xf32>
  %56 = "astra.reshape"(%55) : (tensor<2x64x4x1x16xf32>) -> tensor<2x64x4x16xf32>
  return %56, %53, %34 : tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>
}
