// A derivative becomes two functions: the value with what the derivative needs, and the derivative.
// RUN: %astra-opt %s --astra-expand-transforms --astra-split="fn=main late=1 results=1" | %filecheck %s

// CHECK-LABEL: func.func @main_early(%arg0: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
// CHECK:         %[[T:.*]] = "astra.tan"(%arg0)
// CHECK:         %[[R:.*]] = "astra.reduce"
// CHECK:         %[[S:.*]] = "astra.multiply"(%[[T]], %[[T]])
// CHECK:         %[[D:.*]] = "astra.add"(%[[S]]
// CHECK:         return %[[R]], %[[D]]

// CHECK-LABEL: func.func @main_late(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>, %arg2: tensor<f32>) -> tensor<4xf32>
// CHECK-NOT:     "astra.tan"
// CHECK:         %[[B:.*]] = "astra.broadcast"(%arg2)
// CHECK:         %[[P:.*]] = "astra.multiply"(%[[B]], %arg1)
// CHECK:         return %[[P]]
func.func @main(%x: tensor<4xf32>, %c: tensor<f32>) -> (tensor<f32>, tensor<4xf32>) {
  %y, %cx = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<f32>) -> (tensor<f32>, tensor<4xf32>)
  return %y, %cx : tensor<f32>, tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<f32> {
  %0 = "astra.tan"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %1 = "astra.reduce"(%0, %zero) ({}) {dimensions = array<i64: 0>, kind = "add"}
      : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
