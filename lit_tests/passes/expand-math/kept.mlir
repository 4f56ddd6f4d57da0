// Operations that have an instruction, integer functions, and floats that are not computed on (f8 goes by way of f32
// earlier in the pipeline) are left alone; so is a rounding that ends in another type than bf16.
// RUN: %astra-opt %s --astra-expand-math | %filecheck %s

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @instructions
  // CHECK-NEXT: math.sqrt %{{.*}} : f32
  // CHECK-NEXT: math.absf
  // CHECK-NEXT: math.fma
  // CHECK-NEXT: math.floor
  // CHECK-NEXT: math.copysign
  // CHECK-NEXT: return
  func.func @instructions(%x: f32) -> f32 {
    %0 = math.sqrt %x : f32
    %1 = math.absf %0 : f32
    %2 = math.fma %1, %x, %x : f32
    %3 = math.floor %2 : f32
    %4 = math.copysign %3, %x : f32
    return %4 : f32
  }

  // CHECK-LABEL: func.func @integers
  // CHECK-NEXT: math.ctpop %{{.*}} : i32
  // CHECK-NEXT: math.ctlz
  // CHECK-NEXT: return
  func.func @integers(%x: i32) -> i32 {
    %0 = math.ctpop %x : i32
    %1 = math.ctlz %0 : i32
    return %1 : i32
  }

  // CHECK-LABEL: func.func @other_floats
  // CHECK-NEXT: math.exp %{{.*}} : f8E5M2
  // CHECK-NEXT: arith.truncf %{{.*}} : f64 to f32
  // CHECK-NEXT: arith.truncf %{{.*}} : f32 to f16
  // CHECK-NEXT: return
  func.func @other_floats(%x: f8E5M2, %y: f64) -> (f8E5M2, f16) {
    %0 = math.exp %x : f8E5M2
    %1 = arith.truncf %y : f64 to f32
    %2 = arith.truncf %1 : f32 to f16
    return %0, %2 : f8E5M2, f16
  }
}
