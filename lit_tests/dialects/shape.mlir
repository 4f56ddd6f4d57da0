// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @constant(
// CHECK: "astra.constant"() {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : () -> tensor<2xf32>
func.func @constant() {
  %result = "astra.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  return
}

// CHECK-LABEL: func.func @iota(
// CHECK: "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi32>
func.func @iota() {
  %result = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi32>
  return
}

// CHECK-LABEL: func.func @broadcast(
// CHECK: "astra.broadcast"(%arg0) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
func.func @broadcast(%operand: tensor<1x3xf32>) {
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return
}

// CHECK-LABEL: func.func @reshape(
// CHECK: "astra.reshape"(%arg0) : (tensor<2x6xf32>) -> tensor<3x4xf32>
func.func @reshape(%operand: tensor<2x6xf32>) {
  %result = "astra.reshape"(%operand) : (tensor<2x6xf32>) -> tensor<3x4xf32>
  return
}

// CHECK-LABEL: func.func @transpose(
// CHECK: "astra.transpose"(%arg0) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
func.func @transpose(%operand: tensor<2x3x4xf32>) {
  %result = "astra.transpose"(%operand) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return
}

// CHECK-LABEL: func.func @slice(
// CHECK: "astra.slice"(%arg0) {limit_indices = array<i64: 2, 6>, start_indices = array<i64: 0, 1>, strides = array<i64: 1, 2>} : (tensor<3x8xf32>) -> tensor<2x3xf32>
func.func @slice(%operand: tensor<3x8xf32>) {
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @pad(
// CHECK: "astra.pad"(%arg0, %arg1) {high = array<i64: 0, -1>, interior = array<i64: 0, 2>, low = array<i64: 1, 0>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
func.func @pad(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) {
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
  return
}

// CHECK-LABEL: func.func @concatenate(
// CHECK: "astra.concatenate"(%arg0, %arg1) {dimension = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
func.func @concatenate(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return
}

// CHECK-LABEL: func.func @reverse(
// CHECK: "astra.reverse"(%arg0) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @reverse(%operand: tensor<2x3xf32>) {
  %result = "astra.reverse"(%operand) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @get_dimension_size(
// CHECK: "astra.get_dimension_size"(%arg0) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i32>
func.func @get_dimension_size(%operand: tensor<?x3xf32>) {
  %result = "astra.get_dimension_size"(%operand) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i32>
  return
}

// CHECK-LABEL: func.func @set_dimension_size(
// CHECK: "astra.set_dimension_size"(%arg0, %arg1) {dimension = 0 : i64} : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
func.func @set_dimension_size(%operand: tensor<4x3xf32>, %size: tensor<i32>) {
  %result = "astra.set_dimension_size"(%operand, %size) {dimension = 0 : i64}
      : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_iota(
// CHECK: "astra.iota"(%arg0) {dimension = 0 : i64} : (tensor<2xi64>) -> tensor<?x5xf32>
func.func @dynamic_iota(%s: tensor<2xi64>) {
  %r = "astra.iota"(%s) {dimension = 0 : i64} : (tensor<2xi64>) -> tensor<?x5xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_broadcast(
// CHECK: "astra.broadcast"(%arg0, %arg1) {dimensions = array<i64: 1>} : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x?xf32>
func.func @dynamic_broadcast(%a: tensor<?xf32>, %s: tensor<2xi32>) {
  %r = "astra.broadcast"(%a, %s) {dimensions = array<i64: 1>} : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x?xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_reshape(
// CHECK: "astra.reshape"(%arg0, %arg1) : (tensor<?x4xf32>, tensor<1xi32>) -> tensor<?xf32>
func.func @dynamic_reshape(%a: tensor<?x4xf32>, %s: tensor<1xi32>) {
  %r = "astra.reshape"(%a, %s) : (tensor<?x4xf32>, tensor<1xi32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_bounds(
// CHECK: "astra.slice"(%arg0, %arg1, %arg1, %arg1) : (tensor<8xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<?xf32>
func.func @dynamic_bounds(%a: tensor<8xf32>, %s: tensor<1xi32>) {
  %r = "astra.slice"(%a, %s, %s, %s) : (tensor<8xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_padding(
// CHECK: "astra.pad"(%arg0, %arg1, %arg2, %arg2, %arg2) : (tensor<8xf32>, tensor<f32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<?xf32>
func.func @dynamic_padding(%a: tensor<8xf32>, %v: tensor<f32>, %s: tensor<1xi32>) {
  %r = "astra.pad"(%a, %v, %s, %s, %s) : (tensor<8xf32>, tensor<f32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @concatenate_many(
// CHECK: "astra.concatenate"(%arg0, %arg1, %arg1) {dimension = 1 : i64} : (tensor<2x?xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x?xf32>
func.func @concatenate_many(%a: tensor<2x?xf32>, %b: tensor<2x3xf32>) {
  %r = "astra.concatenate"(%a, %b, %b) {dimension = 1 : i64} : (tensor<2x?xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x?xf32>
  return
}

// CHECK-LABEL: func.func @complex_constant(
// CHECK: "astra.constant"() {value = dense<(1.000000e+00,2.000000e+00)> : tensor<2xcomplex<f32>>} : () -> tensor<2xcomplex<f32>>
func.func @complex_constant() {
  %r = "astra.constant"() {value = dense<(1.0, 2.0)> : tensor<2xcomplex<f32>>} : () -> tensor<2xcomplex<f32>>
  return
}
