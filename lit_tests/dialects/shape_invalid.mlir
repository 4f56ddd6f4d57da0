// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @constant_1() {
  // expected-error@below {{attribute 'value' has type tensor<2xf32>, but the result tensor<3xf32> (C1)}}
  %result = "astra.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

func.func @iota_1() {
  // expected-error@below {{attribute 'dimension' is 2, which is not a dimension of result, tensor<4x5xi32> (C1)}}
  %result = "astra.iota"() {dimension = 2 : i64} : () -> tensor<4x5xi32>
  return
}

func.func @iota_2() {
  // expected-error@below {{needs a shape operand, because the result is tensor<?x5xi32>}}
  %result = "astra.iota"() {dimension = 1 : i64} : () -> tensor<?x5xi32>
  return
}

func.func @iota_3() {
  // expected-error@below {{result must have integer or floating-point or complex elements, but is tensor<4x5xi1>}}
  %result = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi1>
  return
}

func.func @broadcast_1(%operand: tensor<1x3xf32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<3x2x4xf16> (C1)}}
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf16>
  return
}

func.func @broadcast_2(%operand: tensor<1x3xf32>) {
  // expected-error@below {{attribute 'dimensions' must have 2 values, one for each dimension of the operand, but has 1 (C2)}}
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 2>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return
}

func.func @broadcast_3(%operand: tensor<1x3xf32>) {
  // expected-error@below {{attribute 'dimensions' has 3, which is not a dimension of the result, of rank 3 (C3)}}
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 3, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return
}

func.func @broadcast_4(%operand: tensor<1x3xf32>) {
  // expected-error@below {{attribute 'dimensions' repeats a dimension: [0, 0] (C4)}}
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 0, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return
}

func.func @broadcast_5(%operand: tensor<1x3xf32>) {
  // expected-error@below {{dimension 1 of operand 'operand', tensor<1x3xf32>, is neither 1 nor the size of dimension 1 of the result, tensor<3x2x4xf32> (C5)}}
  %result = "astra.broadcast"(%operand) {dimensions = array<i64: 0, 1>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
  return
}

func.func @broadcast_6(%operand: tensor<1x3xf32>, %shape: tensor<2xi32>) {
  // expected-error@below {{operand 1 must be a vector of 3 integers, one for each dimension of the result, but is tensor<2xi32>}}
  %result = "astra.broadcast"(%operand, %shape) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>, tensor<2xi32>) -> tensor<3x2x4xf32>
  return
}

func.func @reshape_1(%operand: tensor<2x6xf32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<3x4xf16> (C1)}}
  %result = "astra.reshape"(%operand) : (tensor<2x6xf32>) -> tensor<3x4xf16>
  return
}

func.func @reshape_2(%operand: tensor<2x6xf32>) {
  // expected-error@below {{result has 15 elements, tensor<3x5xf32>, but operand 'operand' has 12, tensor<2x6xf32> (C2)}}
  %result = "astra.reshape"(%operand) : (tensor<2x6xf32>) -> tensor<3x5xf32>
  return
}

