// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @jvp(
// CHECK: "astra.jvp"(%arg0, %arg1, %arg2) {argnums = array<i64: 0>, callee = @f} : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<f32>, tensor<i32>, tensor<f32>)
func.func @jvp(%x: tensor<4xf32>, %n: tensor<i32>, %dx: tensor<4xf32>) {
  %y, %m, %dy = "astra.jvp"(%x, %n, %dx) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<f32>, tensor<i32>, tensor<f32>)
  return
}

// CHECK-LABEL: func.func @vjp(
// CHECK: "astra.vjp"(%arg0, %arg1, %arg2) {argnums = array<i64: 0, 1>, callee = @f} : (tensor<4xf32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<i1>)
func.func @vjp(%x: tensor<4xf32>, %n: tensor<i32>, %cy: tensor<f32>) {
  %y, %m, %cx, %cn = "astra.vjp"(%x, %n, %cy) {callee = @f, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<i1>)
  return
}

// CHECK-LABEL: func.func @vmap(
// CHECK: "astra.vmap"(%arg0, %arg1) {axis_size = 8 : i64, callee = @f, in_axes = array<i64: 1, -1>, out_axes = array<i64: 0, -1>} : (tensor<4x8xf32>, tensor<i32>) -> (tensor<8xf32>, tensor<i32>)
func.func @vmap(%x: tensor<4x8xf32>, %n: tensor<i32>) {
  %y, %m = "astra.vmap"(%x, %n)
      {callee = @f, axis_size = 8 : i64, in_axes = array<i64: 1, -1>, out_axes = array<i64: 0, -1>}
      : (tensor<4x8xf32>, tensor<i32>) -> (tensor<8xf32>, tensor<i32>)
  return
}

// CHECK-LABEL: func.func @checkpoint(
// CHECK: "astra.checkpoint"(%arg0) {callee = @g, policy = "dots"} : (tensor<4xf32>) -> tensor<4xf32>
func.func @checkpoint(%x: tensor<4xf32>) {
  %y = "astra.checkpoint"(%x) {callee = @g, policy = "dots"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// A rule may refer to itself: its derivative contains the operation again.
// CHECK-LABEL: func.func @custom_jvp(
// CHECK: "astra.custom_jvp"(%arg0) {callee = @g, jvp = @g_jvp} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK: "astra.custom_jvp"(%arg0) {callee = @g, jvp = @g_jvp, nondifferentiable = array<i64: 0>, reason = "it is not smooth"}
func.func @custom_jvp(%x: tensor<4xf32>) {
  %y = "astra.custom_jvp"(%x) {callee = @g, jvp = @g_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  %z = "astra.custom_jvp"(%x)
      {callee = @g, jvp = @g_jvp, nondifferentiable = array<i64: 0>, reason = "it is not smooth"}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @custom_vjp(
// CHECK: "astra.custom_vjp"(%arg0, %arg1) {backward = @h_bwd, callee = @h, forward = @h_fwd} : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
func.func @custom_vjp(%x: tensor<4xf32>, %n: tensor<i32>) {
  %y = "astra.custom_vjp"(%x, %n) {callee = @h, forward = @h_fwd, backward = @h_bwd}
      : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @custom_vmap(
// CHECK: "astra.custom_vmap"(%arg0) {callee = @g, rule = "g 0"} : (tensor<4xf32>) -> tensor<4xf32>
func.func @custom_vmap(%x: tensor<4xf32>) {
  %y = "astra.custom_vmap"(%x) {callee = @g, rule = "g 0"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @linear_solve(
// CHECK: "astra.linear_solve"(%arg0, %arg0, %arg0) {const_counts = array<i64: 1, 0, 1, 0>, matvec = @multiply, solve = @multiply} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @linear_solve(%x: tensor<4xf32>) {
  %y = "astra.linear_solve"(%x, %x, %x) {matvec = @multiply, solve = @multiply, const_counts = array<i64: 1, 0, 1, 0>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @stop_gradient(
// CHECK: "astra.stop_gradient"(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
func.func @stop_gradient(%x: tensor<4xf32>) {
  %y = "astra.stop_gradient"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func private @f(tensor<4xf32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func private @g_jvp(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = "astra.custom_jvp"(%x) {callee = @g, jvp = @g_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  return %y, %dx : tensor<4xf32>, tensor<4xf32>
}
func.func private @h(tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
func.func private @h_fwd(tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
func.func private @h_bwd(tensor<i32>, tensor<4xf32>) -> tensor<4xf32>
func.func private @multiply(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
