// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @constant(
// CHECK: "astra.constant"() {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : () -> tensor<2xf32>
// STABLEHLO-LABEL: func.func @constant(
// STABLEHLO: stablehlo.constant{{[^_a-z]}}
func.func @constant() -> tensor<2xf32> {
  %result = "astra.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  return %result : tensor<2xf32>
}

// CHECK-LABEL: func.func @iota(
// CHECK: "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi32>
// STABLEHLO-LABEL: func.func @iota(
// STABLEHLO: stablehlo.iota{{[^_a-z]}}
func.func @iota() -> tensor<4x5xi32> {
  %result = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi32>
  return %result : tensor<4x5xi32>
}

// CHECK-LABEL: func.func @broadcast(
// CHECK: "astra.broadcast"(%arg0) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
// STABLEHLO-LABEL: func.func @broadcast(
// STABLEHLO: stablehlo.broadcast_in_dim{{[^_a-z]}}
func.func @broadcast(%operand: tensor<1x3xf32>) -> tensor<3x2x4xf32> {
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return %result : tensor<3x2x4xf32>
}

// CHECK-LABEL: func.func @reshape(
// CHECK: "astra.reshape"(%arg0) : (tensor<2x6xf32>) -> tensor<3x4xf32>
// STABLEHLO-LABEL: func.func @reshape(
// STABLEHLO: stablehlo.reshape{{[^_a-z]}}
func.func @reshape(%operand: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %result = "astra.reshape"(%operand) : (tensor<2x6xf32>) -> tensor<3x4xf32>
  return %result : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @transpose(
// CHECK: "astra.transpose"(%arg0) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
// STABLEHLO-LABEL: func.func @transpose(
// STABLEHLO: stablehlo.transpose{{[^_a-z]}}
func.func @transpose(%operand: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %result = "astra.transpose"(%operand) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return %result : tensor<4x2x3xf32>
}

// CHECK-LABEL: func.func @slice(
// CHECK: "astra.slice"(%arg0) {limit_indices = array<i64: 2, 6>, start_indices = array<i64: 0, 1>, strides = array<i64: 1, 2>} : (tensor<3x8xf32>) -> tensor<2x3xf32>
// STABLEHLO-LABEL: func.func @slice(
// STABLEHLO: stablehlo.slice{{[^_a-z]}}
func.func @slice(%operand: tensor<3x8xf32>) -> tensor<2x3xf32> {
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return %result : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @pad(
// CHECK: "astra.pad"(%arg0, %arg1) {high = array<i64: 0, -1>, interior = array<i64: 0, 2>, low = array<i64: 1, 0>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
// STABLEHLO-LABEL: func.func @pad(
// STABLEHLO: stablehlo.pad{{[^_a-z]}}
func.func @pad(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) -> tensor<3x6xf32> {
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
  return %result : tensor<3x6xf32>
}

// CHECK-LABEL: func.func @concatenate(
// CHECK: "astra.concatenate"(%arg0, %arg1) {dimension = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
// STABLEHLO-LABEL: func.func @concatenate(
// STABLEHLO: stablehlo.concatenate{{[^_a-z]}}
func.func @concatenate(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return %result : tensor<2x7xf32>
}

// CHECK-LABEL: func.func @reverse(
// CHECK: "astra.reverse"(%arg0) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// STABLEHLO-LABEL: func.func @reverse(
// STABLEHLO: stablehlo.reverse{{[^_a-z]}}
func.func @reverse(%operand: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %result = "astra.reverse"(%operand) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %result : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @get_dimension_size(
// CHECK: "astra.get_dimension_size"(%arg0) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i32>
// STABLEHLO-LABEL: func.func @get_dimension_size(
// STABLEHLO: stablehlo.get_dimension_size{{[^_a-z]}}
func.func @get_dimension_size(%operand: tensor<?x3xf32>) -> tensor<i32> {
  %result = "astra.get_dimension_size"(%operand) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i32>
  return %result : tensor<i32>
}

// CHECK-LABEL: func.func @set_dimension_size(
// CHECK: "astra.set_dimension_size"(%arg0, %arg1) {dimension = 0 : i64} : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
// STABLEHLO-LABEL: func.func @set_dimension_size(
// STABLEHLO: stablehlo.set_dimension_size{{[^_a-z]}}
func.func @set_dimension_size(%operand: tensor<4x3xf32>, %size: tensor<i32>) -> tensor<?x3xf32> {
  %result = "astra.set_dimension_size"(%operand, %size) {dimension = 0 : i64}
      : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
  return %result : tensor<?x3xf32>
}