func.func @transpose_1(%operand: tensor<2x3x4xf32>) {
  // expected-error@below {{attribute 'permutation' must be a permutation of the 3 dimensions of operand 'operand', tensor<2x3x4xf32>, but is [2, 0, 0] (C2)}}
  %result = "astra.transpose"(%operand) {permutation = array<i64: 2, 0, 0>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return
}

func.func @transpose_2(%operand: tensor<2x3x4xf32>) {
  // expected-error@below {{attribute 'permutation' must be a permutation of the 3 dimensions of operand 'operand', tensor<2x3x4xf32>, but is [1, 0] (C2)}}
  %result = "astra.transpose"(%operand) {permutation = array<i64: 1, 0>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return
}

func.func @transpose_3(%operand: tensor<2x3x4xf32>) {
  // expected-error@below {{result must have shape 4x2x3, that of tensor<2x3x4xf32> permuted, but is tensor<4x3x2xf32> (C3)}}
  %result = "astra.transpose"(%operand) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32>
  return
}

func.func @slice_1(%operand: tensor<3x8xf32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<2x3xf16> (C1)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x3xf16>
  return
}

func.func @slice_2(%operand: tensor<3x8xf32>) {
  // expected-error@below {{attribute 'strides' must have 2 values, one for each dimension of the operand, but has 1 (C2)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

func.func @slice_3(%operand: tensor<3x8xf32>) {
  // expected-error@below {{cannot take [0, 4) of dimension 0 of tensor<3x8xf32> (C3)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 4, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

func.func @slice_4(%operand: tensor<3x8xf32>) {
  // expected-error@below {{cannot take [-1, 2) of dimension 0 of tensor<3x8xf32> (C3)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: -1, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

func.func @slice_5(%operand: tensor<3x8xf32>) {
  // expected-error@below {{attribute 'strides' has 0, which is less than 1 (C4)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 0>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

func.func @slice_6(%operand: tensor<3x8xf32>) {
  // expected-error@below {{result must have shape 2x3, that of the slice of tensor<3x8xf32>, but is tensor<2x4xf32> (C5)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>) -> tensor<2x4xf32>
  return
}

func.func @slice_7(%operand: tensor<3x8xf32>) {
  // expected-error@below {{requires attribute 'strides' (array of i64)}}
  %result = "astra.slice"(%operand)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>}
      : (tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

func.func @slice_8(%operand: tensor<3x8xf32>, %start: tensor<2xi32>) {
  // expected-error@below {{expects 1 or 4 operands, but has 2}}
  %result = "astra.slice"(%operand, %start)
      {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
      : (tensor<3x8xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  return
}

func.func @pad_1(%operand: tensor<2x3xf32>, %padding_value: tensor<f16>) {
  // expected-error@below {{operand 'padding_value' must have the element type of operand 'operand', f32, but is tensor<f16> (C1)}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f16>) -> tensor<3x6xf32>
  return
}

func.func @pad_2(%operand: tensor<2x3xf32>, %padding_value: tensor<1xf32>) {
  // expected-error@below {{operand 'padding_value' must have rank 0, but is tensor<1xf32>}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<3x6xf32>
  return
}

func.func @pad_3(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) {
  // expected-error@below {{attribute 'low' must have 2 values, one for each dimension of the operand, but has 1 (C2)}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
  return
}

func.func @pad_4(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) {
  // expected-error@below {{attribute 'interior' must not be negative, but is [0, -1] (C3)}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, -1>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
  return
}

func.func @pad_5(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) {
  // expected-error@below {{result must have shape 3x6, that of tensor<2x3xf32> padded, but is tensor<3x7xf32> (C4)}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x7xf32>
  return
}

func.func @pad_6(%operand: tensor<2x3xf32>, %padding_value: tensor<f32>) {
  // expected-error@below {{padding cuts off more than there is of tensor<2x3xf32> (C4)}}
  %result = "astra.pad"(%operand, %padding_value)
      {low = array<i64: 1, 0>, high = array<i64: 0, -9>, interior = array<i64: 0, 2>}
      : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
  return
}

func.func @concatenate_1(%a: tensor<2x3xf16>, %b: tensor<2x4xf32>) {
  // expected-error@below {{operand 1 must have the element type of operand 0, f16, but is tensor<2x4xf32> (C1)}}
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf16>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return
}

func.func @concatenate_2(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error@below {{operand 1, tensor<3x4xf32>, and operand 0, tensor<2x3xf32>, must have one shape except for dimension 1 (C2)}}
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x7xf32>
  return
}

func.func @concatenate_3() {
  // expected-error@below {{expects at least 1 operands, but has 0 (C3)}}
  %result = "astra.concatenate"() {dimension = 1 : i64}
      : () -> tensor<2x7xf32>
  return
}

func.func @concatenate_4(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error@below {{attribute 'dimension' is 2, which is not a dimension of operand 0, tensor<2x3xf32> (C4)}}
  %result = "astra.concatenate"(%a, %b) {dimension = 2 : i64}
      : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return
}

func.func @concatenate_5(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error@below {{result must have the element type of operand 0, f32, but is tensor<2x7xf16> (C5)}}
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf16>
  return
}

func.func @concatenate_6(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error@below {{result must have shape 2x7, that of 2x3 and 2x4 concatenated, but is tensor<2x8xf32> (C6)}}
  %result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
      : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  return
}

func.func @reverse_1(%operand: tensor<2x3xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 2x3, but is tensor<3x2xf32> (C1)}}
  %result = "astra.reverse"(%operand) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

func.func @reverse_2(%operand: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'dimensions' repeats a dimension: [1, 1] (C2)}}
  %result = "astra.reverse"(%operand) {dimensions = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @reverse_3(%operand: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'dimensions' has 2, which is not a dimension of the result, of rank 2 (C3)}}
  %result = "astra.reverse"(%operand) {dimensions = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @get_dimension_size_1(%operand: tensor<?x3xf32>) {
  // expected-error@below {{attribute 'dimension' is 2, which is not a dimension of operand 'operand', tensor<?x3xf32> (C1)}}
  %result = "astra.get_dimension_size"(%operand) {dimension = 2 : i64} : (tensor<?x3xf32>) -> tensor<i32>
  return
}

func.func @get_dimension_size_2(%operand: tensor<?x3xf32>) {
  // expected-error@below {{result must be tensor<i32>, but is tensor<i64>}}
  %result = "astra.get_dimension_size"(%operand) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i64>
  return
}

func.func @set_dimension_size_1(%operand: tensor<4x3xf32>, %size: tensor<i32>) {
  // expected-error@below {{attribute 'dimension' is 2, which is not a dimension of operand 'operand', tensor<4x3xf32>}}
  %result = "astra.set_dimension_size"(%operand, %size) {dimension = 2 : i64}
      : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
  return
}

func.func @set_dimension_size_2(%operand: tensor<4x3xf32>, %size: tensor<1xi32>) {
  // expected-error@below {{operand 'size' must have rank 0, but is tensor<1xi32>}}
  %result = "astra.set_dimension_size"(%operand, %size) {dimension = 0 : i64}
      : (tensor<4x3xf32>, tensor<1xi32>) -> tensor<?x3xf32>
  return
}

func.func @set_dimension_size_3(%operand: tensor<4x3xf32>, %size: tensor<i32>) {
  // expected-error@below {{result must have shape ?x3, that of tensor<4x3xf32> except for dimension 0, but is tensor<?x4xf32>}}
  %result = "astra.set_dimension_size"(%operand, %size) {dimension = 0 : i64}
      : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x4xf32>
  return
}
