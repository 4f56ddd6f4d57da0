// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @rng(
// CHECK: "astra.rng"(%arg0, %arg1, %arg2) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
// STABLEHLO-LABEL: func.func @rng(
// STABLEHLO: stablehlo.rng{{[^_a-z]}}
func.func @rng(%a: tensor<f32>, %b: tensor<f32>, %shape: tensor<2xi64>) -> tensor<3x4xf32> {
  %result = "astra.rng"(%a, %b, %shape) {distribution = "UNIFORM"}
      : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
  return %result : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @rng_bit_generator(
// CHECK: "astra.rng_bit_generator"(%arg0) {algorithm = "THREE_FRY"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
// STABLEHLO-LABEL: func.func @rng_bit_generator(
// STABLEHLO: stablehlo.rng_bit_generator{{[^_a-z]}}
func.func @rng_bit_generator(%initial_state: tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>) {
  %output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "THREE_FRY"}
      : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
  return %output_state, %output : tensor<2xui64>, tensor<4x8xui32>
}
