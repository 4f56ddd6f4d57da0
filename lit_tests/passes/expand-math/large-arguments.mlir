// RUN: %astra-opt %s --astra-expand-math | %filecheck %s

// The f64 sine reads the bits of 1 / (2 pi) that the argument's exponent asks for from one table per module.

// CHECK-COUNT-1: memref.global "private" constant @astra_inverse_two_pi : memref<164xf64>
// CHECK-NOT: memref.global
// CHECK-LABEL: func.func @sines
// CHECK: memref.get_global @astra_inverse_two_pi
// CHECK: memref.load
// CHECK: vector.gather
// CHECK-NOT: math.sin
module attributes {astra.target = "x86-64-v3"} {
  func.func @sines(%x: f64, %v: vector<4xf64>) -> (f64, vector<4xf64>) {
    %0 = math.sin %x : f64
    %1 = math.sin %v : vector<4xf64>
    return %0, %1 : f64, vector<4xf64>
  }
}
