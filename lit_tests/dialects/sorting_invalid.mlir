// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @sort_1() {
  // expected-error@below {{expects at least 1 operands, but has 0 (C1)}}
  "astra.sort"() ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : () -> ()
  return
}

func.func @sort_2(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{result 1 must have the element type of operand 1, i32, but is tensor<4x8xi64> (C2)}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi64>)
  return
}

func.func @sort_3(%a: tensor<4x8xf32>, %b: tensor<4x9xi32>) {
  // expected-error@below {{operand 1 must have the shape of operand 0, 4x8, but is tensor<4x9xi32> (C3)}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x9xi32>) -> (tensor<4x8xf32>, tensor<4x9xi32>)
  return
}

func.func @sort_4(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{attribute 'dimension' is -1, which is not a dimension of operand 0, tensor<4x8xf32> (C4)}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = -1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return
}

func.func @sort_5(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{the comparator region must not be empty (C5)}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "custom"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return
}

func.func @sort_6(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{attribute 'kind' must be one of ascending, descending, custom, but is 'up'}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "up"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return
}

func.func @sort_7(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{attribute 'num_keys' is 3, but must be from 1 to 2}}
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending", num_keys = 3 : i64}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return
}

func.func @top_k_1(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'k' is 9, but must be from 0 to the last dimension of tensor<4x8xf32>}}
  %values, %indices = "astra.top_k"(%operand) {k = 9 : i64, largest = true}
      : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
  return
}

func.func @top_k_2(%operand: tensor<4x8xf32>) {
  // expected-error@below {{result 'values' must have shape 4x3, that of tensor<4x8xf32> with 3 last elements, but is tensor<4x2xf32>}}
  %values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
      : (tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<4x3xi32>)
  return
}

func.func @top_k_3(%operand: tensor<4x8xf32>) {
  // expected-error@below {{result 'indices' must have i32 elements, but is tensor<4x3xi64>}}
  %values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
      : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return
}

func.func @top_k_4(%operand: tensor<4x8xcomplex<f32>>) {
  // expected-error@below {{operand 'operand' must have integer or floating-point elements, but is tensor<4x8xcomplex<f32>>}}
  %values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
      : (tensor<4x8xcomplex<f32>>) -> (tensor<4x3xcomplex<f32>>, tensor<4x3xi32>)
  return
}

func.func @sort_8(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  // expected-error@below {{has 2 operands, but 1 results (C2)}}
  %keys = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> tensor<4x8xf32>
  return
}

func.func @sort_9(%a: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'num_keys' has no meaning where the kind is 'custom'}}
  %keys = "astra.sort"(%a) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %less = "astra.compare"(%x, %y) {direction = "LT", compare_type = "FLOAT"}
        : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%less) : (tensor<i1>) -> ()
  }) {dimension = 1 : i64, is_stable = true, kind = "custom", num_keys = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @top_k_5(%operand: tensor<f32>) {
  // expected-error@below {{operand 'operand' must have a dimension, but is tensor<f32>}}
  %values, %indices = "astra.top_k"(%operand) {k = 0 : i64, largest = true}
      : (tensor<f32>) -> (tensor<0xf32>, tensor<0xi32>)
  return
}
