// Transformations of functions that contain transformations: the innermost is expanded first; equal ones are derived once.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// Forward over reverse: the second derivative of the sine in direction t is -sin(x) t.
// CHECK-LABEL: func.func @forward_over_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.negate"(%[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<f32>
func.func @forward_over_reverse(%x: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @gradient, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}

// Reverse over reverse gives the same.
// CHECK-LABEL: func.func @reverse_over_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.negate"(%[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<f32>
func.func @reverse_over_reverse(%x: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @gradient, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}

// CHECK-LABEL: func.func private @gradient
// CHECK-NEXT: %[[V0:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: return %[[V0]] : tensor<f32>
func.func private @gradient(%x: tensor<f32>) -> tensor<f32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0:2 = "astra.vjp"(%x, %one) {callee = @sine, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @sine(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// A transformation inside a loop body, and the transformation of that loop.
// CHECK-LABEL: func.func @through_a_loop
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.scan"(%arg0, %arg1) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V3:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V4:.*]] = "astra.cosine"(%[[V2]])
// CHECK-NEXT:   %[[V5:.*]] = "astra.sine"(%[[V2]])
// CHECK-NEXT:   %[[V6:.*]] = "astra.multiply"(%[[V3]], %[[V5]])
// CHECK-NEXT:   %[[V7:.*]] = "astra.subtract"(%[[V2]], %[[V4]])
// CHECK-NEXT:   %[[V8:.*]] = "astra.add"(%[[V3]], %[[V6]])
// CHECK-NEXT:   "astra.yield"(%[[V7]], %[[V8]])
// CHECK-NEXT: }) {num_carries = 2 : i64, reverse = false, trip_count = 10 : i64} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
// CHECK-NEXT: return %[[V0]]#1 : tensor<f32>
func.func @through_a_loop(%x: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @descent, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @descent(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    %y, %g = "astra.vjp"(%a, %one) {callee = @sine, argnums = array<i64: 0>}
        : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    %b = "astra.subtract"(%a, %g) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// A batch of derivatives: only the derivative is expanded here, the batch is left to astra-vectorize.
// CHECK-LABEL: func.func @batched
// CHECK-NEXT: %[[V0:.*]] = "astra.vmap"(%arg0) {axis_size = 8 : i64, callee = @gradient, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
// CHECK-NEXT: return %[[V0]] : tensor<8xf32>
func.func @batched(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.vmap"(%x) {callee = @gradient, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// The derivative of a batch needs the batch first.
// CHECK-LABEL: func.func @derivative_of_batch
// CHECK-NEXT: %[[V0:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<8xf32>
func.func @derivative_of_batch(%x: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @sines, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
func.func private @sines(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.vmap"(%x) {callee = @sine, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
