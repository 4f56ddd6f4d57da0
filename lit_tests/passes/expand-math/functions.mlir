// RUN: %astra-opt %s --astra-expand-math | %filecheck %s

// An elementary function is arithmetic afterwards; what has an instruction stays.

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @rsqrt
  // CHECK-SAME: (%[[X:.*]]: f32)
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK: arith.divf %[[ONE]], %{{.*}} : f32
  // CHECK-NOT: math.rsqrt
  func.func @rsqrt(%x: f32) -> f32 {
    %0 = math.rsqrt %x : f32
    return %0 : f32
  }

  // CHECK-LABEL: func.func @exp
  // CHECK: arith.select
  // CHECK: math.fma
  // CHECK: arith.shli
  // CHECK: arith.bitcast %{{.*}} : i32 to f32
  // CHECK-NOT: math.exp
  func.func @exp(%x: f32) -> f32 {
    %0 = math.exp %x : f32
    return %0 : f32
  }

  // CHECK-LABEL: func.func @half
  // CHECK: arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
  // CHECK: math.fma %{{.*}} : vector<8xf32>
  // CHECK: arith.trunci %{{.*}} : vector<8xi32> to vector<8xi16>
  // CHECK: arith.bitcast %{{.*}} : vector<8xi16> to vector<8xbf16>
  func.func @half(%x: vector<8xbf16>) -> vector<8xbf16> {
    %0 = math.tanh %x : vector<8xbf16>
    return %0 : vector<8xbf16>
  }

  // CHECK-LABEL: func.func @instructions
  // CHECK: math.sqrt
  // CHECK: math.floor
  // CHECK: math.copysign
  func.func @instructions(%x: f64) -> f64 {
    %0 = math.sqrt %x : f64
    %1 = math.floor %0 : f64
    %2 = math.copysign %1, %x : f64
    return %2 : f64
  }
}
