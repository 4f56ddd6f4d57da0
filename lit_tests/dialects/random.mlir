// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @rng(
// CHECK: "astra.rng"(%arg0, %arg1, %arg2) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
func.func @rng(%a: tensor<f32>, %b: tensor<f32>, %shape: tensor<2xi64>) {
  %result = "astra.rng"(%a, %b, %shape) {distribution = "UNIFORM"}
      : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
  return
}

// CHECK-LABEL: func.func @rng_bit_generator(
// CHECK: "astra.rng_bit_generator"(%arg0) {algorithm = "THREE_FRY"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
func.func @rng_bit_generator(%initial_state: tensor<2xui64>) {
  %output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "THREE_FRY"}
      : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
  return
}
