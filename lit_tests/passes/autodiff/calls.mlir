// Calls with derivative rules of their own: the functions of the rule stand in place of the call.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// custom_jvp: forward mode runs the rule (here 3 t x, which is not the derivative of the sine).
// CHECK-LABEL: func.func @custom_jvp_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<3.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg0, %[[V0]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V2]], %arg1)
// CHECK-NEXT: return %[[V1]], %[[V3]] : tensor<f32>, tensor<f32>
func.func @custom_jvp_forward(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @uses_jvp, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
// Reverse mode transposes it.
// CHECK-LABEL: func.func @custom_jvp_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<3.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V2]], %[[V1]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg1, %[[V3]])
// CHECK-NEXT: return %[[V0]], %[[V4]] : tensor<f32>, tensor<f32>
func.func @custom_jvp_reverse(%x: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @uses_jvp, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
func.func private @uses_jvp(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_jvp"(%x) {callee = @value, jvp = @rule} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @value(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @rule(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %three = "astra.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.multiply"(%three, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = "astra.multiply"(%1, %t) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0, %2 : tensor<f32>, tensor<f32>
}

// custom_vjp: the residual is what the forward function gives (the logarithm), the rest is the backward function.
// CHECK-LABEL: func.func @custom_vjp
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.log"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg1, %[[V2]])
// CHECK-NEXT: return %[[V0]], %[[V3]] : tensor<f32>, tensor<f32>
func.func @custom_vjp(%x: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @uses_vjp, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
func.func private @uses_vjp(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_vjp"(%x) {callee = @value, forward = @forward, backward = @backward} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @forward(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.log"(%x) : (tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
func.func private @backward(%residual: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
  %0 = "astra.multiply"(%c, %residual) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// Where nothing that the call uses varies, it stays a call.
// CHECK-LABEL: func.func @custom_constant
// CHECK-NEXT: %[[V0:.*]] = "astra.custom_vjp"(%arg0) {backward = @backward, callee = @value, forward = @forward}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%[[V0]], %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V2]] : tensor<f32>, tensor<f32>
func.func @custom_constant(%x: tensor<f32>, %y: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.jvp"(%x, %y, %t) {callee = @scaled, argnums = array<i64: 1>}
      : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
func.func private @scaled(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_vjp"(%x) {callee = @value, forward = @forward, backward = @backward} : (tensor<f32>) -> tensor<f32>
  %1 = "astra.multiply"(%0, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// custom_vmap says nothing about derivatives: its callee's is taken.
// CHECK-LABEL: func.func @custom_vmap
// CHECK-NEXT: %[[V0:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V1]] : tensor<f32>, tensor<f32>
func.func @custom_vmap(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @uses_vmap, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  %1:2 = "astra.vjp"(%x, %t) {callee = @uses_vmap, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1, %1#1 : tensor<f32>, tensor<f32>
}
func.func private @uses_vmap(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_vmap"(%x) {callee = @value, rule = "f 0"} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// stop_gradient: x * stop(x) has the derivative stop(x), in both modes.
// CHECK-LABEL: func.func @stop_gradient
// CHECK-NEXT: %[[V0:.*]] = "astra.stop_gradient"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK-NEXT: %[[V3:.*]] = "astra.stop_gradient"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: return %[[V1]], %[[V4]] : tensor<f32>, tensor<f32>
func.func @stop_gradient(%x: tensor<f32>, %t: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @half_square, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @half_square, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1, %1#1 : tensor<f32>, tensor<f32>
}
func.func private @half_square(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.stop_gradient"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.multiply"(%x, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
