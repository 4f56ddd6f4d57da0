// Malformed unary elementwise operations are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @abs_1(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<5x?xf32>
  return
}

func.func @abs_2(%operand: tensor<4x?xf32>) {
  // expected-error@below {{result must have f32 elements, but is tensor<4x?xi32> (C2)}}
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xi32>
  return
}

func.func @abs_3(%operand: tensor<4x?xui32>) {
  // expected-error@below {{operand 'operand' must have signed integer or floating-point or complex elements, but is tensor<4x?xui32>}}
  %result = "astra.abs"(%operand) : (tensor<4x?xui32>) -> tensor<4x?xui32>
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

func.func @real_1(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<5x?xf32>
  return
}

func.func @real_2(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have f32 elements, but is tensor<4x?xf64> (C2)}}
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf64>
  return
}

func.func @imag_1(%operand: tensor<4x?xcomplex<f32>>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x?, but is tensor<5x?xf32> (C1)}}
  %result = "astra.imag"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<5x?xf32>
  return
}
