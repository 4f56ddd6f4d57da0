// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @abs_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @negate_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.negate"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @negate_2(%operand: tensor<4x?xi1>) {
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.negate"(%operand) : (tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @sign_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.sign"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @sign_2(%operand: tensor<4x?xi1>) {
  // expected-error@below {{operand 'operand' must have signed integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.sign"(%operand) : (tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @ceil_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.ceil"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @ceil_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.ceil"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @floor_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.floor"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @floor_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.floor"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @round_nearest_even_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.round_nearest_even"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @round_nearest_even_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.round_nearest_even"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @round_nearest_afz_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.round_nearest_afz"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @round_nearest_afz_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.round_nearest_afz"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @exponential_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.exponential"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @exponential_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.exponential"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @exponential_minus_one_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.exponential_minus_one"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @exponential_minus_one_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.exponential_minus_one"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @log_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.log"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @log_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.log"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @log_plus_one_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.log_plus_one"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @log_plus_one_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.log_plus_one"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @sqrt_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.sqrt"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @sqrt_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.sqrt"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @rsqrt_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.rsqrt"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @rsqrt_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.rsqrt"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @cbrt_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.cbrt"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @cbrt_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.cbrt"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @sine_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.sine"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @sine_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.sine"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @cosine_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.cosine"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @cosine_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.cosine"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @tan_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.tan"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @tan_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.tan"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @tanh_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.tanh"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @tanh_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.tanh"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @logistic_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.logistic"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @logistic_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.logistic"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @erf_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.erf"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @erf_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.erf"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @not_1(%operand: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.not"(%operand) : (tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @not_2(%operand: tensor<4x?xf32>) {
  // expected-error@below {{operand 'operand' must have i1 or integer elements, but is tensor<4x?xf32>}}
  %result = "astra.not"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @popcnt_1(%operand: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.popcnt"(%operand) : (tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @popcnt_2(%operand: tensor<4x?xf32>) {
  // expected-error@below {{operand 'operand' must have integer elements, but is tensor<4x?xf32>}}
  %result = "astra.popcnt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @count_leading_zeros_1(%operand: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'operand', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.count_leading_zeros"(%operand) : (tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @count_leading_zeros_2(%operand: tensor<4x?xf32>) {
  // expected-error@below {{operand 'operand' must have integer elements, but is tensor<4x?xf32>}}
  %result = "astra.count_leading_zeros"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @is_finite_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xi1> (C1)}}
  %result = "astra.is_finite"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xi1>
  return
}

func.func @real_1(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<5x?xf32>
  return
}

func.func @imag_1(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.imag"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<5x?xf32>
  return
}

func.func @add_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.add"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @add_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.add"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @add_3(%lhs: tensor<4x?xindex>, %rhs: tensor<4x?xindex>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer or floating-point or complex elements, but is tensor<4x?xindex>}}
  %result = "astra.add"(%lhs, %rhs) : (tensor<4x?xindex>, tensor<4x?xindex>) -> tensor<4x?xindex>
  return
}

func.func @subtract_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.subtract"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @subtract_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.subtract"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @subtract_3(%lhs: tensor<4x?xi1>, %rhs: tensor<4x?xi1>) {
  // expected-error@below {{operand 'lhs' must have integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.subtract"(%lhs, %rhs) : (tensor<4x?xi1>, tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @multiply_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.multiply"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @multiply_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.multiply"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @multiply_3(%lhs: tensor<4x?xindex>, %rhs: tensor<4x?xindex>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer or floating-point or complex elements, but is tensor<4x?xindex>}}
  %result = "astra.multiply"(%lhs, %rhs) : (tensor<4x?xindex>, tensor<4x?xindex>) -> tensor<4x?xindex>
  return
}

func.func @divide_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.divide"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @divide_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.divide"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @divide_3(%lhs: tensor<4x?xi1>, %rhs: tensor<4x?xi1>) {
  // expected-error@below {{operand 'lhs' must have integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.divide"(%lhs, %rhs) : (tensor<4x?xi1>, tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @remainder_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.remainder"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @remainder_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.remainder"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @remainder_3(%lhs: tensor<4x?xi1>, %rhs: tensor<4x?xi1>) {
  // expected-error@below {{operand 'lhs' must have integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.remainder"(%lhs, %rhs) : (tensor<4x?xi1>, tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @maximum_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.maximum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @maximum_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.maximum"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @maximum_3(%lhs: tensor<4x?xindex>, %rhs: tensor<4x?xindex>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer or floating-point or complex elements, but is tensor<4x?xindex>}}
  %result = "astra.maximum"(%lhs, %rhs) : (tensor<4x?xindex>, tensor<4x?xindex>) -> tensor<4x?xindex>
  return
}

