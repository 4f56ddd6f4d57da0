// What has no batched form is refused, naming the operation, its place and a way forward.
// RUN: %astra-opt %s --split-input-file --verify-diagnostics --astra-vectorize="fn=main in-axes=0,-1 axis-size=8"

func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.custom_call' cannot be vectorized: nothing is known about 'mystery'; express it with other operations}}
  %0 = "astra.custom_call"(%x) {call_target_name = "mystery", has_side_effect = false} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.custom_vmap' cannot be vectorized: its batching rule, 'f 0', is a function of the process that captured the program; vectorize it there}}
  %0 = "astra.custom_vmap"(%x) {callee = @f, rule = "f 0"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @main(%n: tensor<i32>, %x: tensor<4x3xf32>) -> tensor<?x3xf32> {
  // expected-error@below {{'astra.set_dimension_size' cannot be vectorized: the size of a dimension would differ between applications; mask the elements with a select instead}}
  %0 = "astra.set_dimension_size"(%x, %n) {dimension = 0 : i64} : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @main(%s: tensor<1xi64>, %x: tensor<4xf32>) -> tensor<2xf32> {
  %one = "astra.constant"() {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@below {{'astra.slice' cannot be vectorized: the shape or the positions that an operand gives differ between applications, whose results could then not be stacked; use masks, or astra.dynamic_slice for positions}}
  %0 = "astra.slice"(%x, %s, %s, %one) : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%c: tensor<f32>, %x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s = "astra.constant"() {value = dense<1.0> : tensor<2x4xf32>} : () -> tensor<2x4xf32>
  %i = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  // expected-error@below {{'astra.select_and_scatter' cannot be vectorized: its region uses a value from outside that differs between applications; write it as a scatter, whose function may}}
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {
  ^scatter(%a: tensor<f32>, %b: tensor<f32>):
    %p = "astra.multiply"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%p) : (tensor<f32>) -> ()
  }) {window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, padding = array<i64: 0, 0, 0, 0>,
      select_kind = "GE", scatter_kind = "custom"} : (tensor<4x4xf32>, tensor<2x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @main(%c: tensor<2xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'astra.sort' cannot be vectorized: its region uses a value from outside, tensor<2xf32>, that differs between applications; give its elements as an operand}}
  %0 = "astra.sort"(%x) ({
  ^comparator(%a: tensor<f32>, %b: tensor<f32>):
    %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
    %d = "astra.reduce"(%c, %zero) ({}) {dimensions = array<i64: 0>, kind = "add"} : (tensor<2xf32>, tensor<f32>) -> tensor<f32>
    %p = "astra.compare"(%d, %b) {direction = "LT", compare_type = "FLOAT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%p) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%i: tensor<f32>, %x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s = "astra.constant"() {value = dense<1.0> : tensor<2x4xf32>} : () -> tensor<2x4xf32>
  // expected-error@below {{'astra.select_and_scatter' cannot be vectorized: its initial value differs between applications and its scatter function is not addition}}
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {
  ^scatter(%a: tensor<f32>, %b: tensor<f32>):
    %p = "astra.multiply"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%p) : (tensor<f32>) -> ()
  }) {window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, padding = array<i64: 0, 0, 0, 0>,
      select_kind = "GE", scatter_kind = "custom"} : (tensor<4x4xf32>, tensor<2x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @main(%a: tensor<i32>, %b: tensor<i32>) -> tensor<4xi32> {
  %n = "astra.constant"() {value = dense<4> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@below {{'astra.rng' cannot be vectorized: the bounds of random integers differ between applications; draw floats and convert them}}
  %0 = "astra.rng"(%a, %b, %n) {distribution = "UNIFORM"} : (tensor<i32>, tensor<i32>, tensor<1xi64>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// expected-error@below {{argument 0 of @main is tensor<?xf32>, which cannot be batched; write the program for static shapes}}
func.func @main(%x: tensor<?xf32>, %y: tensor<f32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
