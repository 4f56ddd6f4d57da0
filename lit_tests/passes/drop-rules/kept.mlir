// While a transformation is left, its callee needs the rules.
// RUN: %astra-opt %s --astra-drop-rules | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    %[[A:.*]] = "astra.stop_gradient"(%arg0)
// CHECK-NEXT:    "astra.vjp"(%[[A]], %[[A]]) {argnums = array<i64: 0>, callee = @h}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.stop_gradient"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1:2 = "astra.vjp"(%0, %0) {callee = @h, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %1#1 : tensor<4xf32>
}

// CHECK-LABEL: func.func private @h(
// CHECK-NEXT:    "astra.custom_jvp"(%arg0) {callee = @f, jvp = @f_jvp}
// CHECK: func.func private @f(
// CHECK: func.func private @f_jvp(
func.func private @h(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func private @f_jvp(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %x, %dx : tensor<4xf32>, tensor<4xf32>
}
