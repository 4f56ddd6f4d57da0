// A loop whose loads feed no product stays as it is.
// RUN: %astra-opt %s --astra-tile-pipeline | %filecheck %s
// CHECK-LABEL: func.func @sum
// CHECK-NOT: astra.tile_buffer
// CHECK: scf.for
// CHECK-NEXT: "astra.tile_load"
// CHECK-NEXT: arith.addf
module attributes {astra.target = "cuda:sm_90a"} {
  func.func @sum(%x: memref<?xf32>, %y: memref<?xf32>, %n: i32) attributes {astra.tile, astra.num_warps = 4 : i64} {
    %o = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<128xi32>
    %zero = arith.constant dense<0.0> : tensor<128xf32>
    %lo = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %r = scf.for %i = %lo to %n step %one iter_args(%acc = %zero) -> (tensor<128xf32>) : i32 {
      %a = "astra.tile_load"(%x, %o) : (memref<?xf32>, tensor<128xi32>) -> tensor<128xf32>
      %s = arith.addf %acc, %a : tensor<128xf32>
      scf.yield %s : tensor<128xf32>
    }
    "astra.tile_store"(%y, %o, %r) : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>) -> ()
    return
  }
}
