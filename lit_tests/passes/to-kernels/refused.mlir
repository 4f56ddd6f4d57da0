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
