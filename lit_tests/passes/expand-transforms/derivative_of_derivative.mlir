// Values are computed again, behind barriers, only by the outermost derivative: else each has two tangents.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// CHECK-LABEL: func.func @gradient
// CHECK:         "astra.optimization_barrier"
func.func @gradient(%x: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.vjp"(%x, %c) {argnums = array<i64: 0>, callee = @f}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @along
// CHECK-NOT:     "astra.optimization_barrier"
// CHECK:         return
func.func @along(%x: tensor<4xf32>, %v: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %c, %v) {argnums = array<i64: 0>, callee = @slope}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @slope(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {argnums = array<i64: 0>, callee = @f}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.exponential"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.add"(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.sine"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
