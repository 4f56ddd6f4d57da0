// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @abs(
// CHECK: "astra.abs"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @abs(
// STABLEHLO: stablehlo.abs{{[^_a-z]}}
func.func @abs(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.abs"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @negate(
// CHECK: "astra.negate"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @negate(
// STABLEHLO: stablehlo.negate{{[^_a-z]}}
func.func @negate(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.negate"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @sign(
// CHECK: "astra.sign"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @sign(
// STABLEHLO: stablehlo.sign{{[^_a-z]}}
func.func @sign(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.sign"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @ceil(
// CHECK: "astra.ceil"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @ceil(
// STABLEHLO: stablehlo.ceil{{[^_a-z]}}
func.func @ceil(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.ceil"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @floor(
// CHECK: "astra.floor"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @floor(
// STABLEHLO: stablehlo.floor{{[^_a-z]}}
func.func @floor(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.floor"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @round_nearest_even(
// CHECK: "astra.round_nearest_even"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @round_nearest_even(
// STABLEHLO: stablehlo.round_nearest_even{{[^_a-z]}}
func.func @round_nearest_even(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.round_nearest_even"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @round_nearest_afz(
// CHECK: "astra.round_nearest_afz"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @round_nearest_afz(
// STABLEHLO: stablehlo.round_nearest_afz{{[^_a-z]}}
func.func @round_nearest_afz(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.round_nearest_afz"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @exponential(
// CHECK: "astra.exponential"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @exponential(
// STABLEHLO: stablehlo.exponential{{[^_a-z]}}
func.func @exponential(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.exponential"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @exponential_minus_one(
// CHECK: "astra.exponential_minus_one"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @exponential_minus_one(
// STABLEHLO: stablehlo.exponential_minus_one{{[^_a-z]}}
func.func @exponential_minus_one(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.exponential_minus_one"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @log(
// CHECK: "astra.log"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @log(
// STABLEHLO: stablehlo.log{{[^_a-z]}}
func.func @log(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.log"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @log_plus_one(
// CHECK: "astra.log_plus_one"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @log_plus_one(
// STABLEHLO: stablehlo.log_plus_one{{[^_a-z]}}
func.func @log_plus_one(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.log_plus_one"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @sqrt(
// CHECK: "astra.sqrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @sqrt(
// STABLEHLO: stablehlo.sqrt{{[^_a-z]}}
func.func @sqrt(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.sqrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @rsqrt(
// CHECK: "astra.rsqrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @rsqrt(
// STABLEHLO: stablehlo.rsqrt{{[^_a-z]}}
func.func @rsqrt(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.rsqrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @cbrt(
// CHECK: "astra.cbrt"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @cbrt(
// STABLEHLO: stablehlo.cbrt{{[^_a-z]}}
func.func @cbrt(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.cbrt"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @sine(
// CHECK: "astra.sine"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @sine(
// STABLEHLO: stablehlo.sine{{[^_a-z]}}
func.func @sine(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.sine"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @cosine(
// CHECK: "astra.cosine"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @cosine(
// STABLEHLO: stablehlo.cosine{{[^_a-z]}}
func.func @cosine(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.cosine"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @tan(
// CHECK: "astra.tan"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @tan(
// STABLEHLO: stablehlo.tan{{[^_a-z]}}
func.func @tan(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.tan"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @tanh(
// CHECK: "astra.tanh"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @tanh(
// STABLEHLO: stablehlo.tanh{{[^_a-z]}}
func.func @tanh(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.tanh"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @logistic(
// CHECK: "astra.logistic"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @logistic(
// STABLEHLO: stablehlo.logistic{{[^_a-z]}}
func.func @logistic(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.logistic"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @erf(
// CHECK: "astra.erf"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @erf(
// STABLEHLO: chlo.erf{{[^_a-z]}}
func.func @erf(%operand: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.erf"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @not(
// CHECK: "astra.not"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @not(
// STABLEHLO: stablehlo.not{{[^_a-z]}}
func.func @not(%operand: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.not"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @popcnt(
// CHECK: "astra.popcnt"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @popcnt(
// STABLEHLO: stablehlo.popcnt{{[^_a-z]}}
func.func @popcnt(%operand: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.popcnt"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @count_leading_zeros(
// CHECK: "astra.count_leading_zeros"(%arg0) : (tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @count_leading_zeros(
// STABLEHLO: stablehlo.count_leading_zeros{{[^_a-z]}}
func.func @count_leading_zeros(%operand: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.count_leading_zeros"(%operand) : (tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @is_finite(
// CHECK: "astra.is_finite"(%arg0) : (tensor<4x?xf32>) -> tensor<4x?xi1>
// STABLEHLO-LABEL: func.func @is_finite(
// STABLEHLO: stablehlo.is_finite{{[^_a-z]}}
func.func @is_finite(%operand: tensor<4x?xf32>) -> tensor<4x?xi1> {
  %result = "astra.is_finite"(%operand) : (tensor<4x?xf32>) -> tensor<4x?xi1>
  return %result : tensor<4x?xi1>
}

// CHECK-LABEL: func.func @real(
// CHECK: "astra.real"(%arg0) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @real(
// STABLEHLO: stablehlo.real{{[^_a-z]}}
func.func @real(%operand: tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32> {
  %result = "astra.real"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @imag(
// CHECK: "astra.imag"(%arg0) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @imag(
// STABLEHLO: stablehlo.imag{{[^_a-z]}}
func.func @imag(%operand: tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32> {
  %result = "astra.imag"(%operand) : (tensor<4x?xcomplex<f32>>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @add(
// CHECK: "astra.add"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @add(
// STABLEHLO: stablehlo.add{{[^_a-z]}}
func.func @add(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.add"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @subtract(
// CHECK: "astra.subtract"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @subtract(
// STABLEHLO: stablehlo.subtract{{[^_a-z]}}
func.func @subtract(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.subtract"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @multiply(
// CHECK: "astra.multiply"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @multiply(
// STABLEHLO: stablehlo.multiply{{[^_a-z]}}
func.func @multiply(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.multiply"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @divide(
// CHECK: "astra.divide"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @divide(
// STABLEHLO: stablehlo.divide{{[^_a-z]}}
func.func @divide(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.divide"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @remainder(
// CHECK: "astra.remainder"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @remainder(
// STABLEHLO: stablehlo.remainder{{[^_a-z]}}
func.func @remainder(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.remainder"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @maximum(
// CHECK: "astra.maximum"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @maximum(
// STABLEHLO: stablehlo.maximum{{[^_a-z]}}
func.func @maximum(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.maximum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @minimum(
// CHECK: "astra.minimum"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @minimum(
// STABLEHLO: stablehlo.minimum{{[^_a-z]}}
func.func @minimum(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.minimum"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @power(
// CHECK: "astra.power"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @power(
// STABLEHLO: stablehlo.power{{[^_a-z]}}
func.func @power(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.power"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @atan2(
// CHECK: "astra.atan2"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
// STABLEHLO-LABEL: func.func @atan2(
// STABLEHLO: stablehlo.atan2{{[^_a-z]}}
func.func @atan2(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %result = "astra.atan2"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
  return %result : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @and(
// CHECK: "astra.and"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @and(
// STABLEHLO: stablehlo.and{{[^_a-z]}}
func.func @and(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.and"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @or(
// CHECK: "astra.or"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @or(
// STABLEHLO: stablehlo.or{{[^_a-z]}}
func.func @or(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.or"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @xor(
// CHECK: "astra.xor"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @xor(
// STABLEHLO: stablehlo.xor{{[^_a-z]}}
func.func @xor(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.xor"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @shift_left(
// CHECK: "astra.shift_left"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @shift_left(
// STABLEHLO: stablehlo.shift_left{{[^_a-z]}}
func.func @shift_left(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.shift_left"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @shift_right_arithmetic(
// CHECK: "astra.shift_right_arithmetic"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @shift_right_arithmetic(
// STABLEHLO: stablehlo.shift_right_arithmetic{{[^_a-z]}}
func.func @shift_right_arithmetic(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.shift_right_arithmetic"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @shift_right_logical(
// CHECK: "astra.shift_right_logical"(%arg0, %arg1) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
// STABLEHLO-LABEL: func.func @shift_right_logical(
// STABLEHLO: stablehlo.shift_right_logical{{[^_a-z]}}
func.func @shift_right_logical(%lhs: tensor<4x?xi32>, %rhs: tensor<4x?xi32>) -> tensor<4x?xi32> {
  %result = "astra.shift_right_logical"(%lhs, %rhs) : (tensor<4x?xi32>, tensor<4x?xi32>) -> tensor<4x?xi32>
  return %result : tensor<4x?xi32>
}

// CHECK-LABEL: func.func @complex(
// CHECK: "astra.complex"(%arg0, %arg1) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>>
// STABLEHLO-LABEL: func.func @complex(
// STABLEHLO: stablehlo.complex{{[^_a-z]}}
func.func @complex(%lhs: tensor<4x?xf32>, %rhs: tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>> {
  %result = "astra.complex"(%lhs, %rhs) : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<4x?xcomplex<f32>>
  return %result : tensor<4x?xcomplex<f32>>
}

// CHECK-LABEL: func.func @compare(
// CHECK: "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "LT"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
// STABLEHLO-LABEL: func.func @compare(
// STABLEHLO: stablehlo.compare{{[^_a-z]}}
func.func @compare(%lhs: tensor<4xf32>, %rhs: tensor<4xf32>) -> tensor<4xi1> {
  %result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %result : tensor<4xi1>
}

// CHECK-LABEL: func.func @select(
// CHECK: "astra.select"(%arg0, %arg1, %arg2) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// STABLEHLO-LABEL: func.func @select(
// STABLEHLO: stablehlo.select{{[^_a-z]}}
func.func @select(%predicate: tensor<4xi1>, %on_true: tensor<4xf32>, %on_false: tensor<4xf32>) -> tensor<4xf32> {
  %result = "astra.select"(%predicate, %on_true, %on_false)
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %result : tensor<4xf32>
}

// CHECK-LABEL: func.func @clamp(
// CHECK: "astra.clamp"(%arg0, %arg1, %arg2) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
// STABLEHLO-LABEL: func.func @clamp(
// STABLEHLO: stablehlo.clamp{{[^_a-z]}}
func.func @clamp(%min: tensor<f32>, %operand: tensor<4xf32>, %max: tensor<f32>) -> tensor<4xf32> {
  %result = "astra.clamp"(%min, %operand, %max) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %result : tensor<4xf32>
}

// CHECK-LABEL: func.func @convert(
// CHECK: "astra.convert"(%arg0) : (tensor<4xf32>) -> tensor<4xi32>
// STABLEHLO-LABEL: func.func @convert(
// STABLEHLO: stablehlo.convert{{[^_a-z]}}
func.func @convert(%operand: tensor<4xf32>) -> tensor<4xi32> {
  %result = "astra.convert"(%operand) : (tensor<4xf32>) -> tensor<4xi32>
  return %result : tensor<4xi32>
}

// CHECK-LABEL: func.func @bitcast_convert(
// CHECK: "astra.bitcast_convert"(%arg0) : (tensor<4xf32>) -> tensor<4x2xui16>
// STABLEHLO-LABEL: func.func @bitcast_convert(
// STABLEHLO: stablehlo.bitcast_convert{{[^_a-z]}}
func.func @bitcast_convert(%operand: tensor<4xf32>) -> tensor<4x2xui16> {
  %result = "astra.bitcast_convert"(%operand) : (tensor<4xf32>) -> tensor<4x2xui16>
  return %result : tensor<4x2xui16>
}

// CHECK-LABEL: func.func @reduce_precision(
// CHECK: "astra.reduce_precision"(%arg0) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64} : (tensor<4xf32>) -> tensor<4xf32>
// STABLEHLO-LABEL: func.func @reduce_precision(
// STABLEHLO: stablehlo.reduce_precision{{[^_a-z]}}
func.func @reduce_precision(%operand: tensor<4xf32>) -> tensor<4xf32> {
  %result = "astra.reduce_precision"(%operand) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %result : tensor<4xf32>
}
