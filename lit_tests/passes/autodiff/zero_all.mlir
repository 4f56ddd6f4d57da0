// Every operation whose derivative is declared to be zero: what is computed through it adds nothing, in both modes.
// RUN: %astra-opt %s --astra-autodiff --split-input-file | %filecheck %s

// What the bits of a float become is a number without a derivative: the sine's is all there is.
func.func private @through_bits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.bitcast_convert"(%x) : (tensor<4xf32>) -> tensor<4xi32>
  %1 = "astra.not"(%0) : (tensor<4xi32>) -> tensor<4xi32>
  %2 = "astra.count_leading_zeros"(%1) : (tensor<4xi32>) -> tensor<4xi32>
  %3 = "astra.or"(%1, %2) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %4 = "astra.xor"(%3, %0) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %5 = "astra.shift_left"(%4, %2) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %6 = "astra.shift_right_arithmetic"(%5, %2) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %7 = "astra.shift_right_logical"(%6, %2) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %8 = "astra.convert"(%7) : (tensor<4xi32>) -> tensor<4xf32>
  %9 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %10 = "astra.add"(%9, %8) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %10 : tensor<4xf32>
}
// CHECK-LABEL: func.func @bits_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg1, %[[V0]])
// CHECK-NEXT: return %[[V1]] : tensor<4xf32>
func.func @bits_forward(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %t) {callee = @through_bits, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @bits_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.bitcast_convert"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.not"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.count_leading_zeros"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.or"(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.xor"(%[[V3]], %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = "astra.shift_left"(%[[V4]], %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.shift_right_arithmetic"(%[[V5]], %[[V2]])
// CHECK-NEXT: %[[V7:.*]] = "astra.shift_right_logical"(%[[V6]], %[[V2]])
// CHECK-NEXT: %[[V8:.*]] = "astra.convert"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.sine"(%arg0)
// CHECK-NEXT: %[[V10:.*]] = "astra.add"(%[[V9]], %[[V8]])
// CHECK-NEXT: %[[V11:.*]] = "astra.cosine"(%arg0)
// CHECK-NEXT: %[[V12:.*]] = "astra.multiply"(%arg1, %[[V11]])
// CHECK-NEXT: return %[[V10]], %[[V12]] : tensor<4xf32>, tensor<4xf32>
func.func @bits_reverse(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.vjp"(%x, %t) {callee = @through_bits, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Neither the size of a dimension nor what is drawn from a state depends on the floats: both are factors that stay.
func.func private @drawn(%x: tensor<4xf32>, %state: tensor<2xui64>) -> tensor<4xf32> {
  %n = "astra.get_dimension_size"(%x) {dimension = 0 : i64} : (tensor<4xf32>) -> tensor<i32>
  %m = "astra.convert"(%n) : (tensor<i32>) -> tensor<f32>
  %scale = "astra.broadcast"(%m) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
  %next, %bits = "astra.rng_bit_generator"(%state) {algorithm = "THREE_FRY"}
      : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
  %noise = "astra.convert"(%bits) : (tensor<4xui32>) -> tensor<4xf32>
  %0 = "astra.multiply"(%noise, %scale) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.multiply"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @drawn_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.get_dimension_size"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.convert"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.broadcast"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]]:2 = "astra.rng_bit_generator"(%arg1)
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]]#1)
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%[[V4]], %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg2, %[[V5]])
// CHECK-NEXT: return %[[V6]] : tensor<4xf32>
func.func @drawn_forward(%x: tensor<4xf32>, %state: tensor<2xui64>, %t: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = "astra.jvp"(%x, %state, %t) {callee = @drawn, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<2xui64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// The cotangent of the state is that of integers.
// CHECK-LABEL: func.func @drawn_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.get_dimension_size"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.convert"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.broadcast"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]]:2 = "astra.rng_bit_generator"(%arg1)
// CHECK-NEXT: %[[V4:.*]] = "astra.convert"(%[[V3]]#1)
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%[[V4]], %[[V2]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%arg2, %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<false> : tensor<2xi1>}
// CHECK-NEXT: return %[[V6]], %[[V7]] : tensor<4xf32>, tensor<2xi1>
func.func @drawn_reverse(%x: tensor<4xf32>, %state: tensor<2xui64>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<2xi1>) {
  %0:3 = "astra.vjp"(%x, %state, %c) {callee = @drawn, argnums = array<i64: 0, 1>}
      : (tensor<4xf32>, tensor<2xui64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<2xi1>)
  return %0#1, %0#2 : tensor<4xf32>, tensor<2xi1>
}
