// RUN: %astra-opt %s --astra-expand-math | %filecheck %s

// A target without the instruction gets products and sums, never a call of the C library's fma.

module attributes {astra.target = "x86-64-v2"} {
  // CHECK-LABEL: func.func @log
  // CHECK-NOT: math.fma
  // CHECK: arith.mulf
  // CHECK: return
  func.func @log(%x: f64) -> f64 {
    %0 = math.log %x : f64
    return %0 : f64
  }
}
