// Functions that are no tile functions stay as they are.
// RUN: %astra-opt %s --astra-tile-to-gpu | %filecheck %s
// CHECK-LABEL: func.func @host(%arg0: f32) -> f32 {
// CHECK-NEXT: %0 = arith.addf %arg0, %arg0 : f32
// CHECK-NEXT: return %0 : f32
module attributes {astra.target = "cuda:sm_80"} {
  func.func @host(%x: f32) -> f32 {
    %0 = arith.addf %x, %x : f32
    return %0 : f32
  }
}
