// Elementwise functions of one operand: forward mode of each, then reverse mode, which share what both need.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @negate
// CHECK-NEXT: %[[V0:.*]] = "astra.negate"(%arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.negate"(%arg2)
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<4xf32>, tensor<4xf32>
func.func @negate(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_negate, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_negate, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_negate(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.negate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @exponential
// CHECK-NEXT: %[[V0:.*]] = "astra.exponential"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V2]] : tensor<4xf32>, tensor<4xf32>
func.func @exponential(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_exponential, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_exponential, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_exponential(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.exponential"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @exponential_minus_one
// CHECK-NEXT: %[[V0:.*]] = "astra.exponential_minus_one"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg1, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg2, %[[V2]])
// CHECK-NEXT: return %[[V3]], %[[V4]] : tensor<4xf32>, tensor<4xf32>
func.func @exponential_minus_one(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_exponential_minus_one, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_exponential_minus_one, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_exponential_minus_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.exponential_minus_one"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @log
// CHECK-NEXT: %[[V0:.*]] = "astra.divide"(%arg1, %arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.divide"(%arg2, %arg0)
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<4xf32>, tensor<4xf32>
func.func @log(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_log, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_log, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_log(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.log"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @log_plus_one
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.add"(%arg0, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.divide"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.divide"(%arg2, %[[V1]])
// CHECK-NEXT: return %[[V2]], %[[V3]] : tensor<4xf32>, tensor<4xf32>
func.func @log_plus_one(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_log_plus_one, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_log_plus_one, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_log_plus_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.log_plus_one"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @sqrt
// CHECK-NEXT: %[[V0:.*]] = "astra.sqrt"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.divide"(%[[V1]], %[[V0]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg1, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg2, %[[V2]])
// CHECK-NEXT: return %[[V3]], %[[V4]] : tensor<4xf32>, tensor<4xf32>
func.func @sqrt(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_sqrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_sqrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_sqrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.sqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @rsqrt
// CHECK-NEXT: %[[V0:.*]] = "astra.rsqrt"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.divide"(%[[V0]], %arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<-5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg1, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: return %[[V4]], %[[V5]] : tensor<4xf32>, tensor<4xf32>
func.func @rsqrt(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_rsqrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_rsqrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_rsqrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.rsqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @cbrt
// CHECK-NEXT: %[[V0:.*]] = "astra.cbrt"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%[[V0]], %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<3.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.divide"(%arg1, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.divide"(%arg2, %[[V3]])
// CHECK-NEXT: return %[[V4]], %[[V5]] : tensor<4xf32>, tensor<4xf32>
func.func @cbrt(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_cbrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_cbrt, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_cbrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.cbrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @sine
// CHECK-NEXT: %[[V0:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V2]] : tensor<4xf32>, tensor<4xf32>
func.func @sine(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_sine, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_sine, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_sine(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @cosine
// CHECK-NEXT: %[[V0:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.negate"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V4:.*]] = "astra.negate"(%[[V3]])
// CHECK-NEXT: return %[[V2]], %[[V4]] : tensor<4xf32>, tensor<4xf32>
func.func @cosine(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_cosine, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_cosine, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_cosine(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.cosine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @tan
// CHECK-NEXT: %[[V0:.*]] = "astra.tan"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%[[V0]], %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.add"(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg1, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: return %[[V4]], %[[V5]] : tensor<4xf32>, tensor<4xf32>
func.func @tan(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_tan, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_tan, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_tan(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.tan"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @tanh
// CHECK-NEXT: %[[V0:.*]] = "astra.tanh"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.subtract"(%[[V3]], %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%[[V2]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V7:.*]] = "astra.add"(%arg2, %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.multiply"(%[[V7]], %[[V4]])
// CHECK-NEXT: return %[[V5]], %[[V8]] : tensor<4xf32>, tensor<4xf32>
func.func @tanh(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_tanh, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_tanh, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @logistic
// CHECK-NEXT: %[[V0:.*]] = "astra.logistic"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.subtract"(%[[V1]], %[[V0]])
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V0]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg1, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: return %[[V4]], %[[V5]] : tensor<4xf32>, tensor<4xf32>
func.func @logistic(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_logistic, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_logistic, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_logistic(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.logistic"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @erf
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg0, %arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.negate"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.exponential"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<1.12837923> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%[[V2]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg1, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg2, %[[V4]])
// CHECK-NEXT: return %[[V5]], %[[V6]] : tensor<4xf32>, tensor<4xf32>
func.func @erf(%x: tensor<4xf32>, %t: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%x, %t) {callee = @f_erf, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = "astra.vjp"(%x, %c) {callee = @f_erf, argnums = array<i64: 0>} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1, %1#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.erf"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

