// A running value less each element is a sum of the negated elements: subtractions cannot be put in a tree.
// RUN: %astra-opt %s --astra-kernels-to-tile --canonicalize --cse | %filecheck %s
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
module {
  // CHECK: func.func private @tile_
  // CHECK: %[[X:.*]] = "astra.tile_load"(%arg0, {{.*}} -> tensor<8x32xf32>
  // CHECK: %[[NEGATED:.*]] = arith.subf %{{.*}}, %[[X]] : tensor<8x32xf32>
  // CHECK: "astra.tile_reduce"(%[[NEGATED]])
  // CHECK: arith.addf
  func.func private @kernel_0(%x: memref<256xf32>, %y: memref<8xf32>) attributes {astra.shared_loops = 1 : i64} {
    %rows = memref.reinterpret_cast %x to offset: [0], sizes: [8, 32], strides: [32, 1]
        : memref<256xf32> to memref<8x32xf32>
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%rows : memref<8x32xf32>) outs(%y : memref<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.subf %out, %in : f32
      linalg.yield %0 : f32
    }
    return
  }
}
