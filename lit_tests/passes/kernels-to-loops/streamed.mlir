// Stores past the cache: a block is computed into a buffer, and copied from there by lines if the memory is aligned.
// RUN: %astra-opt %s --astra-kernels-to-loops --canonicalize --cse | %filecheck %s

#i = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func private @streamed
// CHECK:         memref.extract_aligned_pointer_as_index
// CHECK:         scf.forall
// CHECK:           memref.alloca() {alignment = 64 : i64} : memref<1024xf32>
// CHECK:           scf.if
// CHECK:             vector.store {{.*}} {alignment = 64 : i64, nontemporal = true} : {{.*}} vector<16xf32>
// CHECK:           else
// CHECK:             vector.store
// CHECK:           llvm.fence seq_cst
func.func private @streamed(%x: memref<16777216xf32> {llvm.noalias}, %o: memref<16777216xf32> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64, astra.streamed = array<i64: 1>} {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%x : memref<16777216xf32>) outs(%o : memref<16777216xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  return
}

// An i1 is a byte in memory and a bit in a vector: what is stored past the cache are vectors of bytes.
// CHECK-LABEL: func.func private @bits
// CHECK:         memref.alloca() {{.*}} : memref<1024xi1>
// CHECK:         scf.if
// CHECK:           %[[BYTES:.*]] = vector.load {{.*}} : memref<1024xi8>, vector<64xi8>
// CHECK:           vector.store %[[BYTES]], {{.*}} nontemporal = true} : memref<67108864xi8>
func.func private @bits(%x: memref<67108864xf32> {llvm.noalias}, %o: memref<67108864xi1> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64, astra.streamed = array<i64: 1>} {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%x : memref<67108864xf32>) outs(%o : memref<67108864xi1>) {
  ^bb0(%a: f32, %b: i1):
    %0 = arith.cmpf oeq, %a, %a : f32
    linalg.yield %0 : i1
  }
  return
}
