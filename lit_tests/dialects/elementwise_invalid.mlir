// Malformed comparisons, selections and conversions are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @compare_1(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  // expected-error@below {{attribute 'direction' must be one of EQ, NE, GE, GT, LE, LT, but is 'LESS'}}
  %result = "astra.compare"(%lhs, %rhs) {direction = "LESS", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

func.func @compare_2(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  // expected-error@below {{attribute 'compare_type' must be FLOAT or TOTALORDER for f32, but is SIGNED (C3)}}
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "SIGNED"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

func.func @compare_3(%lhs: tensor<4xf32>, %rhs: tensor<4xf64>) {
  // expected-error@below {{operand 'rhs' must have the element type of operand 'lhs', f32, but is tensor<4xf64> (C1)}}
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xi1>
  return
}

func.func @compare_4(%lhs: tensor<4xf32>, %rhs: tensor<5xf32>) {
  // expected-error@below {{operand 'rhs' must have the shape of operand 'lhs', 4, but is tensor<5xf32> (C2)}}
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xi1>
  return
}

func.func @compare_5(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  // expected-error@below {{result must have i1 elements, but is tensor<4xi8>}}
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi8>
  return
}

func.func @compare_6(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  // expected-error@below {{requires attribute 'direction' (string)}}
  %result = "astra.compare"(%lhs, %rhs) {compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

func.func @compare_7(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  // expected-error@below {{attribute 'direction' must be string, but is 1 : i64}}
  %result = "astra.compare"(%lhs, %rhs) {direction = 1 : i64, compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

func.func @select_1(%predicate: tensor<5xi1>, %on_true: tensor<4xf32>, %on_false: tensor<4xf32>) {
  // expected-error@below {{operand 'predicate' must have the shape of operand 'on_true', 4, but is tensor<5xi1> (C1)}}
  %result = "astra.select"(%predicate, %on_true, %on_false)
      : (tensor<5xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @select_2(%predicate: tensor<4xi8>, %on_true: tensor<4xf32>, %on_false: tensor<4xf32>) {
  // expected-error@below {{operand 'predicate' must have i1 elements, but is tensor<4xi8>}}
  %result = "astra.select"(%predicate, %on_true, %on_false)
      : (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @select_3(%predicate: tensor<4xi1>, %on_true: tensor<4xf32>, %on_false: tensor<4xf32>) {
  // expected-error@below {{result must have the element type of operand 'on_true', f32, but is tensor<4xf64> (C2)}}
  %result = "astra.select"(%predicate, %on_true, %on_false)
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf64>
  return
}

func.func @clamp_1(%min: tensor<3xf32>, %operand: tensor<4xf32>, %max: tensor<f32>) {
  // expected-error@below {{operand 'min' must have the shape of operand 'operand', 4, but is tensor<3xf32> (C1)}}
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<3xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @clamp_2(%min: tensor<f32>, %operand: tensor<4xf32>, %max: tensor<3xf32>) {
  // expected-error@below {{operand 'max' must have the shape of operand 'operand', 4, but is tensor<3xf32> (C2)}}
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<f32>, tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

func.func @clamp_3(%min: tensor<f64>, %operand: tensor<4xf32>, %max: tensor<f32>) {
  // expected-error@below {{operand 'min' must have the element type of operand 'operand', f32, but is tensor<f64> (C3)}}
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<f64>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

func.func @clamp_4(%min: tensor<f32>, %operand: tensor<4xf32>, %max: tensor<f32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4, but is tensor<5xf32> (C4)}}
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<5xf32>
  return
}

func.func @convert_1(%operand: tensor<4xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4, but is tensor<5xi32> (C1)}}
  %result = "astra.convert"(%operand) : (tensor<4xf32>) -> tensor<5xi32>
  return
}

func.func @convert_2(%operand: tensor<4xf32>) {
  // expected-error@below {{result must have i1 or integer or floating-point or complex elements, but is tensor<4xindex>}}
  %result = "astra.convert"(%operand) : (tensor<4xf32>) -> tensor<4xindex>
  return
}

func.func @bitcast_convert_1(%operand: tensor<4xf32>) {
  // expected-error@below {{result must have shape 4x2, that of tensor<4xf32> cast to ui16, but is tensor<4x3xui16> (C1)}}
  %result = "astra.bitcast_convert"(%operand) : (tensor<4xf32>) -> tensor<4x3xui16>
  return
}

func.func @bitcast_convert_2(%operand: tensor<4x3xui16>) {
  // expected-error@below {{operand 'operand' must have a last dimension of 2 to be cast to f32, but is tensor<4x3xui16> (C1)}}
  %result = "astra.bitcast_convert"(%operand) : (tensor<4x3xui16>) -> tensor<4xf32>
  return
}

func.func @bitcast_convert_3(%operand: tensor<4xf32>) {
  // expected-error@below {{cannot cast between complex and real: tensor<4xf32> to tensor<4xcomplex<f32>> (C2)}}
  %result = "astra.bitcast_convert"(%operand) : (tensor<4xf32>) -> tensor<4xcomplex<f32>>
  return
}

func.func @bitcast_convert_4(%operand: tensor<4xf6E3M2FN>) {
  // expected-error@below {{cannot cast 6 bits to 8 bits (C1)}}
  %result = "astra.bitcast_convert"(%operand) : (tensor<4xf6E3M2FN>) -> tensor<4xi8>
  return
}

func.func @reduce_precision_1(%operand: tensor<4xf32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<4xf16> (C1)}}
  %result = "astra.reduce_precision"(%operand) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
      : (tensor<4xf32>) -> tensor<4xf16>
  return
}

func.func @reduce_precision_2(%operand: tensor<4xf32>) {
  // expected-error@below {{attribute 'exponent_bits' must be at least 1, but is 0 (C2)}}
  %result = "astra.reduce_precision"(%operand) {exponent_bits = 0 : i64, mantissa_bits = 10 : i64}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @reduce_precision_3(%operand: tensor<4xf32>) {
  // expected-error@below {{attribute 'mantissa_bits' must be at least 0, but is -1 (C3)}}
  %result = "astra.reduce_precision"(%operand) {exponent_bits = 5 : i64, mantissa_bits = -1 : i64}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}
