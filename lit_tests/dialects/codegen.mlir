// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @kernel_call(
// CHECK: "astra.kernel_call"(%arg0, %arg1) {callee = @kernel, num_outs = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @kernel_call(%in: tensor<4xf32>, %out: tensor<4xf32>) {
  %result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 1 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @scratch(
// CHECK: "astra.kernel_call"(%arg0, %arg1, %arg2) {callee = @kernel, num_outs = 2 : i64, num_scratch = 1 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<9xi8>) -> (tensor<4xf32>, tensor<9xi8>)
func.func @scratch(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<9xi8>) {
  %r:2 = "astra.kernel_call"(%a, %b, %c) {callee = @kernel, num_outs = 2 : i64, num_scratch = 1 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<9xi8>) -> (tensor<4xf32>, tensor<9xi8>)
  return
}
