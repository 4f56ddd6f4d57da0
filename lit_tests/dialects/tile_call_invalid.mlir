// Malformed calls of tile functions are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @grid(%x: tensor<8xf32>) {
  // expected-error@below {{attribute 'grid' must be three sizes, but is [4]}}
  %r = "astra.tile_call"(%x) {body = "", grid = array<i64: 4>, order = array<i64>, initial = array<i64: -1>} : (tensor<8xf32>) -> tensor<8xf32>
  return
}

func.func @initial(%x: tensor<8xf32>) {
  // expected-error@below {{result 0 must have the type of its initial value, tensor<8xf32>, but is tensor<4xf32>}}
  %r = "astra.tile_call"(%x) {body = "", grid = array<i64: 4, 1, 1>, order = array<i64>, initial = array<i64: 0>} : (tensor<8xf32>) -> tensor<4xf32>
  return
}

func.func @order(%x: tensor<8xf32>) {
  // expected-error@below {{attribute 'order' has -2, but there are 1 operands and 1 results}}
  %r = "astra.tile_call"(%x) {body = "", grid = array<i64: 4, 1, 1>, order = array<i64: -2>, initial = array<i64: -1>} : (tensor<8xf32>) -> tensor<8xf32>
  return
}
