// Two of three buffers are filled before the loop; in it, the copies of two iterations later are begun before the
// product of what has arrived.  The offsets exist only ahead.
// RUN: %astra-opt %s --astra-tile-pipeline | %filecheck %s
// RUN: %astra-opt %s --astra-tile-pipeline --astra-tile-layouts --astra-tile-to-gpu | %filecheck %s --check-prefix=GPU

module attributes {astra.target = "cuda:sm_90a"} {
// CHECK-LABEL: func.func @product
// CHECK:         %[[BA:.*]] = "astra.tile_buffer"() {inner = 1 : i64} : () -> memref<3x64x64xf16, 3>
// CHECK:         %[[BB:.*]] = "astra.tile_buffer"() {inner = 1 : i64} : () -> memref<3x64x64xf16, 3>
// CHECK-COUNT-4: "astra.tile_copy"
// CHECK:         "astra.tile_commit"
// CHECK:         scf.for
// CHECK:           "astra.tile_wait"() {pending = 1 : i64}
// CHECK:           "astra.tile_copy"({{.*}}, %[[BA]],
// CHECK:           "astra.tile_copy"({{.*}}, %[[BB]],
// CHECK:           "astra.tile_commit"
// CHECK:           %[[A:.*]] = "astra.tile_read"(%[[BA]],
// CHECK:           %[[B:.*]] = "astra.tile_read"(%[[BB]],
// CHECK:           "astra.tile_dot"(%[[A]], %[[B]],
// CHECK:         "astra.tile_wait"() {pending = 0 : i64}
// GPU-COUNT-24:  cp.async.cg.shared.global
// GPU:           wgmma.fence.sync.aligned; wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
func.func @product(%x: memref<?xf16> {astra.divisibility = 16 : i64}, %y: memref<?xf16> {astra.divisibility = 16 : i64},
    %z: memref<?xf32> {astra.divisibility = 16 : i64}, %k: i32) attributes {astra.tile, astra.num_warps = 4 : i64} {
  %i = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<4096xi32>
  %o = "astra.tile_reshape"(%i) : (tensor<4096xi32>) -> tensor<64x64xi32>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %step = arith.constant dense<4096> : tensor<64x64xi32>
  %lo = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %r, %p = scf.for %j = %lo to %k step %one iter_args(%acc = %zero, %q = %o) -> (tensor<64x64xf32>, tensor<64x64xi32>) : i32 {
    %a = "astra.tile_load"(%x, %q) : (memref<?xf16>, tensor<64x64xi32>) -> tensor<64x64xf16>
    %b = "astra.tile_load"(%y, %q) : (memref<?xf16>, tensor<64x64xi32>) -> tensor<64x64xf16>
    %d = "astra.tile_dot"(%a, %b, %acc) {precision = "tf32"}
        : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %n = arith.addi %q, %step : tensor<64x64xi32>
    scf.yield %d, %n : tensor<64x64xf32>, tensor<64x64xi32>
  }
  "astra.tile_store"(%z, %o, %r) : (memref<?xf32>, tensor<64x64xi32>, tensor<64x64xf32>) -> ()
  return
}
}
