// Derivative rules serve the transformations; what is left of them then are plain operations, without calls.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// Nothing asks for a derivative here: the value, the recomputed layer and the constant are what they compute.
// CHECK-LABEL: func.func @values
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<f32>
func.func @values(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_jvp"(%x) {callee = @sine, jvp = @rule} : (tensor<f32>) -> tensor<f32>
  %1 = "astra.stop_gradient"(%0) : (tensor<f32>) -> tensor<f32>
  %2 = "astra.checkpoint"(%1) {callee = @sine} : (tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}

// The rule says that the derivative is x, which stands for the forward-mode function and its transpose.
// CHECK-LABEL: func.func @derivatives
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg0, %arg1)
// CHECK-NEXT: return %[[V0]], %[[V1]], %[[V1]] : tensor<f32>, tensor<f32>, tensor<f32>
func.func @derivatives(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  %1:2 = "astra.vjp"(%x, %t) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1, %1#1 : tensor<f32>, tensor<f32>, tensor<f32>
}

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.custom_jvp"(%x) {callee = @sine, jvp = @rule} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @sine(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @rule(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.multiply"(%x, %t) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
