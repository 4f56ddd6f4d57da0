// A product of a size and types that wgmma takes becomes its kernel: pointers, then tensor maps by value.
// RUN: %astra-opt %s --astra-hopper-functions | %filecheck %s
// CHECK: llvm.func @gemm(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
// CHECK-SAME: astra.cluster = {{[0-9]}} : i64, astra.grid = array<i64: {{[0-9]+}}, 1, 1>
// CHECK-SAME: astra.tensor_maps = [{box = array<i64: 64, {{[0-9]+}}, 1>, element = "bf16",
// CHECK-SAME: operand = 0 : i64
// CHECK: wgmma.mma_async.sync.aligned
// CHECK: llvm.mlir.global external @gemm_shared
module attributes {astra.target = "cuda:sm_90a"} {
  func.func @gemm(%a: memref<?xbf16>, %b: memref<?xbf16>, %c: memref<?xbf16>) attributes {astra.tile, astra.gemm = {
      m = 512 : i64, n = 512 : i64, k = 256 : i64, batch = 1 : i64, element = "bf16", result = "bf16",
      lhs_major = "k", rhs_major = "n"}} {
    return
  }
}
