// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func private @f(tensor<4xf32>, tensor<i32>) -> tensor<f32>
func.func private @g(tensor<4xf32>) -> tensor<4xf32>
func.func private @g_jvp(tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
func.func private @g_fwd(tensor<4xf32>) -> (tensor<4xf32>, tensor<2xf32>)
func.func private @g_bwd(tensor<2xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func private @solve(tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>

func.func @jvp_1(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@below {{attribute 'callee' names @missing, but the module has no such function}}
  %y, %dy = "astra.jvp"(%x, %n, %x) {callee = @missing, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
  return
}

func.func @jvp_2(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@below {{attribute 'argnums' must have different numbers from 0 to 1, but is [0, 0]}}
  %y, %dy = "astra.jvp"(%x, %n, %x, %x) {callee = @f, argnums = array<i64: 0, 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
  return
}

func.func @jvp_3(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@below {{argument 1 of the callee is tensor<i32>, which has no tangents}}
  %y, %dy = "astra.jvp"(%x, %n, %n) {callee = @f, argnums = array<i64: 1>}
      : (tensor<4xf32>, tensor<i32>, tensor<i32>) -> (tensor<f32>, tensor<f32>)
  return
}

func.func @jvp_4(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@below {{the operands must have types (tensor<4xf32>, tensor<i32>, tensor<4xf32>), but have (tensor<4xf32>, tensor<i32>)}}
  %y, %dy = "astra.jvp"(%x, %n) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>) -> (tensor<f32>, tensor<f32>)
  return
}

func.func @jvp_5(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@below {{the results must have types (tensor<f32>, tensor<f32>), but have (tensor<f32>)}}
  %y = "astra.jvp"(%x, %n, %x) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> tensor<f32>
  return
}

func.func @vjp_1(%x: tensor<4xf32>, %n: tensor<i32>, %c: tensor<f32>) {
  // expected-error@below {{the results must have types (tensor<f32>, tensor<i1>), but have (tensor<f32>, tensor<i32>)}}
  %y, %cn = "astra.vjp"(%x, %n, %c) {callee = @f, argnums = array<i64: 1>}
      : (tensor<4xf32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<i32>)
  return
}

func.func @vjp_2(%x: tensor<4xf32>, %n: tensor<i32>, %c: tensor<f32>) {
  // expected-error@below {{attribute 'argnums' must have different numbers from 0 to 1, but is [2]}}
  %y, %cn = "astra.vjp"(%x, %n, %c) {callee = @f, argnums = array<i64: 2>}
      : (tensor<4xf32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<i1>)
  return
}

func.func @vmap_1(%x: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'axis_size' must not be negative, but is -8}}
  %y = "astra.vmap"(%x) {callee = @g, axis_size = -8 : i64, in_axes = array<i64: 1>, out_axes = array<i64: 0>}
      : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return
}

func.func @vmap_2(%x: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'out_axes' must have 1 values, but has 2}}
  %y = "astra.vmap"(%x) {callee = @g, axis_size = 8 : i64, in_axes = array<i64: 1>, out_axes = array<i64: 0, 0>}
      : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return
}

func.func @vmap_3(%x: tensor<4x8xf32>) {
  // expected-error@below {{'in_axes'[0] has axis 2, which is not from 0 to 1 and not -1}}
  %y = "astra.vmap"(%x) {callee = @g, axis_size = 8 : i64, in_axes = array<i64: 2>, out_axes = array<i64: 0>}
      : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return
}

func.func @vmap_4(%x: tensor<4x8xf32>) {
  // expected-error@below {{the operands must have types (tensor<8x4xf32>), but have (tensor<4x8xf32>)}}
  %y = "astra.vmap"(%x) {callee = @g, axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
      : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return
}

func.func @checkpoint_1(%x: tensor<3xf32>) {
  // expected-error@below {{the operands must have types (tensor<4xf32>), but have (tensor<3xf32>)}}
  %y = "astra.checkpoint"(%x) {callee = @g} : (tensor<3xf32>) -> tensor<4xf32>
  return
}

func.func @checkpoint_2(%x: tensor<4xf32>) {
  // expected-error@below {{attribute 'policy' must be one of nothing, dots, dots_with_no_batch_dims, everything, but is 'all'}}
  %y = "astra.checkpoint"(%x) {callee = @g, policy = "all"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @custom_jvp_1(%x: tensor<4xf32>) {
  // expected-error@below {{the arguments of 'jvp', @g, must have types (tensor<4xf32>, tensor<4xf32>), but have (tensor<4xf32>)}}
  %y = "astra.custom_jvp"(%x) {callee = @g, jvp = @g} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @custom_jvp_2(%x: tensor<4xf32>) {
  // expected-error@below {{attribute 'nondifferentiable' has 1, but there are 1 operands}}
  %y = "astra.custom_jvp"(%x) {callee = @g, jvp = @g_jvp, nondifferentiable = array<i64: 1>, reason = ""}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @custom_jvp_3(%x: tensor<4xf32>) {
  // expected-error@below {{takes attributes 'nondifferentiable' and 'reason' together}}
  %y = "astra.custom_jvp"(%x) {callee = @g, jvp = @g_jvp, nondifferentiable = array<i64: 0>}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @custom_vjp_1(%x: tensor<4xf32>) {
  // expected-error@below {{the first results of 'forward' must have types (tensor<4xf32>), but have (tensor<f32>)}}
  %y = "astra.custom_vjp"(%x) {callee = @g, forward = @wrong, backward = @g_bwd} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
func.func private @wrong(tensor<4xf32>) -> tensor<f32>

func.func @custom_vjp_2(%x: tensor<4xf32>) {
  // expected-error@below {{the arguments of 'backward', @g_jvp, must have types (tensor<2xf32>, tensor<4xf32>), but have (tensor<4xf32>, tensor<4xf32>)}}
  %y = "astra.custom_vjp"(%x) {callee = @g, forward = @g_fwd, backward = @g_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @custom_vmap_1(%x: tensor<4xf32>) {
  // expected-error@below {{the results must have types (tensor<4xf32>), but have (tensor<3xf32>)}}
  %y = "astra.custom_vmap"(%x) {callee = @g, rule = "g 0"} : (tensor<4xf32>) -> tensor<3xf32>
  return
}

func.func @linear_solve_1(%a: tensor<4x4xf32>, %b: tensor<4xf32>) {
  // expected-error@below {{attribute 'const_counts' must have 4 values that are not negative, but is [1, 1]}}
  %x = "astra.linear_solve"(%a, %a, %b) {matvec = @solve, solve = @solve, const_counts = array<i64: 1, 1>}
      : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @linear_solve_2(%a: tensor<4x4xf32>, %b: tensor<4xf32>) {
  // expected-error@below {{attribute 'const_counts' is [1, 1, 1, 1], but there are 3 operands}}
  %x = "astra.linear_solve"(%a, %a, %b) {matvec = @solve, solve = @solve, const_counts = array<i64: 1, 1, 1, 1>}
      : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @linear_solve_3(%a: tensor<4x4xf32>, %b: tensor<4xf32>) {
  // expected-error@below {{the arguments of 'solve', @g, must have types (tensor<4x4xf32>, tensor<4xf32>), but have (tensor<4xf32>)}}
  %x = "astra.linear_solve"(%a, %a, %b) {matvec = @solve, solve = @g, const_counts = array<i64: 1, 0, 1, 0>}
      : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @stop_gradient_1(%x: tensor<4xf32>) {
  // expected-error@below {{must have the element type of operand}}
  %y = "astra.stop_gradient"(%x) : (tensor<4xf32>) -> tensor<4xf64>
  return
}
