// astra.linear_solve is differentiated implicitly: the same solver in forward mode, the transposed one in reverse mode.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// A x = b gives A dx = db - dA x.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.linear_solve"(%arg0, %arg0, %[[V0]], %arg0, %arg0, %arg1) {const_counts = array<i64: 1, 2, 1, 1>, matvec = @matvec, solve = @solve, transpose_matvec = @transpose_matvec, transpose_solve = @transpose_solve}
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg2, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.subtract"(%arg3, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.linear_solve"(%arg0, %arg0, %[[V0]], %arg0, %arg0, %[[V3]]) {const_counts = array<i64: 1, 2, 1, 1>, matvec = @matvec, solve = @solve, transpose_matvec = @transpose_matvec, transpose_solve = @transpose_solve}
// CHECK-NEXT: return %[[V4]] : tensor<4xf32>
func.func @forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %da: tensor<4xf32>, %db: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %da, %db) {callee = @diagonal, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}

// With w the solution of the transposed system, b gets w, and A gets -w x.
// CHECK-LABEL: func.func @reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.linear_solve"(%arg0, %arg0, %[[V0]], %arg0, %arg0, %arg1) {const_counts = array<i64: 1, 2, 1, 1>, matvec = @matvec, solve = @solve, transpose_matvec = @transpose_matvec, transpose_solve = @transpose_solve}
// CHECK-NEXT: %[[V2:.*]] = "astra.linear_solve"(%arg0, %[[V0]], %arg0, %arg0, %arg0, %arg2) {const_counts = array<i64: 2, 1, 1, 1>, matvec = @transpose_matvec, solve = @transpose_solve, transpose_matvec = @matvec, transpose_solve = @solve}
// CHECK-NEXT: %[[V3:.*]] = "astra.negate"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%[[V3]], %[[V1]])
// CHECK-NEXT: return %[[V4]], %[[V2]] : tensor<4xf32>, tensor<4xf32>
func.func @reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @diagonal, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}

// Only the right-hand side varies: no derivative of the system is taken.
// CHECK-LABEL: func.func @right_side
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.linear_solve"(%arg0, %arg0, %[[V0]], %arg0, %arg0, %arg2) {const_counts = array<i64: 1, 2, 1, 1>, matvec = @matvec, solve = @solve, transpose_matvec = @transpose_matvec, transpose_solve = @transpose_solve}
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @right_side(%a: tensor<4xf32>, %b: tensor<4xf32>, %db: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %db) {callee = @diagonal, argnums = array<i64: 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}

func.func private @diagonal(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.linear_solve"(%a, %a, %s, %a, %a, %b)
      {matvec = @matvec, transpose_matvec = @transpose_matvec, solve = @solve, transpose_solve = @transpose_solve,
       const_counts = array<i64: 1, 2, 1, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @matvec(%a: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.multiply"(%a, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @transpose_matvec(%a: tensor<4xf32>, %s: tensor<f32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.broadcast"(%s) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
  %1 = "astra.multiply"(%x, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.multiply"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func private @solve(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.divide"(%b, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @transpose_solve(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.divide"(%b, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
