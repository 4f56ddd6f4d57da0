// A loop nest whose indices are not linear in the loops is refused, with the place of the operation.
// RUN: %astra-opt %s --verify-diagnostics --astra-kernels-to-loops

#modulo = affine_map<(d0) -> (d0 mod 4)>
#i = affine_map<(d0) -> (d0)>
func.func private @wrapped(%x: memref<16xf32>, %o: memref<16xf32>) attributes {astra.shared_loops = 1 : i64} {
  // expected-error@+1 {{indexing expression d0 mod 4 is not linear}}
  linalg.generic {indexing_maps = [#modulo, #i], iterator_types = ["parallel"]} ins(%x : memref<16xf32>) outs(%o : memref<16xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}
