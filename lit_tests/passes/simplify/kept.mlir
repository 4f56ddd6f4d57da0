// Identities that fail for some operand are not applied to floating-point numbers, operations with effects or random
// results are neither merged nor removed, and nothing passes an optimization barrier.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// -0.0 + 0.0 is 0.0; infinity * 0.0 and infinity - infinity are NaN, as is NaN / NaN.
// CHECK-LABEL: func.func @not_identities
// CHECK: "astra.add"(%arg0,
// CHECK: "astra.multiply"(%arg0,
// CHECK: "astra.subtract"(%arg0, %arg0)
// CHECK: "astra.divide"(%arg0, %arg0)
// CHECK: return
func.func @not_identities(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "astra.add"(%x, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.multiply"(%x, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.subtract"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.divide"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @effects
// CHECK: "astra.rng"
// CHECK: "astra.rng"
// CHECK: "astra.custom_call"
// CHECK: return
func.func @effects(%a: tensor<f32>, %b: tensor<f32>, %n: tensor<1xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.rng"(%a, %b, %n) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  %1 = "astra.rng"(%a, %b, %n) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  "astra.custom_call"(%0) {call_target_name = "print", has_side_effect = true} : (tensor<4xf32>) -> ()
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @barrier
// CHECK: "astra.negate"
// CHECK: "astra.optimization_barrier"
// CHECK: "astra.negate"
// CHECK: return
func.func @barrier(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.negate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.optimization_barrier"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.negate"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
