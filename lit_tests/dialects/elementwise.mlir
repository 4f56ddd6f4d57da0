// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @abs(
// CHECK: "astra.abs"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @abs(%operand: tensor<4x?xf32>) {
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @negate(
// CHECK: "astra.negate"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @negate(%operand: tensor<4x?xf32>) {
  %result = "astra.negate"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @sign(
// CHECK: "astra.sign"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @sign(%operand: tensor<4x?xf32>) {
  %result = "astra.sign"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @ceil(
// CHECK: "astra.ceil"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @ceil(%operand: tensor<4x?xf32>) {
  %result = "astra.ceil"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @floor(
// CHECK: "astra.floor"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @floor(%operand: tensor<4x?xf32>) {
  %result = "astra.floor"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @round_nearest_even(
// CHECK: "astra.round_nearest_even"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @round_nearest_even(%operand: tensor<4x?xf32>) {
  %result = "astra.round_nearest_even"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @round_nearest_afz(
// CHECK: "astra.round_nearest_afz"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @round_nearest_afz(%operand: tensor<4x?xf32>) {
  %result = "astra.round_nearest_afz"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @exponential(
// CHECK: "astra.exponential"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @exponential(%operand: tensor<4x?xf32>) {
  %result = "astra.exponential"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @exponential_minus_one(
// CHECK: "astra.exponential_minus_one"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @exponential_minus_one(%operand: tensor<4x?xf32>) {
  %result = "astra.exponential_minus_one"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @log(
// CHECK: "astra.log"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @log(%operand: tensor<4x?xf32>) {
  %result = "astra.log"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @log_plus_one(
// CHECK: "astra.log_plus_one"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @log_plus_one(%operand: tensor<4x?xf32>) {
  %result = "astra.log_plus_one"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @sqrt(
// CHECK: "astra.sqrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @sqrt(%operand: tensor<4x?xf32>) {
  %result = "astra.sqrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @rsqrt(
// CHECK: "astra.rsqrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @rsqrt(%operand: tensor<4x?xf32>) {
  %result = "astra.rsqrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @cbrt(
// CHECK: "astra.cbrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @cbrt(%operand: tensor<4x?xf32>) {
  %result = "astra.cbrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @sine(
// CHECK: "astra.sine"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @sine(%operand: tensor<4x?xf32>) {
  %result = "astra.sine"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @cosine(
// CHECK: "astra.cosine"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @cosine(%operand: tensor<4x?xf32>) {
  %result = "astra.cosine"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @tan(
// CHECK: "astra.tan"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @tan(%operand: tensor<4x?xf32>) {
  %result = "astra.tan"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @tanh(
// CHECK: "astra.tanh"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @tanh(%operand: tensor<4x?xf32>) {
  %result = "astra.tanh"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @logistic(
// CHECK: "astra.logistic"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @logistic(%operand: tensor<4x?xf32>) {
  %result = "astra.logistic"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @erf(
// CHECK: "astra.erf"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @erf(%operand: tensor<4x?xf32>) {
  %result = "astra.erf"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @not(
// CHECK: "astra.not"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @not(%operand: tensor<4x?xi32>) {
  %result = "astra.not"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @popcnt(
// CHECK: "astra.popcnt"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @popcnt(%operand: tensor<4x?xi32>) {
  %result = "astra.popcnt"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @count_leading_zeros(
// CHECK: "astra.count_leading_zeros"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @count_leading_zeros(%operand: tensor<4x?xi32>) {
  %result = "astra.count_leading_zeros"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @is_finite(
// CHECK: "astra.is_finite"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xi1>
func.func @is_finite(%operand: tensor<4x?xf32>) {
  %result = "astra.is_finite"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xi1>
  return
}

// CHECK-LABEL: func.func @real(
// CHECK: "astra.real"(%arg0) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
func.func @real(%operand: tensor<4x?xcomplex<f32>>) {
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @imag(
// CHECK: "astra.imag"(%arg0) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
func.func @imag(%operand: tensor<4x?xcomplex<f32>>) {
  %result = "astra.imag"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @add(
// CHECK: "astra.add"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @add(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.add"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @subtract(
// CHECK: "astra.subtract"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @subtract(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.subtract"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @multiply(
// CHECK: "astra.multiply"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @multiply(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.multiply"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @divide(
// CHECK: "astra.divide"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @divide(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.divide"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @remainder(
// CHECK: "astra.remainder"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @remainder(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.remainder"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @maximum(
// CHECK: "astra.maximum"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @maximum(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.maximum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @minimum(
// CHECK: "astra.minimum"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @minimum(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.minimum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @power(
// CHECK: "astra.power"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @power(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.power"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @atan2(
// CHECK: "astra.atan2"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
func.func @atan2(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.atan2"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// CHECK-LABEL: func.func @and(
// CHECK: "astra.and"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @and(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.and"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @or(
// CHECK: "astra.or"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @or(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.or"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @xor(
// CHECK: "astra.xor"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @xor(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.xor"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @shift_left(
// CHECK: "astra.shift_left"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @shift_left(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.shift_left"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @shift_right_arithmetic(
// CHECK: "astra.shift_right_arithmetic"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @shift_right_arithmetic(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.shift_right_arithmetic"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @shift_right_logical(
// CHECK: "astra.shift_right_logical"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
func.func @shift_right_logical(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) {
  %result = "astra.shift_right_logical"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return
}

// CHECK-LABEL: func.func @complex(
// CHECK: "astra.complex"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>>
func.func @complex(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) {
  %result = "astra.complex"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>>
  return
}

// CHECK-LABEL: func.func @compare(
// CHECK: "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "LT"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
func.func @compare(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) {
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

// CHECK-LABEL: func.func @select(
// CHECK: "astra.select"(%arg0, %arg1, %arg2) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @select(%predicate: tensor<4xi1>, %on_true: tensor<4xf32>, %on_false: tensor<4xf32>) {
  %result = "astra.select"(%predicate, %on_true, %on_false)
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @clamp(
// CHECK: "astra.clamp"(%arg0, %arg1, %arg2) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
func.func @clamp(%min: tensor<f32>, %operand: tensor<4xf32>, %max: tensor<f32>) {
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @convert(
// CHECK: "astra.convert"(%arg0) : (tensor<4xf32>) -> tensor<4xi32>
func.func @convert(%operand: tensor<4xf32>) {
  %result = "astra.convert"(%operand) : (tensor<4xf32>) -> tensor<4xi32>
  return
}

// CHECK-LABEL: func.func @bitcast_convert(
// CHECK: "astra.bitcast_convert"(%arg0) : (tensor<4xf32>) -> tensor<4x2xui16>
func.func @bitcast_convert(%operand: tensor<4xf32>) {
  %result = "astra.bitcast_convert"(%operand) : (tensor<4xf32>) -> tensor<4x2xui16>
  return
}

// CHECK-LABEL: func.func @reduce_precision(
// CHECK: "astra.reduce_precision"(%arg0) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64} : (tensor<4xf32>) -> tensor<4xf32>
func.func @reduce_precision(%operand: tensor<4xf32>) {
  %result = "astra.reduce_precision"(%operand) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @select_by_scalar(
// CHECK: "astra.select"(%arg0, %arg1, %arg2) : (tensor<i1>, tensor<?xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @select_by_scalar(%p: tensor<i1>, %a: tensor<?xf32>, %b: tensor<4xf32>) {
  %r = "astra.select"(%p, %a, %b) : (tensor<i1>, tensor<?xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @clamp_by_tensors(
// CHECK: "astra.clamp"(%arg0, %arg0, %arg0) : (tensor<4xui8>, tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
func.func @clamp_by_tensors(%a: tensor<4xui8>) {
  %r = "astra.clamp"(%a, %a, %a) : (tensor<4xui8>, tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return
}

// CHECK-LABEL: func.func @cast_to_wider(
// CHECK: "astra.bitcast_convert"(%arg0) : (tensor<3x4xi8>) -> tensor<3xf32>
func.func @cast_to_wider(%a: tensor<3x4xi8>) {
  %r = "astra.bitcast_convert"(%a) : (tensor<3x4xi8>) -> tensor<3xf32>
  return
}

// CHECK-LABEL: func.func @modulus(
// CHECK: "astra.abs"(%arg0) : (tensor<4xcomplex<f64>>) -> tensor<4xf64>
func.func @modulus(%a: tensor<4xcomplex<f64>>) {
  %r = "astra.abs"(%a) : (tensor<4xcomplex<f64>>) -> tensor<4xf64>
  return
}

// CHECK-LABEL: func.func @convert_float8(
// CHECK: "astra.convert"(%arg0) : (tensor<4xf8E4M3FN>) -> tensor<4xi4>
func.func @convert_float8(%a: tensor<4xf8E4M3FN>) {
  %r = "astra.convert"(%a) : (tensor<4xf8E4M3FN>) -> tensor<4xi4>
  return
}

// CHECK-LABEL: func.func @compare_bool(
// CHECK: "astra.compare"(%arg0, %arg0) {compare_type = "UNSIGNED", direction = "EQ"} : (tensor<i1>, tensor<i1>) -> tensor<i1>
func.func @compare_bool(%a: tensor<i1>) {
  %r = "astra.compare"(%a, %a) {compare_type = "UNSIGNED", direction = "EQ"} : (tensor<i1>, tensor<i1>) -> tensor<i1>
  return
}