func.func @minimum_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.minimum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @minimum_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.minimum"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @minimum_3(%lhs: tensor<4x?xindex>, %rhs: tensor<4x?xindex>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer or floating-point or complex elements, but is tensor<4x?xindex>}}
  %result = "astra.minimum"(%lhs, %rhs) : (tensor<4x?xindex>, tensor<4x?xindex>) -> tensor<4x?xindex>
  return
}

func.func @power_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.power"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @power_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.power"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @power_3(%lhs: tensor<4x?xi1>, %rhs: tensor<4x?xi1>) {
  // expected-error@below {{operand 'lhs' must have integer or floating-point or complex elements, but is tensor<4x?xi1>}}
  %result = "astra.power"(%lhs, %rhs) : (tensor<4x?xi1>, tensor<4x?xi1>) -> tensor<4x?xi1>
  return
}

func.func @atan2_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xf32>, but is tensor<5x?xf32> (C1)}}
  %result = "astra.atan2"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @atan2_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xf32>, but is tensor<4x?xf32> (C1)}}
  %result = "astra.atan2"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @atan2_3(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'lhs' must have floating-point or complex elements, but is tensor<4x?xi32>}}
  %result = "astra.atan2"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @and_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.and"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @and_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.and"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @and_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer elements, but is tensor<4x?xf32>}}
  %result = "astra.and"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @or_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.or"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @or_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.or"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @or_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer elements, but is tensor<4x?xf32>}}
  %result = "astra.or"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @xor_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.xor"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @xor_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.xor"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @xor_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have i1 or integer elements, but is tensor<4x?xf32>}}
  %result = "astra.xor"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @shift_left_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.shift_left"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @shift_left_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.shift_left"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @shift_left_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have integer elements, but is tensor<4x?xf32>}}
  %result = "astra.shift_left"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @shift_right_arithmetic_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.shift_right_arithmetic"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @shift_right_arithmetic_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.shift_right_arithmetic"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @shift_right_arithmetic_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have integer elements, but is tensor<4x?xf32>}}
  %result = "astra.shift_right_arithmetic"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @shift_right_logical_1(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{result must have the type of operand 'lhs', tensor<4x?xi32>, but is tensor<5x?xi32> (C1)}}
  %result = "astra.shift_right_logical"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<5x?xi32>
  return
}

func.func @shift_right_logical_2(%lhs: tensor<3x?xi32>, %rhs: tensor<4x?xi32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<3x?xi32>, but is tensor<4x?xi32> (C1)}}
  %result = "astra.shift_right_logical"(%lhs, %rhs) : (tensor<3x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

func.func @shift_right_logical_3(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'lhs' must have integer elements, but is tensor<4x?xf32>}}
  %result = "astra.shift_right_logical"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

func.func @complex_1(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{result must have the shape of operand 'lhs', 4x?, but is tensor<5x?xcomplex<f32>> (C2)}}
  %result = "astra.complex"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<5x?xcomplex<f32>>
  return
}

func.func @complex_2(%lhs: tensor<3x?xf32>, %rhs: tensor<4x?xf32>) {
  // expected-error@below {{operand 'rhs' must have the shape of operand 'lhs', 3x?, but is tensor<4x?xf32> (C1)}}
  %result = "astra.complex"(%lhs, %rhs) : (tensor<3x?xf32>, tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>>
  return
}

func.func @abs_2(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have f32 elements, but is tensor<4x?xi32> (C2)}}
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xi32>
  return
}

func.func @is_finite_2(%operand: tensor<4x?xi32>) {
  // expected-error@below {{operand 'operand' must have floating-point elements, but is tensor<4x?xi32>}}
  %result = "astra.is_finite"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi1>
  return
}

func.func @is_finite_3(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have i1 elements, but is tensor<4x?xi32> (C2)}}
  %result = "astra.is_finite"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xi32>
  return
}

func.func @real_2(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have f32 elements, but is tensor<4x?xf64> (C2)}}
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf64>
  return
}

func.func @complex_3(%lhs: tensor<4x?xf16>, %rhs: tensor<4x?xf16>) {
  // expected-error@below {{operand 'lhs' must have f32 or f64 elements, but is tensor<4x?xf16> (C3)}}
  %result = "astra.complex"(%lhs, %rhs) : (tensor<4x?xf16>, tensor<4x?xf16>) -> tensor<4x?xcomplex<f32>>
  return
}

func.func @abs_3(%operand: tensor<4x?xui32>) {
  // expected-error@below {{operand 'operand' must have signed integer or floating-point or complex elements, but is tensor<4x?xui32>}}
  %result = "astra.abs"(%operand) : (tensor<4x?xui32>) -> tensor<4x?xui32>
  return
}

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
