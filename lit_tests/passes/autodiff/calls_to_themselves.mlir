// Rules that use the operation that they belong to: of the exponential, and of a linear function.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

func.func private @exp(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.exponential"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @exp_rule(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = "astra.custom_jvp"(%x) {callee = @exp, jvp = @exp_rule} : (tensor<f32>) -> tensor<f32>
  %1 = "astra.multiply"(%0, %t) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_jvp"(%x) {callee = @exp, jvp = @exp_rule} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @derivative(%x: tensor<f32>) -> tensor<f32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0:2 = "astra.vjp"(%x, %one) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}

// The rule is taken once for the first derivative, and once more for the second.
// CHECK-LABEL: func.func @second(
// CHECK-NEXT:    %[[E:.*]] = "astra.exponential"(%arg0)
// CHECK-NEXT:    %[[D:.*]] = "astra.multiply"(%arg1, %[[E]])
// CHECK-NEXT:    return %[[E]], %[[D]]
func.func @second(%x: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @derivative, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}

func.func private @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @twice_rule(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.custom_jvp"(%x) {callee = @twice, jvp = @twice_rule} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.custom_jvp"(%t) {callee = @twice, jvp = @twice_rule} : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.custom_jvp"(%x) {callee = @twice, jvp = @twice_rule} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Applied to a tangent, it is the function that is transposed, not the rule again.
// CHECK-LABEL: func.func @linear(
// CHECK-NEXT:    %[[C:.*]] = "astra.add"(%arg1, %arg1)
// CHECK-NEXT:    return %[[C]]
func.func @linear(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @g, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
