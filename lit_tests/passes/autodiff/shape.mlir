// Operations that move elements are linear: the tangent is moved alike, the cotangent is moved back.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// A broadcast is transposed by a sum over the new dimension.
// CHECK-LABEL: func.func @broadcast_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<3x4xf32>
func.func @broadcast_forward(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> tensor<3x4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @broadcast, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>)
  return %0#1 : tensor<3x4xf32>
}
// CHECK-LABEL: func.func @broadcast_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg1, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"}
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @broadcast_reverse(%x: tensor<4xf32>, %cy: tensor<3x4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @broadcast, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @broadcast(%x: tensor<4xf32>) -> tensor<3x4xf32> {
  %y = "astra.broadcast"(%x) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// Over expanded dimensions of size 1 too; what is left is brought into the operand's order.
// CHECK-LABEL: func.func @expanded_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg1, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V2:.*]] = "astra.reshape"(%[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<1x4xf32>
func.func @expanded_reverse(%x: tensor<1x4xf32>, %cy: tensor<4x3xf32>) -> tensor<1x4xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @expanded, argnums = array<i64: 0>}
      : (tensor<1x4xf32>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<1x4xf32>)
  return %0#1 : tensor<1x4xf32>
}
func.func private @expanded(%x: tensor<1x4xf32>) -> tensor<4x3xf32> {
  %y = "astra.broadcast"(%x) {dimensions = array<i64: 1, 0>} : (tensor<1x4xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @permuted_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce"(%arg1, %[[V0]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"}
// CHECK-NEXT: %[[V2:.*]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 1, 0>}
// CHECK-NEXT: return %[[V2]] : tensor<2x3xf32>
func.func @permuted_reverse(%x: tensor<2x3xf32>, %cy: tensor<3x5x2xf32>) -> tensor<2x3xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @permuted, argnums = array<i64: 0>}
      : (tensor<2x3xf32>, tensor<3x5x2xf32>) -> (tensor<3x5x2xf32>, tensor<2x3xf32>)
  return %0#1 : tensor<2x3xf32>
}
func.func private @permuted(%x: tensor<2x3xf32>) -> tensor<3x5x2xf32> {
  %y = "astra.broadcast"(%x) {dimensions = array<i64: 2, 0>} : (tensor<2x3xf32>) -> tensor<3x5x2xf32>
  return %y : tensor<3x5x2xf32>
}

// CHECK-LABEL: func.func @reshape_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.reshape"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<2x3xf32>
func.func @reshape_forward(%x: tensor<6xf32>, %dx: tensor<6xf32>) -> tensor<2x3xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @reshape, argnums = array<i64: 0>}
      : (tensor<6xf32>, tensor<6xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return %0#1 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @reshape_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.reshape"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<6xf32>
func.func @reshape_reverse(%x: tensor<6xf32>, %cy: tensor<2x3xf32>) -> tensor<6xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @reshape, argnums = array<i64: 0>}
      : (tensor<6xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<6xf32>)
  return %0#1 : tensor<6xf32>
}
func.func private @reshape(%x: tensor<6xf32>) -> tensor<2x3xf32> {
  %y = "astra.reshape"(%x) : (tensor<6xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// By the inverse permutation.
// CHECK-LABEL: func.func @transpose_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.transpose"(%arg1) {permutation = array<i64: 1, 2, 0>}
// CHECK-NEXT: return %[[V0]] : tensor<3x5x2xf32>
func.func @transpose_forward(%x: tensor<2x3x5xf32>, %dx: tensor<2x3x5xf32>) -> tensor<3x5x2xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @transpose, argnums = array<i64: 0>}
      : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> (tensor<3x5x2xf32>, tensor<3x5x2xf32>)
  return %0#1 : tensor<3x5x2xf32>
}
// CHECK-LABEL: func.func @transpose_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.transpose"(%arg1) {permutation = array<i64: 2, 0, 1>}
// CHECK-NEXT: return %[[V0]] : tensor<2x3x5xf32>
func.func @transpose_reverse(%x: tensor<2x3x5xf32>, %cy: tensor<3x5x2xf32>) -> tensor<2x3x5xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @transpose, argnums = array<i64: 0>}
      : (tensor<2x3x5xf32>, tensor<3x5x2xf32>) -> (tensor<3x5x2xf32>, tensor<2x3x5xf32>)
  return %0#1 : tensor<2x3x5xf32>
}
func.func private @transpose(%x: tensor<2x3x5xf32>) -> tensor<3x5x2xf32> {
  %y = "astra.transpose"(%x) {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x5xf32>) -> tensor<3x5x2xf32>
  return %y : tensor<3x5x2xf32>
}

// CHECK-LABEL: func.func @reverse_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.reverse"(%arg1) {dimensions = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<2x3xf32>
func.func @reverse_forward(%x: tensor<2x3xf32>, %dx: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @reverse, argnums = array<i64: 0>}
      : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return %0#1 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @reverse_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.reverse"(%arg1) {dimensions = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<2x3xf32>
