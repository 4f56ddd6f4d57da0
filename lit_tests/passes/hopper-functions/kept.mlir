// Shapes that the kernels have no form for, and other targets, keep the body of the tile function.
// RUN: %astra-opt %s --split-input-file --astra-hopper-functions | %filecheck %s
// CHECK: func.func @thin
// CHECK-NEXT: return
module attributes {astra.target = "cuda:sm_90a"} {
  func.func @thin(%a: memref<?xbf16>, %b: memref<?xbf16>, %c: memref<?xbf16>) attributes {astra.tile, astra.gemm = {
      m = 8 : i64, n = 512 : i64, k = 256 : i64, batch = 1 : i64, element = "bf16", result = "bf16",
      lhs_major = "k", rhs_major = "n"}} {
    return
  }
}

// -----

// CHECK: func.func @elsewhere
// CHECK-NEXT: return
module attributes {astra.target = "cuda:sm_80"} {
  func.func @elsewhere(%a: memref<?xbf16>, %b: memref<?xbf16>, %c: memref<?xbf16>) attributes {astra.tile, astra.gemm = {
      m = 512 : i64, n = 512 : i64, k = 256 : i64, batch = 1 : i64, element = "bf16", result = "bf16",
      lhs_major = "k", rhs_major = "n"}} {
    return
  }
}
