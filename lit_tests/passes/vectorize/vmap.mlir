// Without fn, astra.vmap is expanded, innermost first: a vmap of a vmap of a product is one product with two batches.
// RUN: %astra-opt %s --split-input-file --astra-vectorize | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<7x8x4x5xf32>, %[[Y:[a-z0-9]+]]: tensor<7x5x6xf32>)
// CHECK-NEXT:    %[[V:[a-z0-9]+]] = "astra.dot_general"(%[[X]], %[[Y]])
// CHECK-SAME:      lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 3>
// CHECK-SAME:      rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>
// CHECK-SAME:      -> tensor<7x8x4x6xf32>
// CHECK-NEXT:    return %[[V]]
// CHECK-NOT:   func.func
func.func @main(%x: tensor<7x8x4x5xf32>, %y: tensor<7x5x6xf32>) -> tensor<7x8x4x6xf32> {
  %0 = "astra.vmap"(%x, %y) {callee = @outer, axis_size = 7 : i64, in_axes = array<i64: 0, 0>, out_axes = array<i64: 0>}
      : (tensor<7x8x4x5xf32>, tensor<7x5x6xf32>) -> tensor<7x8x4x6xf32>
  return %0 : tensor<7x8x4x6xf32>
}
func.func private @outer(%x: tensor<8x4x5xf32>, %y: tensor<5x6xf32>) -> tensor<8x4x6xf32> {
  %0 = "astra.vmap"(%x, %y) {callee = @inner, axis_size = 8 : i64, in_axes = array<i64: 0, -1>, out_axes = array<i64: 0>}
      : (tensor<8x4x5xf32>, tensor<5x6xf32>) -> tensor<8x4x6xf32>
  return %0 : tensor<8x4x6xf32>
}
func.func private @inner(%x: tensor<4x5xf32>, %y: tensor<5x6xf32>) -> tensor<4x6xf32> {
  %0 = "astra.dot_general"(%x, %y)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// The callee of a vmap holds a derivative, which is expanded first.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32>)
// CHECK-NEXT:    %[[COS:[a-z0-9]+]] = "astra.cosine"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    return %[[COS]]
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = "astra.vmap"(%x) {callee = @derivative, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
func.func private @derivative(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0, %1 = "astra.vjp"(%x, %one) {callee = @sine, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %1 : tensor<4xf32>
}
func.func private @sine(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// So is one in forward mode; the tangent is that of all examples.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32>, %[[T:[a-z0-9]+]]: tensor<4xf32>)
// CHECK-NEXT:    %[[COS:[a-z0-9]+]] = "astra.cosine"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    %[[ALL:[a-z0-9]+]] = "astra.broadcast"(%[[T]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    %[[TANGENT:[a-z0-9]+]] = "astra.multiply"(%[[ALL]], %[[COS]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    return %[[TANGENT]] : tensor<8x4xf32>
func.func @main(%x: tensor<8x4xf32>, %t: tensor<4xf32>) -> tensor<8x4xf32> {
  %0 = "astra.vmap"(%x, %t) {callee = @derivative, axis_size = 8 : i64, in_axes = array<i64: 0, -1>, out_axes = array<i64: 0>}
      : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
func.func private @derivative(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0, %1 = "astra.jvp"(%x, %t) {callee = @sine, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %1 : tensor<4xf32>
}
func.func private @sine(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
