// A kernel of a few elements that is called in a loop is straight-line vector code.
// RUN: %astra-opt %s --astra-kernels-to-loops --split-input-file | %filecheck %s

#row = affine_map<(d0) -> (d0)>
#matrix = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>
#rows = affine_map<(d0, d1) -> (d0)>

// A product: the steps of the sum are vectors, added in pairs.
// CHECK-LABEL: func.func private @product
// CHECK-NOT:   scf.for
// CHECK:       %[[INITIAL:.*]] = vector.load %arg2[%{{.*}}] : memref<4xf32>, vector<4xf32>
// CHECK:       vector.shuffle %{{.*}} [0, 4, 8, 12]
// CHECK:       %[[X:.*]] = memref.load %arg1
// CHECK-NEXT:  vector.broadcast %[[X]] : f32 to vector<4xf32>
// CHECK-NEXT:  %[[P0:.*]] = arith.mulf
// CHECK-NEXT:  %[[S0:.*]] = arith.addf %[[INITIAL]], %[[P0]] fastmath<contract> : vector<4xf32>
// CHECK:       %[[P1:.*]] = arith.mulf
// CHECK-NEXT:  %[[S1:.*]] = arith.addf %[[S0]], %[[P1]] fastmath<contract>
// CHECK:       %[[P2:.*]] = arith.mulf
// CHECK:       %[[P3:.*]] = arith.mulf
// CHECK-NEXT:  %[[S2:.*]] = arith.addf %[[P2]], %[[P3]] fastmath<contract>
// CHECK-NEXT:  %[[S3:.*]] = arith.addf %[[S1]], %[[S2]] fastmath<contract>
// CHECK:       vector.store %[[S3]], %arg2
func.func private @product(%a: memref<16xf32>, %x: memref<4xf32>, %y: memref<4xf32>)
    attributes {astra.shared_loops = 1 : i64, astra.in_loop} {
  %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<16xf32> to memref<4x4xf32>
  linalg.generic {indexing_maps = [#matrix, #columns, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%m, %x : memref<4x4xf32>, memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// A larger matrix: all products at once, then neighbours are added until each row has one.
// CHECK-LABEL: func.func private @rows
// CHECK:       vector.load %arg0[%{{.*}}] : memref<128xf32>, vector<128xf32>
// CHECK:       %[[ALL:.*]] = arith.mulf %{{.*}} : vector<128xf32>
// CHECK-NEXT:  %[[EVEN:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [0, 2, 4,
// CHECK-NEXT:  %[[ODD:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [1, 3, 5,
// CHECK-NEXT:  arith.addf %[[EVEN]], %[[ODD]] fastmath<contract> : vector<64xf32>
// CHECK:       arith.addf %{{.*}} : vector<16xf32>
// CHECK:       vector.store %{{.*}}, %arg2[%{{.*}}] : memref<16xf32>, vector<16xf32>
func.func private @rows(%a: memref<128xf32>, %x: memref<8xf32>, %y: memref<16xf32>)
    attributes {astra.shared_loops = 1 : i64, astra.in_loop} {
  %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 8], strides: [8, 1] : memref<128xf32> to memref<16x8xf32>
  linalg.generic {indexing_maps = [#matrix, #columns, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%m, %x : memref<16x8xf32>, memref<8xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// A single sum: its steps are lanes, halves of which are added.
// CHECK-LABEL: func.func private @sum
// CHECK:       %[[ALL:.*]] = vector.load %arg0[%{{.*}}] : memref<8xf32>, vector<8xf32>
// CHECK-NEXT:  %[[LOW:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [0, 1, 2, 3]
// CHECK-NEXT:  %[[HIGH:.*]] = vector.shuffle %[[ALL]], %[[ALL]] [4, 5, 6, 7]
// CHECK-NEXT:  arith.addf %[[LOW]], %[[HIGH]] fastmath<contract> : vector<4xf32>
// CHECK:       memref.store %{{.*}}, %arg1
func.func private @sum(%x: memref<8xf32>, %y: memref<1xf32>)
    attributes {astra.shared_loops = 0 : i64, astra.in_loop} {
  linalg.generic {indexing_maps = [#row, affine_map<(d0) -> (0)>], iterator_types = ["reduction"]}
      ins(%x : memref<8xf32>) outs(%y : memref<1xf32>) {
  ^bb0(%p: f32, %out: f32):
    %0 = arith.addf %out, %p fastmath<reassoc> : f32
    linalg.yield %0 : f32
  }
  return
}

// Sums that must be done in order are.
// CHECK-LABEL: func.func private @ordered
// CHECK:       %[[S:.*]] = arith.addf %{{.*}}, %{{.*}} : f32
// CHECK:       arith.addf %[[S]], %{{.*}} : f32
func.func private @ordered(%x: memref<2xf32>, %y: memref<1xf32>)
    attributes {astra.shared_loops = 0 : i64, astra.in_loop} {
  linalg.generic {indexing_maps = [#row, affine_map<(d0) -> (0)>], iterator_types = ["reduction"]}
      ins(%x : memref<2xf32>) outs(%y : memref<1xf32>) {
  ^bb0(%p: f32, %out: f32):
    %0 = arith.addf %out, %p : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Kernels that are not called in a loop, or are larger, keep their loops.
// CHECK-LABEL: func.func private @once
// CHECK:       scf.for
func.func private @once(%x: memref<8xf32>, %y: memref<8xf32>) attributes {astra.shared_loops = 1 : i64} {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%p: f32, %out: f32):
    linalg.yield %p : f32
  }
  return
}
// CHECK-LABEL: func.func private @larger
// CHECK:       scf.for
func.func private @larger(%x: memref<80xf32>, %y: memref<80xf32>)
    attributes {astra.shared_loops = 1 : i64, astra.in_loop} {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : memref<80xf32>) outs(%y : memref<80xf32>) {
  ^bb0(%p: f32, %out: f32):
    linalg.yield %p : f32
  }
  return
}
