// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @reduce_1(%input: tensor<4x8xf32>, %init: tensor<f16>) {
  // expected-error@below {{operand 1 must have the element type of operand 0, f32, but is tensor<f16> (C2)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f16>) -> tensor<4xf32>
  return
}

func.func @reduce_2(%input: tensor<4x8xf32>) {
  // expected-error@below {{expects n inputs, n initial values and n results, but has 1 operands and 1 results (C3)}}
  %result = "astra.reduce"(%input) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4xf32>
  return
}

func.func @reduce_3(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'dimensions' has 2, which is not a dimension of operand 0, of rank 2 (C4)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 2>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_4(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'dimensions' repeats a dimension: [1, 1] (C5)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1, 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_5(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{the body region must not be empty (C6)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "custom"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_6(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{result 0 must have shape 4, that of tensor<4x8xf32> without dimensions [1], but is tensor<8xf32> (C7)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
  return
}

func.func @reduce_7(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{result 0 cannot hold elements of tensor<4x8xf32>: it is tensor<4xf16> (C8)}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf16>
  return
}

func.func @reduce_8(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'kind' must be one of add, multiply, maximum, minimum, and, or, xor, custom, argmax, argmin, but is 'average'}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "average"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_9(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{operand 0 must have i1 or integer elements, but is tensor<4x8xf32>}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "and"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_10(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{kind 'argmax' takes values and their indices, but has 1 inputs}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "argmax"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_11(%input: tensor<4x8xf32>, %init: tensor<1xf32>) {
  // expected-error@below {{operand 1 must have rank 0, but is tensor<1xf32>}}
  %result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

func.func @reduce_12(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{expects 1 regions, but has 0}}
  %result = "astra.reduce"(%input, %init) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @reduce_window_1(%input: tensor<4x8xf32>) {
  // expected-error@below {{expects n inputs, n initial values and n results, but has 1 operands and 1 results (C1)}}
  %result = "astra.reduce_window"(%input) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_2(%input: tensor<4x8xf32>, %init: tensor<f16>) {
  // expected-error@below {{operand 1 must have the element type of operand 0, f32, but is tensor<f16> (C3)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f16>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_3(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_dimensions' must have 2 values, one for each dimension of the operand, but has 1 (C4)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_4(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_dimensions' has 0, which is less than 1 (C5)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 0>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_5(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_strides' must have 2 values, one for each dimension of the operand, but has 1 (C6)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_6(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_strides' has 0, which is less than 1 (C7)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 0, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_7(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'base_dilations' must have 2 values, one for each dimension of the operand, but has 1 (C8)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_8(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'base_dilations' has 0, which is less than 1 (C9)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 0, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_9(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_dilations' must have 2 values, one for each dimension of the operand, but has 1 (C10)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_10(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'window_dilations' has 0, which is less than 1 (C11)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 0, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_11(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'padding' must have 4 values, one for both ends of each dimension, but has 3 (C12)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_12(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{the body region must not be empty (C13)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "custom"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @reduce_window_13(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{result 0 must have shape 4x5, the number of windows of tensor<4x8xf32>, but is tensor<4x4xf32> (C15)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x4xf32>
  return
}

func.func @reduce_window_14(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{result 0 cannot hold elements of tensor<4x8xf32>: it is tensor<4x5xf16> (C16)}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf16>
  return
}

func.func @reduce_window_15(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{attribute 'kind' must be one of add, multiply, maximum, minimum, and, or, xor, custom, but is 'argmax'}}
  %result = "astra.reduce_window"(%input, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "argmax"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return
}

func.func @cumulative_1(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'dimension' is 2, which is not a dimension of operand 'operand', tensor<4x8xf32>}}
  %result = "astra.cumulative"(%operand) {dimension = 2 : i64, reverse = false, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @cumulative_2(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'kind' must be one of add, multiply, maximum, minimum, logaddexp, but is 'and'}}
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "and"}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @cumulative_3(%operand: tensor<4x8xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x8, but is tensor<4x9xf32>}}
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4x9xf32>
  return
}

func.func @cumulative_4(%operand: tensor<4x8xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x8xi32>}}
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "logaddexp"}
      : (tensor<4x8xi32>) -> tensor<4x8xi32>
  return
}

func.func @cumulative_5(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'reverse' must be bool, but is 0 : i64}}
  %result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = 0 : i64, kind = "add"}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_1(%operand: tensor<4x8xf32>, %source: tensor<4x4xf16>, %init_value: tensor<f32>) {
  // expected-error@below {{operand 'source' must have the element type of operand 'operand', f32, but is tensor<4x4xf16> (C1)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf16>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_2(%operand: tensor<4x8xf32>, %source: tensor<4x5xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{operand 'source' must have shape 4x4, the number of windows of tensor<4x8xf32>, but is tensor<4x5xf32> (C2)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x5xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_3(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f16>) {
  // expected-error@below {{operand 'init_value' must have the element type of operand 'operand', f32, but is tensor<f16> (C3)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f16>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_4(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'window_dimensions' must have 2 values, one for each dimension of the operand, but has 1 (C4)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_5(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'window_dimensions' has 0, which is less than 1 (C5)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 0, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_6(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'window_strides' must have 2 values, one for each dimension of the operand, but has 1 (C6)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_7(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'window_strides' has 0, which is less than 1 (C7)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_8(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'padding' must have 4 values, one for both ends of each dimension, but has 2 (C8)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_9(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{the select region must not be empty (C9)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "custom", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_10(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{the scatter region must not be empty (C10)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "custom"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @select_and_scatter_11(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x8, but is tensor<4x9xf32> (C11)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x9xf32>
  return
}

func.func @select_and_scatter_12(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{result cannot hold elements of tensor<4x8xf32>: it is tensor<4x8xf16> (C12)}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf16>
  return
}

func.func @select_and_scatter_13(%operand: tensor<4x8xf32>, %source: tensor<4x4xf32>, %init_value: tensor<f32>) {
  // expected-error@below {{attribute 'select_kind' must be one of GE, GT, LE, LT, custom, but is 'EQ'}}
  %result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "EQ", scatter_kind = "add"}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return
}

func.func @reduce_13(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{kind 'add' takes 1 input, but there are 2}}
  %result:2 = "astra.reduce"(%input, %input, %init, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

func.func @reduce_14(%input: tensor<4x8xf32>, %init: tensor<f32>) {
  // expected-error@below {{operand 1 must have integer elements, but is tensor<4x8xf32>}}
  %result:2 = "astra.reduce"(%input, %input, %init, %init) ({}) {dimensions = array<i64: 1>, kind = "argmax"}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}
