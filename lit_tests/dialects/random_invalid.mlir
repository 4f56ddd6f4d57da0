// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @rng_1(%a: tensor<f32>, %b: tensor<f64>, %shape: tensor<2xi64>) {
  // expected-error@below {{operand 'b' must have the element type of operand 'a', f32, but is tensor<f64> (C1)}}
  %result = "astra.rng"(%a, %b, %shape) {distribution = "UNIFORM"}
      : (tensor<f32>, tensor<f64>, tensor<2xi64>) -> tensor<3x4xf32>
  return
}

func.func @rng_2(%a: tensor<i32>, %b: tensor<i32>, %shape: tensor<2xi64>) {
  // expected-error@below {{operand 'a' must have floating-point elements, but is tensor<i32>}}
  %result = "astra.rng"(%a, %b, %shape) {distribution = "NORMAL"}
      : (tensor<i32>, tensor<i32>, tensor<2xi64>) -> tensor<3x4xi32>
  return
}

func.func @rng_3(%a: tensor<f32>, %b: tensor<f32>, %shape: tensor<3xi64>) {
  // expected-error@below {{operand 'shape' must be a vector of 2 integers, one for each dimension of the result, but is tensor<3xi64>}}
  %result = "astra.rng"(%a, %b, %shape) {distribution = "UNIFORM"}
      : (tensor<f32>, tensor<f32>, tensor<3xi64>) -> tensor<3x4xf32>
  return
}

func.func @rng_4(%a: tensor<f32>, %b: tensor<f32>, %shape: tensor<2xi64>) {
  // expected-error@below {{attribute 'distribution' must be one of UNIFORM, NORMAL, but is 'POISSON'}}
  %result = "astra.rng"(%a, %b, %shape) {distribution = "POISSON"}
      : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
  return
}

func.func @rng_bit_generator_1(%initial_state: tensor<2xui64>) {
  // expected-error@below {{result 'output_state' must have the shape of operand 'initial_state', 2, but is tensor<3xui64> (C1)}}
  %output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "THREE_FRY"}
      : (tensor<2xui64>) -> (tensor<3xui64>, tensor<4x8xui32>)
  return
}

func.func @rng_bit_generator_2(%initial_state: tensor<4xui64>) {
  // expected-error@below {{operand 'initial_state' must be a vector of 2 integers, but is tensor<4xui64> (C2)}}
  %output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "THREE_FRY"}
      : (tensor<4xui64>) -> (tensor<4xui64>, tensor<4x8xui32>)
  return
}

func.func @rng_bit_generator_3(%initial_state: tensor<2xui64>) {
  // expected-error@below {{attribute 'algorithm' must be one of DEFAULT, THREE_FRY, PHILOX, but is 'MERSENNE'}}
  %output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "MERSENNE"}
      : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
  return
}
