// Transformations are expanded innermost first: a batch of second derivatives.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>)
// CHECK: %[[S:.*]] = "astra.sine"(%[[X]]) : (tensor<8xf32>) -> tensor<8xf32>
// CHECK: %[[N:.*]] = "astra.negate"(%[[S]]) : (tensor<8xf32>) -> tensor<8xf32>
// CHECK: return %[[N]] : tensor<8xf32>
// CHECK-NOT: func.func
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.vmap"(%x) {callee = @second, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @second(%x: tensor<f32>) -> tensor<f32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %y, %dy = "astra.jvp"(%x, %one) {callee = @first, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dy : tensor<f32>
}
func.func private @first(%x: tensor<f32>) -> tensor<f32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %y, %cx = "astra.vjp"(%x, %one) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %cx : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
