// What has no derivative but zero: integers and booleans, functions that are constant piece by piece, unused arguments.
// RUN: %astra-opt %s --astra-autodiff --split-input-file | %filecheck %s

// The cotangent of an integer or boolean argument is i1 and false; that of an unused float is zero.
// CHECK-LABEL: func.func @arguments
// CHECK-NEXT: %[[V0:.*]] = "astra.negate"(%arg4)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<false> : tensor<2xi1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<false> : tensor<i1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: return %[[V0]], %[[V1]], %[[V2]], %[[V3]] : tensor<3xf32>, tensor<2xi1>, tensor<i1>, tensor<4xf32>
func.func @arguments(%x: tensor<3xf32>, %n: tensor<2xi32>, %p: tensor<i1>, %u: tensor<4xf32>, %c: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<2xi1>, tensor<i1>, tensor<4xf32>) {
  %0:6 = "astra.vjp"(%x, %n, %p, %u, %c) {callee = @f, argnums = array<i64: 0, 1, 2, 3>}
      : (tensor<3xf32>, tensor<2xi32>, tensor<i1>, tensor<4xf32>, tensor<3xf32>)
      -> (tensor<3xf32>, tensor<2xi32>, tensor<3xf32>, tensor<2xi1>, tensor<i1>, tensor<4xf32>)
  return %0#2, %0#3, %0#4, %0#5 : tensor<3xf32>, tensor<2xi1>, tensor<i1>, tensor<4xf32>
}
func.func private @f(%x: tensor<3xf32>, %n: tensor<2xi32>, %p: tensor<i1>, %u: tensor<4xf32>)
    -> (tensor<3xf32>, tensor<2xi32>) {
  %0 = "astra.negate"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0, %n : tensor<3xf32>, tensor<2xi32>
}

// -----

// Nothing behind a function that is constant piece by piece varies, and nothing of it is computed twice.
// CHECK-LABEL: func.func @pieces
// CHECK-NEXT: %[[V0:.*]] = "astra.floor"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.ceil"(%arg0)
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.round_nearest_even"(%arg0)
// CHECK-NEXT: %[[V5:.*]] = "astra.add"(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.round_nearest_afz"(%arg0)
// CHECK-NEXT: %[[V7:.*]] = "astra.add"(%[[V5]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.sign"(%arg0)
// CHECK-NEXT: %[[V9:.*]] = "astra.add"(%[[V7]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: return %[[V9]], %[[V10]] : tensor<4xf32>, tensor<4xf32>
func.func @pieces(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @rounded, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @rounded(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.floor"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.sine"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.ceil"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.multiply"(%1, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = "astra.round_nearest_even"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %5 = "astra.add"(%3, %4) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = "astra.round_nearest_afz"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %7 = "astra.add"(%5, %6) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %8 = "astra.sign"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %9 = "astra.add"(%7, %8) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %9 : tensor<4xf32>
}

// -----

// Comparisons, bits and finiteness: only what is chosen has a derivative.
// CHECK-LABEL: func.func @bits
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.is_finite"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.select"(%[[V2]], %[[V0]], %arg1)
// CHECK-NEXT: return %[[V3]] : tensor<4xf32>
func.func @bits(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @masked, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @masked(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.bitcast_convert"(%x) : (tensor<4xf32>) -> tensor<4xi32>
  %1 = "astra.popcnt"(%0) : (tensor<4xi32>) -> tensor<4xi32>
  %2 = "astra.convert"(%1) : (tensor<4xi32>) -> tensor<4xf32>
  %3 = "astra.is_finite"(%x) : (tensor<4xf32>) -> tensor<4xi1>
  %4 = "astra.select"(%3, %2, %x) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Integer arithmetic beside floats has no tangents, and no cotangents either.
// CHECK-LABEL: func.func @integers
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg1, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.convert"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg0, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.optimization_barrier"(%[[V0]])
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg2, %[[V4]])
// CHECK-NEXT: return %[[V2]], %[[V0]], %[[V5]] : tensor<f32>, tensor<i32>, tensor<f32>
func.func @integers(%x: tensor<f32>, %n: tensor<i32>, %c: tensor<f32>) -> (tensor<f32>, tensor<i32>, tensor<f32>) {
  %0:3 = "astra.vjp"(%x, %n, %c) {callee = @both, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<i32>, tensor<f32>)
  return %0#0, %0#1, %0#2 : tensor<f32>, tensor<i32>, tensor<f32>
}
func.func private @both(%x: tensor<f32>, %n: tensor<i32>) -> (tensor<f32>, tensor<i32>) {
  %0 = "astra.multiply"(%n, %n) : (tensor<i32>, tensor<i32>) -> tensor<i32>
  %1 = "astra.convert"(%0) : (tensor<i32>) -> tensor<f32>
  %2 = "astra.multiply"(%x, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %2, %0 : tensor<f32>, tensor<i32>
}