func.func @reverse_reverse(%x: tensor<2x3xf32>, %cy: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @reverse, argnums = array<i64: 0>}
      : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return %0#1 : tensor<2x3xf32>
}
func.func private @reverse(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %y = "astra.reverse"(%x) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// Elements 1, 4, 7 of 10: the cotangent goes back there, with zeros around and between.
// CHECK-LABEL: func.func @slice_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.slice"(%arg1) {limit_indices = array<i64: 8>, start_indices = array<i64: 1>, strides = array<i64: 3>}
// CHECK-NEXT: return %[[V0]] : tensor<3xf32>
func.func @slice_forward(%x: tensor<10xf32>, %dx: tensor<10xf32>) -> tensor<3xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @slice, argnums = array<i64: 0>}
      : (tensor<10xf32>, tensor<10xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}
// CHECK-LABEL: func.func @slice_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.pad"(%arg1, %[[V0]]) {high = array<i64: 2>, interior = array<i64: 2>, low = array<i64: 1>}
// CHECK-NEXT: return %[[V1]] : tensor<10xf32>
func.func @slice_reverse(%x: tensor<10xf32>, %cy: tensor<3xf32>) -> tensor<10xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @slice, argnums = array<i64: 0>}
      : (tensor<10xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<10xf32>)
  return %0#1 : tensor<10xf32>
}
func.func private @slice(%x: tensor<10xf32>) -> tensor<3xf32> {
  %y = "astra.slice"(%x) {start_indices = array<i64: 1>, limit_indices = array<i64: 8>, strides = array<i64: 3>} : (tensor<10xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// The operand's elements are cut out again; the rest belongs to the padding value.
// CHECK-LABEL: func.func @pad_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.pad"(%arg2, %arg3) {high = array<i64: 2>, interior = array<i64: 1>, low = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<8xf32>
func.func @pad_forward(%x: tensor<3xf32>, %y: tensor<f32>, %dx: tensor<3xf32>, %dy: tensor<f32>) -> tensor<8xf32> {
  %0:2 = "astra.jvp"(%x, %y, %dx, %dy) {callee = @pad, argnums = array<i64: 0, 1>}
      : (tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<f32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
// CHECK-LABEL: func.func @pad_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.slice"(%arg2) {limit_indices = array<i64: 6>, start_indices = array<i64: 1>, strides = array<i64: 2>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.reduce"(%arg2, %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"}
// CHECK-NEXT: %[[V3:.*]] = "astra.reduce"(%[[V0]], %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"}
// CHECK-NEXT: %[[V4:.*]] = "astra.subtract"(%[[V2]], %[[V3]])
// CHECK-NEXT: return %[[V0]], %[[V4]] : tensor<3xf32>, tensor<f32>
func.func @pad_reverse(%x: tensor<3xf32>, %y: tensor<f32>, %cz: tensor<8xf32>) -> (tensor<3xf32>, tensor<f32>) {
  %0:3 = "astra.vjp"(%x, %y, %cz) {callee = @pad, argnums = array<i64: 0, 1>}
      : (tensor<3xf32>, tensor<f32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<3xf32>, tensor<f32>)
  return %0#1, %0#2 : tensor<3xf32>, tensor<f32>
}
func.func private @pad(%x: tensor<3xf32>, %y: tensor<f32>) -> tensor<8xf32> {
  %z = "astra.pad"(%x, %y) {low = array<i64: 1>, high = array<i64: 2>, interior = array<i64: 1>} : (tensor<3xf32>, tensor<f32>) -> tensor<8xf32>
  return %z : tensor<8xf32>
}

// Negative padding cuts off: those elements have cotangent zero.
// CHECK-LABEL: func.func @cut_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.pad"(%arg2, %[[V0]]) {high = array<i64: 2>, interior = array<i64: 0>, low = array<i64: 1>}
// CHECK-NEXT: return %[[V1]] : tensor<8xf32>
func.func @cut_reverse(%x: tensor<8xf32>, %y: tensor<f32>, %cz: tensor<5xf32>) -> tensor<8xf32> {
  %0:2 = "astra.vjp"(%x, %y, %cz) {callee = @cut, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<f32>, tensor<5xf32>) -> (tensor<5xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
func.func private @cut(%x: tensor<8xf32>, %y: tensor<f32>) -> tensor<5xf32> {
  %z = "astra.pad"(%x, %y) {low = array<i64: -1>, high = array<i64: -2>, interior = array<i64: 0>} : (tensor<8xf32>, tensor<f32>) -> tensor<5xf32>
  return %z : tensor<5xf32>
}

// Only the padding value varies.
// CHECK-LABEL: func.func @pad_value_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.pad"(%[[V0]], %arg2) {high = array<i64: 2>, interior = array<i64: 0>, low = array<i64: 1>}
// CHECK-NEXT: return %[[V1]] : tensor<6xf32>
func.func @pad_value_forward(%x: tensor<3xf32>, %y: tensor<f32>, %dy: tensor<f32>) -> tensor<6xf32> {
  %0:2 = "astra.jvp"(%x, %y, %dy) {callee = @pad_value, argnums = array<i64: 1>}
      : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> (tensor<6xf32>, tensor<6xf32>)
  return %0#1 : tensor<6xf32>
}
func.func private @pad_value(%x: tensor<3xf32>, %y: tensor<f32>) -> tensor<6xf32> {
  %z = "astra.pad"(%x, %y) {low = array<i64: 1>, high = array<i64: 2>, interior = array<i64: 0>} : (tensor<3xf32>, tensor<f32>) -> tensor<6xf32>
  return %z : tensor<6xf32>
}

// CHECK-LABEL: func.func @concatenate_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.concatenate"(%arg2, %arg3) {dimension = 1 : i64}
// CHECK-NEXT: return %[[V0]] : tensor<2x7xf32>
func.func @concatenate_forward(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>, %dx: tensor<2x3xf32>, %dy: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %0:2 = "astra.jvp"(%x, %y, %dx, %dy) {callee = @concatenate, argnums = array<i64: 0, 1>}
      : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x3xf32>, tensor<2x4xf32>) -> (tensor<2x7xf32>, tensor<2x7xf32>)
  return %0#1 : tensor<2x7xf32>
}
// CHECK-LABEL: func.func @concatenate_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.slice"(%arg2) {limit_indices = array<i64: 2, 3>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.slice"(%arg2) {limit_indices = array<i64: 2, 7>, start_indices = array<i64: 0, 3>, strides = array<i64: 1, 1>}
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<2x3xf32>, tensor<2x4xf32>
func.func @concatenate_reverse(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>, %cz: tensor<2x7xf32>) -> (tensor<2x3xf32>, tensor<2x4xf32>) {
  %0:3 = "astra.vjp"(%x, %y, %cz) {callee = @concatenate, argnums = array<i64: 0, 1>}
      : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x7xf32>) -> (tensor<2x7xf32>, tensor<2x3xf32>, tensor<2x4xf32>)
  return %0#1, %0#2 : tensor<2x3xf32>, tensor<2x4xf32>
}
func.func private @concatenate(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %z = "astra.concatenate"(%x, %y) {dimension = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return %z : tensor<2x7xf32>
}

// One that does not vary has a tangent of zero.
// CHECK-LABEL: func.func @concatenate_second_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<2x3xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.concatenate"(%[[V0]], %arg2) {dimension = 1 : i64}
// CHECK-NEXT: return %[[V1]] : tensor<2x7xf32>
func.func @concatenate_second_forward(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>, %dy: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %0:2 = "astra.jvp"(%x, %y, %dy) {callee = @concatenate_second, argnums = array<i64: 1>}
      : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x7xf32>, tensor<2x7xf32>)
  return %0#1 : tensor<2x7xf32>
}
// CHECK-LABEL: func.func @concatenate_second_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.slice"(%arg2) {limit_indices = array<i64: 2, 7>, start_indices = array<i64: 0, 3>, strides = array<i64: 1, 1>}
// CHECK-NEXT: return %[[V0]] : tensor<2x4xf32>
func.func @concatenate_second_reverse(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>, %cz: tensor<2x7xf32>) -> tensor<2x4xf32> {
  %0:2 = "astra.vjp"(%x, %y, %cz) {callee = @concatenate_second, argnums = array<i64: 1>}
      : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x7xf32>) -> (tensor<2x7xf32>, tensor<2x4xf32>)
  return %0#1 : tensor<2x4xf32>
}
func.func private @concatenate_second(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %z = "astra.concatenate"(%x, %y) {dimension = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return %z : tensor<2x7xf32>
}

// Cotangents are kept together as the operands were; an integer has none.
// CHECK-LABEL: func.func @optimization_barrier_forward
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.optimization_barrier"(%arg2, %arg1)
// CHECK-NEXT: return %[[V0]]#0 : tensor<4xf32>
func.func @optimization_barrier_forward(%x: tensor<4xf32>, %n: tensor<i32>, %dx: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %n, %dx) {callee = @optimization_barrier, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @optimization_barrier_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.optimization_barrier"(%arg2)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @optimization_barrier_reverse(%x: tensor<4xf32>, %n: tensor<i32>, %c0_0: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %n, %c0_0) {callee = @optimization_barrier, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @optimization_barrier(%x: tensor<4xf32>, %n: tensor<i32>) -> tensor<4xf32> {
  %0:2 = "astra.optimization_barrier"(%x, %n) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
  return %0#0 : tensor<4xf32>
}

