// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @kernel_call_1(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  // expected-error@below {{attribute 'num_outs' is 3, but there are 2 operands}}
  %result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 3 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @kernel_call_2(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  // expected-error@below {{attribute 'num_scratch' is 2, but 'num_outs' is 1}}
  %result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 1 : i64, num_scratch = 2 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @kernel_call_3(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  // expected-error@below {{must have one result for each of the 2 outs, but has 1}}
  %result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 2 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @kernel_call_4(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  // expected-error@below {{result 0 must have the type of its out, tensor<4xf32>, but is tensor<5xf32>}}
  %result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 1 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<5xf32>
  return
}

func.func @kernel_call_5(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  // expected-error@below {{attribute 'callee' must be symbol, but is "kernel"}}
  %result = "astra.kernel_call"(%in, %out) {callee = "kernel", num_outs = 1 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}
