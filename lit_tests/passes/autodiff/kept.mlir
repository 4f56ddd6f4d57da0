// Programs without derivatives stay as they are: calls, unused functions, batches and rules included.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %[[V0:.*]] = call @f(%arg0)
// CHECK-NEXT:    %[[V1:.*]] = "astra.custom_jvp"(%[[V0]]) {callee = @f, jvp = @rule}
// CHECK-NEXT:    %[[V2:.*]] = "astra.stop_gradient"(%[[V1]])
// CHECK-NEXT:    %[[V3:.*]] = "astra.checkpoint"(%[[V2]]) {callee = @f}
// CHECK-NEXT:    return %[[V3]]
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.custom_jvp"(%0) {callee = @f, jvp = @rule} : (tensor<f32>) -> tensor<f32>
  %2 = "astra.stop_gradient"(%1) : (tensor<f32>) -> tensor<f32>
  %3 = "astra.checkpoint"(%2) {callee = @f} : (tensor<f32>) -> tensor<f32>
  return %3 : tensor<f32>
}
// CHECK-LABEL: func.func @batch
// CHECK-NEXT:    "astra.vmap"(%arg0)
func.func @batch(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.vmap"(%x) {callee = @f, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
// CHECK-LABEL: func.func private @f
// CHECK-NEXT:    %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT:    %[[V1:.*]] = "astra.sine"(%arg0)
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  %2 = "astra.add"(%0, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}
// CHECK-LABEL: func.func private @rule
func.func private @rule(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  return %x, %t : tensor<f32>, tensor<f32>
}
// CHECK-LABEL: func.func private @unused
func.func private @unused(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
