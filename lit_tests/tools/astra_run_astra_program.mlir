// A program in the Astra dialect runs too; functions that the chosen one does not use are not compiled.
// RUN: %astra-run %s | %filecheck %s

// CHECK: result 0: 2xfloat32
// CHECK: 15.
// CHECK: 20.
func.func @main() -> tensor<2xf32> {
  %values = "astra.iota"() {dimension = 0 : i64} : () -> tensor<5x2xf32>
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %sums = "astra.reduce"(%values, %zero) ({}) {dimensions = array<i64: 0>, kind = "add"}
      : (tensor<5x2xf32>, tensor<f32>) -> tensor<2xf32>
  %result = func.call @shifted(%sums) : (tensor<2xf32>) -> tensor<2xf32>
  return %result : tensor<2xf32>
}

func.func private @shifted(%a: tensor<2xf32>) -> tensor<2xf32> {
  %b = "astra.constant"() {value = dense<[5.0, 10.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %result = "astra.add"(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %result : tensor<2xf32>
}

// Has no code for the CPU.
func.func private @unused(%a: tensor<4xf32>) -> tensor<4xf32> {
  %result = "astra.custom_call"(%a) {call_target_name = "nobody_knows", has_side_effect = false}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %result : tensor<4xf32>
}
