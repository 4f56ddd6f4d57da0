// A tile is a vector of each thread; accesses are of 128 bits, with one predicate where the mask is the same for all.
// RUN: %astra-opt %s --astra-tile-layouts --astra-tile-to-gpu | %filecheck %s

module attributes {astra.target = "cuda:sm_80"} {
// CHECK:       llvm.func @__nv_expf(f32) -> f32
// CHECK-LABEL: llvm.func @masked(%arg0: !llvm.ptr<1>, %arg1: i32)
// CHECK-SAME:  astra.shared_bytes = 0 : i64, astra.threads = 128 : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128>
// CHECK:         nvvm.read.ptx.sreg.tid.x
// CHECK:         arith.cmpi slt, {{.*}} : vector<4xi32>
// CHECK:         llvm.inline_asm has_side_effects "@$5 ld.global.v4.b32 {$0, $1, $2, $3}, [$4];"
// CHECK-COUNT-4: llvm.call @__nv_expf
// CHECK:         arith.addf {{.*}} : vector<4xf32>
// CHECK:         llvm.inline_asm has_side_effects "@$1 st.global.v4.b32 [$0], {$2, $3, $4, $5};"
// CHECK:         llvm.return
func.func @masked(%x: memref<?xf32> {astra.divisibility = 16 : i64}, %n: i32 {astra.divisibility = 16 : i64})
    attributes {astra.tile, astra.num_warps = 4 : i64} {
  %o = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<512xi32>
  %ns = tensor.splat %n : tensor<512xi32>
  %m = arith.cmpi slt, %o, %ns : tensor<512xi32>
  %a = "astra.tile_load"(%x, %o, %m) : (memref<?xf32>, tensor<512xi32>, tensor<512xi1>) -> tensor<512xf32>
  %e = math.exp %a : tensor<512xf32>
  %b = arith.addf %e, %e : tensor<512xf32>
  "astra.tile_store"(%x, %o, %b, %m) : (memref<?xf32>, tensor<512xi32>, tensor<512xf32>, tensor<512xi1>) -> ()
  return
}
}
