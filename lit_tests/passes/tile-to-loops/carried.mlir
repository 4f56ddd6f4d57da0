// A product adds to the carried accumulator where it lies; a reduction is the fixed tree.
// RUN: %astra-opt %s --astra-tile-to-loops | %filecheck %s
module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func private @product(
  // CHECK: %[[ACC:.*]] = memref.alloca() {alignment = 64 : i64} : memref<64xf32>
  // CHECK: scf.for
  // CHECK: math.fma
  // CHECK-NOT: memref.alloca
  // CHECK: vector.store %{{.*}}, %[[ACC]]
  func.func @product(%x: memref<?xf32>, %n: i32) attributes {astra.tile} {
    %zero = arith.constant dense<0.0> : tensor<8x8xf32>
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %row = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<64xi32>
    %at = "astra.tile_reshape"(%row) : (tensor<64xi32>) -> tensor<8x8xi32>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<8x8xf32>) : i32 {
      %a = "astra.tile_load"(%x, %at) : (memref<?xf32>, tensor<8x8xi32>) -> tensor<8x8xf32>
      %next = "astra.tile_dot"(%a, %a, %acc) {precision = "ieee"}
          : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
      scf.yield %next : tensor<8x8xf32>
    }
    "astra.tile_store"(%x, %at, %r) : (memref<?xf32>, tensor<8x8xi32>, tensor<8x8xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func private @sum(
  // CHECK: arith.addf %{{.*}}, %{{.*}} : vector<8xf32>
  // CHECK: vector.extract_strided_slice %{{.*}} {offsets = [4], sizes = [4], strides = [1]}
  // CHECK: arith.addf %{{.*}}, %{{.*}} : vector<4xf32>
  // CHECK: arith.addf %{{.*}}, %{{.*}} : vector<1xf32>
  // CHECK: memref.store
  func.func @sum(%x: memref<?xf32>) attributes {astra.tile} {
    %i = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<16xi32>
    %c0 = arith.constant 0 : i32
    %a = "astra.tile_load"(%x, %i) : (memref<?xf32>, tensor<16xi32>) -> tensor<16xf32>
    %r = "astra.tile_reduce"(%a) ({
    ^bb0(%p: f32, %q: f32):
      %s = arith.addf %p, %q : f32
      "astra.yield"(%s) : (f32) -> ()
    }) {axis = 0 : i64} : (tensor<16xf32>) -> f32
    "astra.tile_store"(%x, %c0, %r) : (memref<?xf32>, i32, f32) -> ()
    return
  }
}
