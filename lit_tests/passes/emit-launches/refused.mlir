// What is left on the host and is no launch is refused where it stands.
// RUN: %astra-opt %s --astra-emit-launches --verify-diagnostics
func.func @main(%x: memref<16xf32>) attributes {astra.num_inputs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  // expected-error@+1 {{linalg.fill runs on no GPU}}
  linalg.fill ins(%zero : f32) outs(%x : memref<16xf32>)
  return
}
