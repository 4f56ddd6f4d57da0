// A call of a tile function is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @tile_call(
// CHECK: "astra.tile_call"(%arg0) {body = "func.func @f(%x: memref<?xf32>) attributes {astra.tile} { return }", grid = array<i64: 4, 1, 1>, initial = array<i64: 0>, order = array<i64: -1>} : (tensor<8xf32>) -> tensor<8xf32>
func.func @tile_call(%x: tensor<8xf32>) {
  %r = "astra.tile_call"(%x) {
    body = "func.func @f(%x: memref<?xf32>) attributes {astra.tile} { return }",
    grid = array<i64: 4, 1, 1>, order = array<i64: -1>, initial = array<i64: 0>
  } : (tensor<8xf32>) -> tensor<8xf32>
  return
}
