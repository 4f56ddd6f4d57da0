// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @custom_call_1(%a: tensor<4x4xf32>) {
  // expected-error@below {{attribute 'call_target_name' must not be empty}}
  %result = "astra.custom_call"(%a) {call_target_name = "", has_side_effect = false}
      : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

func.func @optimization_barrier_1(%a: tensor<4xf32>, %b: tensor<i32>) {
  // expected-error@below {{result 1 must be tensor<i32>, as its operand, but is tensor<i64> (C1)}}
  %x, %y = "astra.optimization_barrier"(%a, %b) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i64>)
  return
}
