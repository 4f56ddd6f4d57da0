// Rows that are looked up: those of a few iterations later are fetched into the second-level cache, a line at a time.
// A result past the cache that only copies goes without a buffer.  Places that the kernel itself computes, and arrays
// that the cache holds, fetch nothing.
// RUN: %astra-opt %s --astra-kernels-to-loops --canonicalize --cse --split-input-file | %filecheck %s

#rows = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func private @embedding
// CHECK-DAG:     %[[AHEAD:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[LAST:.*]] = arith.constant 8191 : index
// CHECK:         scf.forall
// CHECK:           scf.for %[[ROW:.*]] = {{.*}}
// CHECK:             %[[NEXT:.*]] = arith.addi %[[ROW]], %[[AHEAD]]
// CHECK:             %[[LATER:.*]] = arith.minui %[[NEXT]], %[[LAST]]
// CHECK:             memref.load %arg0[%[[LATER]]]
// CHECK:             scf.for %{{.*}} = %c0 to %c48
// CHECK:               memref.prefetch {{.*}}, read, locality<2>, data
// CHECK:             memref.load %arg0[%[[ROW]]]
// CHECK-NOT:         memref.alloca
// CHECK:               %[[LINE:.*]] = vector.load %reinterpret_cast{{.*}} vector<16xf32>
// CHECK:               vector.store %[[LINE]], %arg1{{.*}} nontemporal = true
func.func private @embedding(%r: memref<8192xi32> {llvm.noalias}, %o: memref<6291456xf32> {llvm.noalias}, %t: memref<38400000xf32> {llvm.noalias}) attributes {astra.shared_loops = 2 : i64, astra.streamed = array<i64: 1>} {
  %v = memref.reinterpret_cast %o to offset: [0], sizes: [8192, 768], strides: [768, 1] : memref<6291456xf32> to memref<8192x768xf32>
  %w = memref.reinterpret_cast %t to offset: [0], sizes: [50000, 768], strides: [768, 1] : memref<38400000xf32> to memref<50000x768xf32>
  linalg.generic {indexing_maps = [#rows, #all], iterator_types = ["parallel", "parallel"]} ins(%r : memref<8192xi32>) outs(%v : memref<8192x768xf32>) {
  ^bb0(%in: i32, %out: f32):
    %i = arith.index_cast %in : i32 to index
    %j = linalg.index 1 : index
    %x = memref.load %w[%i, %j] : memref<50000x768xf32>
    linalg.yield %x : f32
  }
  return
}

// -----

#rows = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func private @small_table
// CHECK-NOT:     memref.prefetch
func.func private @small_table(%r: memref<8192xi32> {llvm.noalias}, %o: memref<1048576xf32> {llvm.noalias}, %t: memref<12800xf32> {llvm.noalias}) attributes {astra.shared_loops = 2 : i64} {
  %v = memref.reinterpret_cast %o to offset: [0], sizes: [8192, 128], strides: [128, 1] : memref<1048576xf32> to memref<8192x128xf32>
  %w = memref.reinterpret_cast %t to offset: [0], sizes: [100, 128], strides: [128, 1] : memref<12800xf32> to memref<100x128xf32>
  linalg.generic {indexing_maps = [#rows, #all], iterator_types = ["parallel", "parallel"]} ins(%r : memref<8192xi32>) outs(%v : memref<8192x128xf32>) {
  ^bb0(%in: i32, %out: f32):
    %i = arith.index_cast %in : i32 to index
    %j = linalg.index 1 : index
    %x = memref.load %w[%i, %j] : memref<100x128xf32>
    linalg.yield %x : f32
  }
  return
}

// -----

#rows = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func private @computed_places
// CHECK-NOT:     memref.prefetch
func.func private @computed_places(%p: memref<8192xi32> {llvm.noalias}, %r: memref<8192xi32> {llvm.noalias}, %o: memref<6291456xf32> {llvm.noalias}, %t: memref<38400000xf32> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64} {
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%p : memref<8192xi32>) outs(%r : memref<8192xi32>) {
  ^bb0(%in: i32, %out: i32):
    %two = arith.addi %in, %in : i32
    linalg.yield %two : i32
  }
  %v = memref.reinterpret_cast %o to offset: [0], sizes: [8192, 768], strides: [768, 1] : memref<6291456xf32> to memref<8192x768xf32>
  %w = memref.reinterpret_cast %t to offset: [0], sizes: [50000, 768], strides: [768, 1] : memref<38400000xf32> to memref<50000x768xf32>
  linalg.generic {indexing_maps = [#rows, #all], iterator_types = ["parallel", "parallel"]} ins(%r : memref<8192xi32>) outs(%v : memref<8192x768xf32>) {
  ^bb0(%in: i32, %out: f32):
    %i = arith.index_cast %in : i32 to index
    %j = linalg.index 1 : index
    %x = memref.load %w[%i, %j] : memref<50000x768xf32>
    linalg.yield %x : f32
  }
  return
}
