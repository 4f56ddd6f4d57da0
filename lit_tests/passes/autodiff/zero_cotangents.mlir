// Nothing is computed for a cotangent that is stated to be zero, and its result's inputs do not count.
// RUN: %astra-opt %s --astra-autodiff --astra-inline | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %[[C:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT:    %[[R:.*]] = "astra.multiply"(%arg1, %[[C]])
// CHECK-NEXT:    return %[[R]]
func.func @main(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0:3 = "astra.vjp"(%x, %c, %zero) {argnums = array<i64: 0>, callee = @f, zero_cotangents = array<i64: 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#2 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.log"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
