// Elementwise operations that change the type, or choose between operands.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// The sign of a float, zero at zero.
// CHECK-LABEL: func.func @abs_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.sign"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @abs_forward(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @abs, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @abs_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.sign"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @abs_reverse(%x: tensor<4xf32>, %cy: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @abs, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @abs(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Of a complex number Re(conj(z) dz) / |z|; its transpose, without conjugation, is conj(z) c / |z|.
// CHECK-LABEL: func.func @modulus_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.abs"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%[[V0]], %[[V1]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V3]], %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = "astra.real"(%arg0)
// CHECK-NEXT: %[[V6:.*]] = "astra.divide"(%[[V5]], %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.imag"(%arg0)
// CHECK-NEXT: %[[V8:.*]] = "astra.divide"(%[[V7]], %[[V4]])
// CHECK-NEXT: %[[V9:.*]] = "astra.real"(%arg1)
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%[[V6]], %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.imag"(%arg1)
// CHECK-NEXT: %[[V12:.*]] = "astra.multiply"(%[[V8]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.add"(%[[V10]], %[[V12]])
// CHECK-NEXT: return %[[V13]] : tensor<4xf32>
func.func @modulus_forward(%z: tensor<4xcomplex<f32>>, %dz: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%z, %dz) {callee = @modulus, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @modulus_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.abs"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%[[V0]], %[[V1]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V3]], %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = "astra.real"(%arg0)
// CHECK-NEXT: %[[V6:.*]] = "astra.divide"(%[[V5]], %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.imag"(%arg0)
// CHECK-NEXT: %[[V8:.*]] = "astra.divide"(%[[V7]], %[[V4]])
// CHECK-NEXT: %[[V9:.*]] = "astra.multiply"(%arg1, %[[V6]])
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%arg1, %[[V8]])
// CHECK-NEXT: %[[V11:.*]] = "astra.negate"(%[[V10]])
// CHECK-NEXT: %[[V12:.*]] = "astra.complex"(%[[V9]], %[[V11]])
// CHECK-NEXT: return %[[V12]] : tensor<4xcomplex<f32>>
func.func @modulus_reverse(%z: tensor<4xcomplex<f32>>, %cy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.vjp"(%z, %cy) {callee = @modulus, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
func.func private @modulus(%z: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %y = "astra.abs"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @real_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.real"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @real_forward(%z: tensor<4xcomplex<f32>>, %dz: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%z, %dz) {callee = @real, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @real_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.complex"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<4xcomplex<f32>>
func.func @real_reverse(%z: tensor<4xcomplex<f32>>, %cy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.vjp"(%z, %cy) {callee = @real, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
func.func private @real(%z: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %y = "astra.real"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Im z is Re (-i z), whose transpose is -i c.
// CHECK-LABEL: func.func @imag_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.imag"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @imag_forward(%z: tensor<4xcomplex<f32>>, %dz: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%z, %dz) {callee = @imag, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @imag_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.negate"(%arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.complex"(%[[V0]], %[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<4xcomplex<f32>>
func.func @imag_reverse(%z: tensor<4xcomplex<f32>>, %cy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.vjp"(%z, %cy) {callee = @imag, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
func.func private @imag(%z: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %y = "astra.imag"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// x + i y: the transpose without conjugation gives Re c and Re (i c).
// CHECK-LABEL: func.func @complex_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.complex"(%arg2, %arg3)
// CHECK-NEXT: return %[[V0]] : tensor<4xcomplex<f32>>
func.func @complex_forward(%x: tensor<4xf32>, %y: tensor<4xf32>, %dx: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.jvp"(%x, %y, %dx, %dy) {callee = @complex, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
// CHECK-LABEL: func.func @complex_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.real"(%arg2)
// CHECK-NEXT: %[[V1:.*]] = "astra.imag"(%arg2)
// CHECK-NEXT: %[[V2:.*]] = "astra.negate"(%[[V1]])
// CHECK-NEXT: return %[[V0]], %[[V2]] : tensor<4xf32>, tensor<4xf32>
func.func @complex_reverse(%x: tensor<4xf32>, %y: tensor<4xf32>, %cz: tensor<4xcomplex<f32>>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%x, %y, %cz) {callee = @complex, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xcomplex<f32>>) -> (tensor<4xcomplex<f32>>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @complex(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %z = "astra.complex"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xcomplex<f32>>
  return %z : tensor<4xcomplex<f32>>
}

// Only the imaginary part varies.
// CHECK-LABEL: func.func @partly_complex_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.complex"(%[[V0]], %arg2)
// CHECK-NEXT: return %[[V1]] : tensor<4xcomplex<f32>>
func.func @partly_complex_forward(%x: tensor<4xf32>, %y: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.jvp"(%x, %y, %dy) {callee = @partly_complex, argnums = array<i64: 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
func.func private @partly_complex(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %z = "astra.complex"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xcomplex<f32>>
  return %z : tensor<4xcomplex<f32>>
}

// Cotangents are converted back.
// CHECK-LABEL: func.func @convert_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.convert"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xf16>
func.func @convert_forward(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> tensor<4xf16> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @convert, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf16>, tensor<4xf16>)
  return %0#1 : tensor<4xf16>
}
// CHECK-LABEL: func.func @convert_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.convert"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @convert_reverse(%x: tensor<4xf32>, %cy: tensor<4xf16>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @convert, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf16>) -> (tensor<4xf16>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @convert(%x: tensor<4xf32>) -> tensor<4xf16> {
  %y = "astra.convert"(%x) : (tensor<4xf32>) -> tensor<4xf16>
  return %y : tensor<4xf16>
}

// A complex number is converted to its real part.
// CHECK-LABEL: func.func @to_real_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.convert"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @to_real_forward(%z: tensor<4xcomplex<f32>>, %dz: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%z, %dz) {callee = @to_real, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @to_real_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.convert"(%arg1)
// CHECK-NEXT: return %[[V0]] : tensor<4xcomplex<f32>>
func.func @to_real_reverse(%z: tensor<4xcomplex<f32>>, %cy: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0:2 = "astra.vjp"(%z, %cy) {callee = @to_real, argnums = array<i64: 0>}
      : (tensor<4xcomplex<f32>>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xcomplex<f32>>)
  return %0#1 : tensor<4xcomplex<f32>>
}
func.func private @to_real(%z: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %y = "astra.convert"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @reduce_precision_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.reduce_precision"(%arg1) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @reduce_precision_forward(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @reduce_precision, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @reduce_precision_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.reduce_precision"(%arg1) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @reduce_precision_reverse(%x: tensor<4xf32>, %cy: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%x, %cy) {callee = @reduce_precision, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @reduce_precision(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.reduce_precision"(%x) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @select_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.select"(%arg0, %arg3, %arg4)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @select_forward(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %dx: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%p, %x, %y, %dx, %dy) {callee = @select, argnums = array<i64: 1, 2>}
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @select_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.select"(%arg0, %arg3, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.select"(%arg0, %[[V0]], %arg3)
// CHECK-NEXT: return %[[V1]], %[[V2]] : tensor<4xf32>, tensor<4xf32>
func.func @select_reverse(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %cz: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%p, %x, %y, %cz) {callee = @select, argnums = array<i64: 1, 2>}
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @select(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %z = "astra.select"(%p, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// Where only one of the two varies, the other has a tangent of zero.
// CHECK-LABEL: func.func @select_one_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.select"(%arg0, %[[V0]], %arg3)
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @select_one_forward(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%p, %x, %y, %dy) {callee = @select_one, argnums = array<i64: 2>}
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @select_one_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.select"(%arg0, %[[V0]], %arg3)
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @select_one_reverse(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %cz: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.vjp"(%p, %x, %y, %cz) {callee = @select_one, argnums = array<i64: 2>}
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @select_one(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %z = "astra.select"(%p, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// The derivative goes to the bound that wins, and to the operand strictly between both.
// CHECK-LABEL: func.func @clamp_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V1:.*]] = "astra.compare"(%arg0, %arg2) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V2:.*]] = "astra.and"(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %arg2) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V5:.*]] = "astra.and"(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg2, %arg0) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V8:.*]] = "astra.select"(%[[V5]], %arg4, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.select"(%[[V2]], %arg3, %[[V7]])
// CHECK-NEXT: %[[V10:.*]] = "astra.add"(%[[V8]], %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V6]], %arg5, %[[V7]])
// CHECK-NEXT: %[[V12:.*]] = "astra.add"(%[[V10]], %[[V11]])
// CHECK-NEXT: return %[[V12]] : tensor<4xf32>
func.func @clamp_forward(%x: tensor<4xf32>, %lo: tensor<4xf32>, %hi: tensor<4xf32>, %dx: tensor<4xf32>, %dlo: tensor<4xf32>, %dhi: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %lo, %hi, %dx, %dlo, %dhi) {callee = @clamp, argnums = array<i64: 0, 1, 2>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @clamp_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V1:.*]] = "astra.compare"(%arg0, %arg2) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V2:.*]] = "astra.and"(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %arg2) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V5:.*]] = "astra.and"(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg2, %arg0) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V8:.*]] = "astra.select"(%[[V5]], %arg3, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.select"(%[[V2]], %arg3, %[[V7]])
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V6]], %arg3, %[[V7]])
// CHECK-NEXT: return %[[V9]], %[[V8]], %[[V10]] : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
func.func @clamp_reverse(%x: tensor<4xf32>, %lo: tensor<4xf32>, %hi: tensor<4xf32>, %cy: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:4 = "astra.vjp"(%x, %lo, %hi, %cy) {callee = @clamp, argnums = array<i64: 0, 1, 2>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2, %0#3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @clamp(%x: tensor<4xf32>, %lo: tensor<4xf32>, %hi: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.clamp"(%lo, %x, %hi) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Bounds may be scalars: their cotangents are sums.
// CHECK-LABEL: func.func @clamp_scalar_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<6.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64>}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<6.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg0, %[[V1]]) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg0, %[[V2]]) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V5:.*]] = "astra.and"(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%[[V1]], %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%arg1, %[[V0]]) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V8:.*]] = "astra.broadcast"(%[[V7]]) {dimensions = array<i64>}
// CHECK-NEXT: %[[V9:.*]] = "astra.and"(%[[V6]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.broadcast"(%arg3) {dimensions = array<i64>}
// CHECK-NEXT: %[[V11:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V12:.*]] = "astra.select"(%[[V9]], %[[V10]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.select"(%[[V5]], %arg2, %[[V11]])
// CHECK-NEXT: %[[V14:.*]] = "astra.add"(%[[V12]], %[[V13]])
// CHECK-NEXT: return %[[V14]] : tensor<4xf32>
func.func @clamp_scalar_forward(%x: tensor<4xf32>, %lo: tensor<f32>, %dx: tensor<4xf32>, %dlo: tensor<f32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %lo, %dx, %dlo) {callee = @clamp_scalar, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<f32>, tensor<4xf32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @clamp_scalar_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<6.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<6.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%arg0, %[[V0]]) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg0, %[[V2]]) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V5:.*]] = "astra.and"(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%[[V0]], %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%arg1, %[[V1]]) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V8:.*]] = "astra.broadcast"(%[[V7]]) {dimensions = array<i64>}
// CHECK-NEXT: %[[V9:.*]] = "astra.and"(%[[V6]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V9]], %arg2, %[[V10]])
// CHECK-NEXT: %[[V12:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V13:.*]] = "astra.reduce"(%[[V11]], %[[V12]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"} : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
// CHECK-NEXT: %[[V14:.*]] = "astra.select"(%[[V5]], %arg2, %[[V10]])
// CHECK-NEXT: return %[[V14]], %[[V13]] : tensor<4xf32>, tensor<f32>
func.func @clamp_scalar_reverse(%x: tensor<4xf32>, %lo: tensor<f32>, %cy: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  %0:3 = "astra.vjp"(%x, %lo, %cy) {callee = @clamp_scalar, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<f32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<f32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<f32>
}
func.func private @clamp_scalar(%x: tensor<4xf32>, %lo: tensor<f32>) -> tensor<4xf32> {
  %hi = "astra.constant"() {value = dense<6.0> : tensor<f32>} : () -> tensor<f32>
  %y = "astra.clamp"(%lo, %x, %hi) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

