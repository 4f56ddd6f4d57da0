// Elementwise operations change their name; comparisons say how they compare.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func public @main
// CHECK-SAME: %arg0: tensor<4xf32> {jax.arg = "x"}
// CHECK-SAME: -> (tensor<4xf32> {jax.result_info = "result"})
// CHECK-NEXT: %0 = "astra.add"(%arg0, %arg0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %1 = "astra.exponential"(%0) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %2 = "astra.convert"(%1) : (tensor<4xf32>) -> tensor<4xui8>
// CHECK-NEXT: %3 = "astra.popcnt"(%2) : (tensor<4xui8>) -> tensor<4xui8>
// CHECK-NEXT: %4 = "astra.bitcast_convert"(%3) : (tensor<4xui8>) -> tensor<4xi8>
// CHECK-NEXT: %5 = "astra.convert"(%4) : (tensor<4xi8>) -> tensor<4xf32>
// CHECK-NEXT: %6 = "astra.reduce_precision"(%5) {exponent_bits = 4 : i64, mantissa_bits = 3 : i64}
// CHECK-NEXT: return %6 : tensor<4xf32>
func.func public @main(%x: tensor<4xf32> {jax.arg = "x"}) -> (tensor<4xf32> {jax.result_info = "result"}) {
  %0 = stablehlo.add %x, %x : tensor<4xf32>
  %1 = stablehlo.exponential %0 : tensor<4xf32>
  %2 = stablehlo.convert %1 : (tensor<4xf32>) -> tensor<4xui8>
  %3 = stablehlo.popcnt %2 : tensor<4xui8>
  %4 = stablehlo.bitcast_convert %3 : (tensor<4xui8>) -> tensor<4xi8>
  %5 = stablehlo.convert %4 : (tensor<4xi8>) -> tensor<4xf32>
  %6 = stablehlo.reduce_precision %5, format = e4m3 : tensor<4xf32>
  return %6 : tensor<4xf32>
}

// CHECK-LABEL: func.func @compare
// CHECK-NEXT: "astra.compare"(%arg0, %arg0) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT: "astra.compare"(%arg0, %arg0) {compare_type = "TOTALORDER", direction = "EQ"}
// CHECK-NEXT: "astra.compare"(%arg1, %arg1) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: "astra.compare"(%arg2, %arg2) {compare_type = "UNSIGNED", direction = "GE"}
func.func @compare(%f: tensor<f32>, %i: tensor<i32>, %u: tensor<ui32>) {
  %0 = stablehlo.compare LT, %f, %f : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %1 = stablehlo.compare EQ, %f, %f, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %2 = stablehlo.compare GE, %i, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %3 = stablehlo.compare GE, %u, %u : (tensor<ui32>, tensor<ui32>) -> tensor<i1>
  return
}

// The body of a map becomes the same computation on whole tensors.
// CHECK-LABEL: func.func @map
// CHECK-NEXT: %[[ONE:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[SUM:.*]] = "astra.add"(%arg0, %[[ONE]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %[[OUTER:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
// CHECK-NEXT: %[[R:.*]] = "astra.multiply"(%[[SUM]], %[[OUTER]])
// CHECK-NEXT: return %[[R]]
func.func @map(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  %0 = "stablehlo.map"(%x) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>):
    %one = stablehlo.constant dense<1.0> : tensor<f32>
    %1 = stablehlo.add %a, %one : tensor<f32>
    %2 = stablehlo.multiply %1, %s : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
