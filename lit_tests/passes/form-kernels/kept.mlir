// A call of a kernel that exists already is left alone, and nothing moves across it: it may read or write any buffer, so
// the operations before and after it form kernels of their own.
// RUN: %astra-opt %s --astra-form-kernels | %filecheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @main
// CHECK:         call @kernel_0
// CHECK:         call @sorted
// CHECK:         call @kernel_{{[01]}}
// CHECK-NOT:     call
// CHECK:       func.func private @sorted(memref<8xf32>, memref<8xf32>)
func.func @main(%x: memref<8xf32>, %a: memref<8xf32>, %o: memref<8xf32>) attributes {astra.num_inputs = 1 : i64} {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<8xf32>) outs(%a : memref<8xf32>) {
  ^bb0(%p: f32, %q: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  }
  func.call @sorted(%a, %o) : (memref<8xf32>, memref<8xf32>) -> ()
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%o : memref<8xf32>) outs(%a : memref<8xf32>) {
  ^bb0(%p: f32, %q: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  }
  return
}
func.func private @sorted(memref<8xf32>, memref<8xf32>)
