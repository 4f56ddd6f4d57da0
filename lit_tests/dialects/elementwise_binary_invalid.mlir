// Malformed binary elementwise operations are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

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

func.func @complex_3(%lhs: tensor<4x?xf16>, %rhs: tensor<4x?xf16>) {
  // expected-error@below {{operand 'lhs' must have f32 or f64 elements, but is tensor<4x?xf16> (C3)}}
  %result = "astra.complex"(%lhs, %rhs) : (tensor<4x?xf16>, tensor<4x?xf16>) -> tensor<4x?xcomplex<f32>>
  return
}
