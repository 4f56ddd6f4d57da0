// What has no derivative is refused where it stands, with the reason and a way forward.
// RUN: %astra-opt %s --astra-autodiff --split-input-file --verify-diagnostics

func.func @unbounded(%x: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  // expected-error@below {{'astra.while' cannot be differentiated: reverse mode runs a loop backwards and must know how often it runs at most}}
  %0 = "astra.while"(%x) ({
  ^bb0(%a: tensor<f32>):
    %more = "astra.compare"(%a, %one) {compare_type = "FLOAT", direction = "GT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>):
    %b = "astra.sqrt"(%a) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @custom_vjp(%x: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f, argnums = array<i64: 0>} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'astra.custom_vjp' cannot be differentiated: @value has a custom rule for reverse mode only (custom_vjp), so forward mode has none; use reverse mode, or give it a custom_jvp rule}}
  %0 = "astra.custom_vjp"(%x) {callee = @value, forward = @value, backward = @backward} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @value(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func private @backward(%c: tensor<f32>) -> tensor<f32> {
  return %c : tensor<f32>
}

// -----

func.func @without(%n: tensor<f32>, %x: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.vjp"(%n, %x, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @f(%n: tensor<f32>, %x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'astra.custom_jvp' cannot be differentiated: @value has no derivative by operand 0: the order is no number to differentiate by}}
  %0 = "astra.custom_jvp"(%n, %x)
      {callee = @value, jvp = @rule, nondifferentiable = array<i64: 0>, reason = "the order is no number to differentiate by"}
      : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @value(%n: tensor<f32>, %x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func private @rule(%n: tensor<f32>, %x: tensor<f32>, %dn: tensor<f32>, %dx: tensor<f32>)
    -> (tensor<f32>, tensor<f32>) {
  return %x, %dx : tensor<f32>, tensor<f32>
}

// -----

func.func @linear_solve(%b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%b, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.linear_solve' cannot be differentiated: reverse mode needs a solver of the transposed system; give transpose_solve, or symmetric=True}}
  %0 = "astra.linear_solve"(%b) {matvec = @same, solve = @same, const_counts = array<i64: 0, 0, 0, 0>}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @same(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @foreign_forward(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.custom_call' cannot be differentiated: it calls 'foreign', whose derivative is not known; put the call into a function with a derivative of its own (custom_jvp or custom_vjp), or stop_gradient in front of it}}
  %0 = "astra.custom_call"(%x) {call_target_name = "foreign", has_side_effect = false} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @foreign_reverse(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.custom_call' cannot be differentiated: it calls 'foreign', whose derivative is not known; put the call into a function with a derivative of its own (custom_jvp or custom_vjp), or stop_gradient in front of it}}
  %0 = "astra.custom_call"(%x) {call_target_name = "foreign", has_side_effect = false} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @outside(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'func.call' cannot be differentiated: reverse mode has no rule for it}}
  %0 = func.call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @elsewhere(%x: tensor<4xf32>) -> tensor<4xf32>

// -----

func.func @random(%a: tensor<f32>, %b: tensor<f32>, %n: tensor<1xi64>, %c: tensor<4xf32>) -> tensor<f32> {
  %0:2 = "astra.vjp"(%a, %b, %n, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>, tensor<1xi64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @f(%a: tensor<f32>, %b: tensor<f32>, %n: tensor<1xi64>) -> tensor<4xf32> {
  // expected-error@below {{'astra.rng' cannot be differentiated: draw numbers from a fixed distribution, and shift and scale them}}
  %0 = "astra.rng"(%a, %b, %n) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>, %c: tensor<?xf32>) -> tensor<?xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %0#1 : tensor<?xf32>
}
func.func private @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@below {{a derivative needs a constant of type tensor<?xf32>, whose shape is only known at run time; differentiate for static shapes}}
  %0 = "astra.sqrt"(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @dynamic_size(%x: tensor<?xf32>, %n: tensor<i32>, %c: tensor<?xf32>) -> tensor<?xf32> {
  %0:2 = "astra.vjp"(%x, %n, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<?xf32>, tensor<i32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  return %0#1 : tensor<?xf32>
}
func.func private @f(%x: tensor<?xf32>, %n: tensor<i32>) -> tensor<?xf32> {
  // expected-error@below {{'astra.set_dimension_size' cannot be differentiated: its shape is only known at run time; differentiate for static shapes}}
  %0 = "astra.set_dimension_size"(%x, %n) {dimension = 0 : i64} : (tensor<?xf32>, tensor<i32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f, argnums = array<i64: 0>} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
// expected-error@below {{recursive call @f -> @f; array programs have no recursion: write the repetition as a loop}}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = func.call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @main(%x: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f, argnums = array<i64: 0>} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
// expected-error@below {{function @f has 2 blocks, so it cannot be transformed; write a body of one block with structured control flow}}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<f32>
}
