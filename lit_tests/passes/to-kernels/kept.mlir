// What linalg schedules as well is left alone: elementwise operations, small products, sums over a dimension; so are
// shapes that are only known at run time, for which no kernel can be written (astra-to-linalg refuses them by name).
// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// CHECK-NOT: astra.kernel_call
// CHECK-LABEL: func.func @main
// CHECK-NOT: astra.kernel_call
// CHECK: "astra.exponential"
// CHECK-NOT: astra.kernel_call
// CHECK: "astra.dot_general"
// CHECK-NOT: astra.kernel_call
// CHECK: "astra.reduce"
// CHECK-NOT: astra.kernel_call
func.func @main(%x: tensor<4x4xf32>, %zero: tensor<f32>) -> tensor<4xf32> {
  %0 = "astra.exponential"(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = "astra.dot_general"(%0, %x) {
    lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
    lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
  } : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = "astra.reduce"(%1, %zero) ({}) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: func.func @dynamic
// CHECK: "astra.sort"
// CHECK: "astra.cumulative"
// CHECK: return
// CHECK-NOT: func.func private
func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = "astra.sort"(%x) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending"} : (tensor<?xf32>) -> tensor<?xf32>
  %1 = "astra.cumulative"(%0) {dimension = 0 : i64, reverse = false, kind = "add"} : (tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}
