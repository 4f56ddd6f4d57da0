// Reductions: sums are spread, products multiplied by all others, extremes shared among equal elements.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @sum_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.reduce"(%arg2, %arg3) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @sum_forward(%x: tensor<4x8xf32>, %init: tensor<f32>, %dx: tensor<4x8xf32>, %dinit: tensor<f32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %init, %dx, %dinit) {callee = @sum, argnums = array<i64: 0, 1>}
      : (tensor<4x8xf32>, tensor<f32>, tensor<4x8xf32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @sum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.broadcast"(%arg2) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.reduce"(%arg2, %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"}
// CHECK-NEXT: return %[[V0]], %[[V2]] : tensor<4x8xf32>, tensor<f32>
func.func @sum_reverse(%x: tensor<4x8xf32>, %init: tensor<f32>, %c: tensor<4xf32>) -> (tensor<4x8xf32>, tensor<f32>) {
  %0:3 = "astra.vjp"(%x, %init, %c) {callee = @sum, argnums = array<i64: 0, 1>}
      : (tensor<4x8xf32>, tensor<f32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4x8xf32>, tensor<f32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<f32>
}
func.func private @sum(%x: tensor<4x8xf32>, %init: tensor<f32>) -> tensor<4xf32> {
  %0 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The product of all others comes from what is before and what is after an element, without a division.
// CHECK-LABEL: func.func @product_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "multiply", reverse = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.pad"(%[[V0]], %[[V1]]) {high = array<i64: 0, -1>, interior = array<i64: 0, 0>, low = array<i64: 0, 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "multiply", reverse = true}
// CHECK-NEXT: %[[V4:.*]] = "astra.pad"(%[[V3]], %[[V1]]) {high = array<i64: 0, 1>, interior = array<i64: 0, 0>, low = array<i64: 0, -1>}
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%[[V2]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg1, %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V8:.*]] = "astra.reduce"(%[[V6]], %[[V7]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: return %[[V8]] : tensor<4xf32>
func.func @product_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @product, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @product_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "multiply", reverse = false}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.pad"(%[[V1]], %[[V2]]) {high = array<i64: 0, -1>, interior = array<i64: 0, 0>, low = array<i64: 0, 1>}
// CHECK-NEXT: %[[V4:.*]] = "astra.cumulative"(%arg0) {dimension = 1 : i64, kind = "multiply", reverse = true}
// CHECK-NEXT: %[[V5:.*]] = "astra.pad"(%[[V4]], %[[V2]]) {high = array<i64: 0, 1>, interior = array<i64: 0, 0>, low = array<i64: 0, -1>}
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%[[V3]], %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%[[V0]], %[[V6]])
// CHECK-NEXT: return %[[V7]] : tensor<4x8xf32>
func.func @product_reverse(%x: tensor<4x8xf32>, %c: tensor<4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @product, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @product(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %init = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 1>, kind = "multiply"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @maximum_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg0, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "maximum"}
// CHECK-NEXT: %[[V2:.*]] = "astra.broadcast"(%[[V1]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg0, %[[V2]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.reduce"(%[[V4]], %[[V5]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%arg1, %[[V4]])
// CHECK-NEXT: %[[V8:.*]] = "astra.reduce"(%[[V7]], %[[V5]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V9:.*]] = "astra.divide"(%[[V8]], %[[V6]])
// CHECK-NEXT: return %[[V9]] : tensor<4xf32>
func.func @maximum_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @maximum, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @maximum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg0, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "maximum"}
// CHECK-NEXT: %[[V2:.*]] = "astra.broadcast"(%[[V1]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg0, %[[V2]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.reduce"(%[[V4]], %[[V5]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V7:.*]] = "astra.divide"(%arg1, %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.broadcast"(%[[V7]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V9:.*]] = "astra.multiply"(%[[V8]], %[[V4]])
// CHECK-NEXT: return %[[V9]] : tensor<4x8xf32>
func.func @maximum_reverse(%x: tensor<4x8xf32>, %c: tensor<4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @maximum, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @maximum(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %init = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 1>, kind = "maximum"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// An initial value that may be the maximum is one of the candidates.
// CHECK-LABEL: func.func @maximum_from_zero_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg0, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "maximum"}
// CHECK-NEXT: %[[V2:.*]] = "astra.broadcast"(%[[V1]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg0, %[[V2]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.reduce"(%[[V4]], %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V6:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%[[V1]], %[[V6]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V8:.*]] = "astra.convert"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.add"(%[[V5]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.divide"(%arg1, %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.broadcast"(%[[V10]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V12:.*]] = "astra.multiply"(%[[V11]], %[[V4]])
// CHECK-NEXT: return %[[V12]] : tensor<4x8xf32>
func.func @maximum_from_zero_reverse(%x: tensor<4x8xf32>, %c: tensor<4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @maximum_from_zero, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @maximum_from_zero(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %init = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 1>, kind = "maximum"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @argmax_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0> : tensor<i32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V3:.*]]:2 = "astra.reduce"(%arg0, %[[V2]], %[[V0]], %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "argmax"}
// CHECK-NEXT: %[[V4:.*]] = "astra.broadcast"(%[[V3]]#1) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%[[V2]], %[[V4]]) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[V6:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V7:.*]] = "astra.select"(%[[V5]], %arg1, %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V9:.*]] = "astra.reduce"(%[[V7]], %[[V8]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: return %[[V9]] : tensor<4xf32>
func.func @argmax_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @argmax, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @argmax_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0> : tensor<i32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V3:.*]]:2 = "astra.reduce"(%arg0, %[[V2]], %[[V0]], %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "argmax"}
// CHECK-NEXT: %[[V4:.*]] = "astra.broadcast"(%[[V3]]#1) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%[[V2]], %[[V4]]) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[V6:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V8:.*]] = "astra.select"(%[[V5]], %[[V6]], %[[V7]])
// CHECK-NEXT: return %[[V8]] : tensor<4x8xf32>
func.func @argmax_reverse(%x: tensor<4x8xf32>, %c: tensor<4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @argmax, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @argmax(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %init = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %first = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %i = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x8xi32>
  %0:2 = "astra.reduce"(%x, %i, %init, %first) ({}) {dimensions = array<i64: 1>, kind = "argmax"}
      : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
  return %0#0 : tensor<4xf32>
}

// A combiner of its own: a tree of operations on tensors takes the reduction's place, and is differentiated.
// CHECK-LABEL: func.func @custom_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.slice"(%arg0) {limit_indices = array<i64: 1>, start_indices = array<i64: 0>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.slice"(%arg1) {limit_indices = array<i64: 1>, start_indices = array<i64: 0>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.slice"(%arg0) {limit_indices = array<i64: 2>, start_indices = array<i64: 1>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V4:.*]] = "astra.slice"(%arg1) {limit_indices = array<i64: 2>, start_indices = array<i64: 1>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V5:.*]] = "astra.atan2"(%[[V1]], %[[V3]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%[[V1]], %[[V1]])
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%[[V3]], %[[V3]])
// CHECK-NEXT: %[[V8:.*]] = "astra.add"(%[[V6]], %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.divide"(%[[V3]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%[[V2]], %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.divide"(%[[V1]], %[[V8]])
// CHECK-NEXT: %[[V12:.*]] = "astra.multiply"(%[[V4]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.subtract"(%[[V10]], %[[V12]])
// CHECK-NEXT: %[[V14:.*]] = "astra.slice"(%arg0) {limit_indices = array<i64: 3>, start_indices = array<i64: 2>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V15:.*]] = "astra.slice"(%arg1) {limit_indices = array<i64: 3>, start_indices = array<i64: 2>, strides = array<i64: 1>}
// CHECK-NEXT: %[[V16:.*]] = "astra.atan2"(%[[V5]], %[[V14]])
// CHECK-NEXT: %[[V17:.*]] = "astra.multiply"(%[[V5]], %[[V5]])
// CHECK-NEXT: %[[V18:.*]] = "astra.multiply"(%[[V14]], %[[V14]])
// CHECK-NEXT: %[[V19:.*]] = "astra.add"(%[[V17]], %[[V18]])
// CHECK-NEXT: %[[V20:.*]] = "astra.divide"(%[[V14]], %[[V19]])
// CHECK-NEXT: %[[V21:.*]] = "astra.multiply"(%[[V13]], %[[V20]])
// CHECK-NEXT: %[[V22:.*]] = "astra.divide"(%[[V5]], %[[V19]])
// CHECK-NEXT: %[[V23:.*]] = "astra.multiply"(%[[V15]], %[[V22]])
// CHECK-NEXT: %[[V24:.*]] = "astra.subtract"(%[[V21]], %[[V23]])
// CHECK-NEXT: %[[V25:.*]] = "astra.reshape"(%[[V16]])
// CHECK-NEXT: %[[V26:.*]] = "astra.reshape"(%[[V24]])
// CHECK-NEXT: %[[V27:.*]] = "astra.multiply"(%[[V25]], %[[V25]])
// CHECK-NEXT: %[[V28:.*]] = "astra.add"(%[[V27]], %[[V0]])
// CHECK-NEXT: %[[V29:.*]] = "astra.divide"(%[[V0]], %[[V28]])
// CHECK-NEXT: %[[V30:.*]] = "astra.multiply"(%[[V26]], %[[V29]])
// CHECK-NEXT: %[[V31:.*]] = "astra.negate"(%[[V30]])
// CHECK-NEXT: return %[[V31]] : tensor<f32>
func.func @custom_forward(%x: tensor<3xf32>, %dx: tensor<3xf32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @custom, argnums = array<i64: 0>}
      : (tensor<3xf32>, tensor<3xf32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @custom(%x: tensor<3xf32>) -> tensor<f32> {
  %init = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce"(%x, %init) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.atan2"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0>, kind = "custom"} : (tensor<3xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
