// Elementwise functions of two operands: the tangent, then both cotangents.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @add_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.add"(%arg2, %arg3)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @add_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @add, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @add_reverse
// CHECK-NEXT: return %arg2, %arg2 : tensor<4xf32>, tensor<4xf32>
func.func @add_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @add, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @add(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.add"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @subtract_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.subtract"(%arg2, %arg3)
// CHECK-NEXT: return %[[V0]] : tensor<4xf32>
func.func @subtract_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @subtract, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @subtract_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.negate"(%arg2)
// CHECK-NEXT: return %arg2, %[[V0]] : tensor<4xf32>, tensor<4xf32>
func.func @subtract_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @subtract, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @subtract(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.subtract"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @multiply_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg2, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg3, %arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%[[V0]], %[[V1]])
// CHECK-NEXT: return %[[V2]] : tensor<4xf32>
func.func @multiply_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @multiply, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @multiply_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg2, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg2, %arg0)
// CHECK-NEXT: return %[[V0]], %[[V1]] : tensor<4xf32>, tensor<4xf32>
func.func @multiply_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @multiply, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @multiply(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.multiply"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @divide_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.divide"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.divide"(%arg2, %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.divide"(%[[V0]], %arg1)
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg3, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.subtract"(%[[V1]], %[[V3]])
// CHECK-NEXT: return %[[V4]] : tensor<4xf32>
func.func @divide_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @divide, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @divide_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.divide"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.divide"(%arg2, %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.divide"(%[[V0]], %arg1)
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg2, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.negate"(%[[V3]])
// CHECK-NEXT: return %[[V1]], %[[V4]] : tensor<4xf32>, tensor<4xf32>
func.func @divide_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @divide, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @divide(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.divide"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @remainder_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.divide"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.sign"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.abs"(%[[V0]])
// CHECK-NEXT: %[[V3:.*]] = "astra.floor"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg3, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.subtract"(%arg2, %[[V5]])
// CHECK-NEXT: return %[[V6]] : tensor<4xf32>
func.func @remainder_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @remainder, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @remainder_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.divide"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.sign"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.abs"(%[[V0]])
// CHECK-NEXT: %[[V3:.*]] = "astra.floor"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg2, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.negate"(%[[V5]])
// CHECK-NEXT: return %arg2, %[[V6]] : tensor<4xf32>, tensor<4xf32>
func.func @remainder_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @remainder, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @remainder(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.remainder"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @maximum_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V6:.*]] = "astra.select"(%[[V5]], %arg2, %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%arg3, %[[V0]])
// CHECK-NEXT: %[[V8:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V9:.*]] = "astra.select"(%[[V8]], %[[V7]], %[[V3]])
// CHECK-NEXT: %[[V10:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V10]], %arg3, %[[V9]])
// CHECK-NEXT: %[[V12:.*]] = "astra.add"(%[[V6]], %[[V11]])
// CHECK-NEXT: return %[[V12]] : tensor<4xf32>
func.func @maximum_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @maximum, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @maximum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V6:.*]] = "astra.select"(%[[V5]], %arg2, %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V8:.*]] = "astra.select"(%[[V7]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V9:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V9]], %arg2, %[[V8]])
// CHECK-NEXT: return %[[V6]], %[[V10]] : tensor<4xf32>, tensor<4xf32>
func.func @maximum_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @maximum, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @maximum(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.maximum"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @minimum_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V6:.*]] = "astra.select"(%[[V5]], %arg2, %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%arg3, %[[V0]])
// CHECK-NEXT: %[[V8:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V9:.*]] = "astra.select"(%[[V8]], %[[V7]], %[[V3]])
// CHECK-NEXT: %[[V10:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V10]], %arg3, %[[V9]])
// CHECK-NEXT: %[[V12:.*]] = "astra.add"(%[[V6]], %[[V11]])
// CHECK-NEXT: return %[[V12]] : tensor<4xf32>
func.func @minimum_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @minimum, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @minimum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg2, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.select"(%[[V2]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%arg0, %arg1) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V6:.*]] = "astra.select"(%[[V5]], %arg2, %[[V4]])
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V8:.*]] = "astra.select"(%[[V7]], %[[V1]], %[[V3]])
// CHECK-NEXT: %[[V9:.*]] = "astra.compare"(%arg1, %arg0) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V9]], %arg2, %[[V8]])
// CHECK-NEXT: return %[[V6]], %[[V10]] : tensor<4xf32>, tensor<4xf32>
func.func @minimum_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @minimum, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @minimum(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.minimum"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @power_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.power"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.subtract"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg0, %[[V3]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V5:.*]] = "astra.select"(%[[V4]], %[[V1]], %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V7:.*]] = "astra.select"(%[[V6]], %[[V5]], %[[V2]])
// CHECK-NEXT: %[[V8:.*]] = "astra.power"(%arg0, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.multiply"(%arg1, %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%arg2, %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V4]], %[[V1]], %arg0)
// CHECK-NEXT: %[[V12:.*]] = "astra.log"(%[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.multiply"(%[[V12]], %[[V0]])
// CHECK-NEXT: %[[V14:.*]] = "astra.multiply"(%arg3, %[[V13]])
// CHECK-NEXT: %[[V15:.*]] = "astra.add"(%[[V10]], %[[V14]])
// CHECK-NEXT: return %[[V15]] : tensor<4xf32>
func.func @power_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @power, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @power_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.power"(%arg0, %arg1)
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.subtract"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg0, %[[V3]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V5:.*]] = "astra.select"(%[[V4]], %[[V1]], %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V7:.*]] = "astra.select"(%[[V6]], %[[V5]], %[[V2]])
// CHECK-NEXT: %[[V8:.*]] = "astra.power"(%arg0, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.multiply"(%arg1, %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%arg2, %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V4]], %[[V1]], %arg0)
// CHECK-NEXT: %[[V12:.*]] = "astra.log"(%[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.multiply"(%[[V12]], %[[V0]])
// CHECK-NEXT: %[[V14:.*]] = "astra.multiply"(%arg2, %[[V13]])
// CHECK-NEXT: return %[[V10]], %[[V14]] : tensor<4xf32>, tensor<4xf32>
func.func @power_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @power, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @power(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.power"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @atan2_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg0, %arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.divide"(%arg1, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.divide"(%arg0, %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg3, %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.subtract"(%[[V4]], %[[V6]])
// CHECK-NEXT: return %[[V7]] : tensor<4xf32>
func.func @atan2_forward(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%a, %b, %s, %t) {callee = @atan2, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @atan2_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.multiply"(%arg0, %arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.add"(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.divide"(%arg1, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.divide"(%arg0, %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg2, %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.negate"(%[[V6]])
// CHECK-NEXT: return %[[V4]], %[[V7]] : tensor<4xf32>, tensor<4xf32>
func.func @atan2_reverse(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @atan2, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @atan2(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.atan2"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

