// The prescribed tree, the highest bit first: the register beside, the other warp through shared memory, then lanes.
// RUN: %astra-opt %s --astra-tile-layouts --astra-tile-to-gpu | %filecheck %s

module attributes {astra.target = "cuda:sm_80"} {
// CHECK:         llvm.mlir.global external @astra_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-LABEL: llvm.func @sum
// CHECK:         arith.addf {{.*}} : vector<1xf32>
// CHECK:         llvm.store {{.*}} : vector<1xf32>, !llvm.ptr<3>
// CHECK:         nvvm.barrier
// CHECK:         llvm.load {{.*}} : !llvm.ptr<3> -> vector<1xf32>
// CHECK:         arith.addf {{.*}} : vector<1xf32>
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK-NOT:     nvvm.shfl.sync
// CHECK:         "@$1 st.global.b32 [$0], $2;"
func.func @sum(%x: memref<?xf32>, %y: memref<?xf32>) attributes {astra.tile, astra.num_warps = 2 : i64} {
  %o = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<128xi32>
  %a = "astra.tile_load"(%x, %o) : (memref<?xf32>, tensor<128xi32>) -> tensor<128xf32>
  %s = "astra.tile_reduce"(%a) ({
  ^bb0(%l: f32, %r: f32):
    %t = arith.addf %l, %r : f32
    "astra.yield"(%t) : (f32) -> ()
  }) {axis = 0 : i64} : (tensor<128xf32>) -> f32
  %z = arith.constant 0 : i32
  "astra.tile_store"(%y, %z, %s) : (memref<?xf32>, i32, f32) -> ()
  return
}
}
