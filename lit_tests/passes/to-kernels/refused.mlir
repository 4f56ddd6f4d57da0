// What no kernel computes is refused where it stands, with what to do instead.
// RUN: %astra-opt %s --astra-to-kernels --split-input-file --verify-diagnostics

func.func @complex_keys(%x: tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>> {
  // expected-error@+1 {{complex<f32> has no known order; give a comparator, or convert the keys}}
  %0 = "astra.sort"(%x) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending"} : (tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>>
  return %0 : tensor<8xcomplex<f32>>
}

// -----

func.func @array_in_a_comparator(%x: tensor<8xf32>, %t: tensor<4xf32>) -> tensor<8xf32> {
  // expected-error@+1 {{its region uses an array from outside; pass it as an operand}}
  %0 = "astra.sort"(%x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.slice"(%t) {start_indices = array<i64: 0>, limit_indices = array<i64: 1>, strides = array<i64: 1>} : (tensor<4xf32>) -> tensor<1xf32>
    %2 = "astra.reshape"(%1) : (tensor<1xf32>) -> tensor<f32>
    %3 = "astra.compare"(%a, %2) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%3) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @state(%s: tensor<2xui32>) -> tensor<8xui32> {
  // expected-error@+1 {{a state of type tensor<2xui32>; use tensor<2xui64>}}
  %0:2 = "astra.rng_bit_generator"(%s) {algorithm = "PHILOX"} : (tensor<2xui32>) -> (tensor<2xui32>, tensor<8xui32>)
  return %0#1 : tensor<8xui32>
}

// -----

func.func @half_cholesky(%a: tensor<4x4xf8E5M2>) -> tensor<4x4xf8E5M2> {
  // expected-error@+1 {{element type f8E5M2; convert to f32}}
  %0 = "astra.cholesky"(%a) {lower = true} : (tensor<4x4xf8E5M2>) -> tensor<4x4xf8E5M2>
  return %0 : tensor<4x4xf8E5M2>
}

// -----

func.func @array_inside_a_comparator(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error@+1 {{its region computes with arrays; use only operations on scalars in it}}
  %0 = "astra.sort"(%x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
    %1 = "astra.broadcast"(%a) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
    %2 = "astra.reduce"(%1, %zero) ({}) {dimensions = array<i64: 0>, kind = "add"} : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    %3 = "astra.compare"(%2, %b) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%3) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @random_bits(%s: tensor<2xui64>) -> tensor<8xi4> {
  // expected-error@+1 {{random bits of type i4; generate ui32 and convert}}
  %0:2 = "astra.rng_bit_generator"(%s) {algorithm = "PHILOX"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<8xi4>)
  return %0#1 : tensor<8xi4>
}

// -----

func.func @distribution(%a: tensor<f8E5M2>, %n: tensor<1xi64>) -> tensor<8xf8E5M2> {
  // expected-error@+1 {{NORMAL random numbers of type f8E5M2; generate f32 and convert}}
  %0 = "astra.rng"(%a, %a, %n) {distribution = "NORMAL"} : (tensor<f8E5M2>, tensor<f8E5M2>, tensor<1xi64>) -> tensor<8xf8E5M2>
  return %0 : tensor<8xf8E5M2>
}

// -----

func.func @complex_windows(%x: tensor<8xcomplex<f32>>, %s: tensor<4xcomplex<f32>>, %i: tensor<complex<f32>>) {
  // expected-error@+1 {{complex numbers have no order; give a select region}}
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {})
      {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>, padding = array<i64: 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<8xcomplex<f32>>, tensor<4xcomplex<f32>>, tensor<complex<f32>>) -> tensor<8xcomplex<f32>>
  return
}

// -----

func.func @small_floats(%x: tensor<8xf8E5M2>, %s: tensor<4xf8E5M2>, %i: tensor<f8E5M2>) {
  // expected-error@+1 {{element type f8E5M2; convert to f16 or f32 before}}
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {})
      {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>, padding = array<i64: 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<8xf8E5M2>, tensor<4xf8E5M2>, tensor<f8E5M2>) -> tensor<8xf8E5M2>
  return
}

// -----

func.func @value_from_outside(%x: tensor<8xf32>, %s: tensor<4xf32>, %i: tensor<f32>, %scale: tensor<f32>) {
  // expected-error@+1 {{its regions use values from outside; use constants or the regions' arguments only}}
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.multiply"(%b, %scale) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.add"(%a, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }) {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>, padding = array<i64: 0, 0>,
      select_kind = "GE", scatter_kind = "custom"} : (tensor<8xf32>, tensor<4xf32>, tensor<f32>) -> tensor<8xf32>
  return
}

// -----

func.func @largest(%x: tensor<8xf8E5M2>) -> tensor<2xf8E5M2> {
  // expected-error@+1 {{f8E5M2 has no known order; convert the operand}}
  %0:2 = "astra.top_k"(%x) {k = 2 : i64, largest = true} : (tensor<8xf8E5M2>) -> (tensor<2xf8E5M2>, tensor<2xi32>)
  return %0#0 : tensor<2xf8E5M2>
}

// -----

func.func @too_long(%x: tensor<2147483648xi8>) -> tensor<2147483648xi8> {
  // expected-error@+1 {{the sorted dimension has 2**31 elements or more; sort parts of it}}
  %0 = "astra.sort"(%x) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending"} : (tensor<2147483648xi8>) -> tensor<2147483648xi8>
  return %0 : tensor<2147483648xi8>
}

// -----

func.func @too_long_rows(%x: tensor<2147483648xi8>) -> tensor<2xi8> {
  // expected-error@+1 {{rows have 2**31 elements or more; take the largest of parts, then of those}}
  %0:2 = "astra.top_k"(%x) {k = 2 : i64, largest = true} : (tensor<2147483648xi8>) -> (tensor<2xi8>, tensor<2xi32>)
  return %0#0 : tensor<2xi8>
}
