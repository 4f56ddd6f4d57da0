// What a loop computes with stays carried; different operations stay apart.
// RUN: %astra-opt %s --astra-tile-simplify | %filecheck %s

// CHECK-LABEL: func.func @scaled(
// CHECK: "astra.tile_arange"() {start = 0 : i64}
// CHECK: "astra.tile_arange"() {start = 64 : i64}
// CHECK: scf.for {{.*}} -> (tensor<64xi32>)
func.func @scaled(%p: memref<?xi32>, %n: i32) attributes {astra.tile} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %first = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<64xi32>
  %second = "astra.tile_arange"() {start = 64 : i64} : () -> tensor<64xi32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %first) -> (tensor<64xi32>) : i32 {
    %by = tensor.splat %i : tensor<64xi32>
    %next = arith.addi %x, %by : tensor<64xi32>
    scf.yield %next : tensor<64xi32>
  }
  "astra.tile_store"(%p, %second, %r) : (memref<?xi32>, tensor<64xi32>, tensor<64xi32>) -> ()
  return
}
