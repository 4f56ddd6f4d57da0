// Operations without a derivative, or without one that is worth having: what is refused, and what to do instead.
// RUN: %astra-opt %s --astra-autodiff --split-input-file --verify-diagnostics

func.func @factors(%x: tensor<4xf32>, %k: tensor<5x1xi32>, %u: tensor<5xf32>, %c: tensor<4xf32>) -> tensor<5xf32> {
  %0:2 = "astra.vjp"(%x, %k, %u, %c) {callee = @f, argnums = array<i64: 2>}
      : (tensor<4xf32>, tensor<5x1xi32>, tensor<5xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<5xf32>)
  return %0#1 : tensor<5xf32>
}
func.func private @f(%x: tensor<4xf32>, %k: tensor<5x1xi32>, %u: tensor<5xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.scatter' cannot be differentiated: several factors may be multiplied into one element; say that they are not with unique_indices=True, or multiply by a product that is gathered first}}
  %0 = "astra.scatter"(%x, %k, %u) ({}) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>,
      input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
      scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "multiply"}
      : (tensor<4xf32>, tensor<5x1xi32>, tensor<5xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @combiner(%x: tensor<4xf32>, %k: tensor<5x1xi32>, %u: tensor<5xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %k, %u, %t) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<5x1xi32>, tensor<5xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %k: tensor<5x1xi32>, %u: tensor<5xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.scatter' cannot be differentiated: its combiner is none of update, add, multiply, maximum and minimum; write it with gathers and one of these, or give it a derivative with jax.custom_vjp}}
  %0 = "astra.scatter"(%x, %k, %u) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.atan2"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>,
      input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
      scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "custom"}
      : (tensor<4xf32>, tensor<5x1xi32>, tensor<5xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @dynamic(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %n: tensor<2xi64>, %c: tensor<5x?xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %k, %n, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<2xi64>, tensor<5x?xf32>) -> (tensor<5x?xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @f(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %n: tensor<2xi64>) -> tensor<5x?xf32> {
  // expected-error@below {{'astra.gather' cannot be differentiated: its slice sizes are only known at run time; differentiate for static shapes}}
  %0 = "astra.gather"(%x, %k, %n) {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>,
      operand_batching_dims = array<i64>, start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>,
      index_vector_dim = 1 : i64} : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<2xi64>) -> tensor<5x?xf32>
  return %0 : tensor<5x?xf32>
}

// -----

func.func @nested_combiner(%x: tensor<4xf32>, %c: tensor<f32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<f32>) -> (tensor<f32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<f32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  // expected-error@below {{'astra.reduce' cannot be differentiated: its combiner has 'astra.dot_general'; write the combiner with elementwise functions}}
  %0 = "astra.reduce"(%x, %zero) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.dot_general"(%a, %b) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64>, rhs_contracting_dimensions = array<i64>}
        : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0>, kind = "custom"} : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @large_windows(%x: tensor<400xf32>, %c: tensor<201xf32>) -> tensor<400xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<400xf32>, tensor<201xf32>) -> (tensor<201xf32>, tensor<400xf32>)
  return %0#1 : tensor<400xf32>
}
func.func private @f(%x: tensor<400xf32>) -> tensor<201xf32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  // expected-error@below {{'astra.reduce_window' cannot be differentiated: its combiner is neither add, maximum nor minimum and its windows have 200 elements; up to 128 are written out}}
  %0 = "astra.reduce_window"(%x, %one) ({}) {window_dimensions = array<i64: 200>, window_strides = array<i64: 1>,
      base_dilations = array<i64: 1>, window_dilations = array<i64: 1>, padding = array<i64: 0, 0>, kind = "multiply"}
      : (tensor<400xf32>, tensor<f32>) -> tensor<201xf32>
  return %0 : tensor<201xf32>
}

// -----

func.func @random(%x: tensor<f32>, %n: tensor<1xi64>, %t: tensor<f32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %n, %t) {callee = @f, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<1xi64>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<f32>, %n: tensor<1xi64>) -> tensor<4xf32> {
  // expected-error@below {{'astra.rng' cannot be differentiated: draw numbers from a fixed distribution, and shift and scale them}}
  %0 = "astra.rng"(%x, %x, %n) {distribution = "NORMAL"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @call(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.custom_call' cannot be differentiated: it calls 'mystery', whose derivative is not known; put the call into a function with a derivative of its own (custom_jvp or custom_vjp), or stop_gradient in front of it}}
  %0 = "astra.custom_call"(%x) {call_target_name = "mystery", has_side_effect = false} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
