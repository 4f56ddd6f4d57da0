// Serial loops, declarations, and parallel loops inside of a parallel loop stay where they are: only the outermost
// parallel loop is handed to the runtime, which would run a nested one on the calling thread anyway.
// RUN: %astra-opt %s --astra-outline-parallel | %filecheck %s

// CHECK-LABEL: func.func private @outside(memref<64xf32>)
func.func private @outside(memref<64xf32>)

// CHECK-LABEL: func.func private @serial(
// CHECK:         scf.for
// CHECK-NEXT:      memref.store
// CHECK-NOT:     task
func.func private @serial(%x: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 64 : index
  %value = arith.constant 1.0 : f32
  scf.for %i = %zero to %end step %one {
    memref.store %value, %x[%i] : memref<64xf32>
  }
  return
}

// CHECK-LABEL: func.func private @nested(
// CHECK:         call @nested.task0.parallel
// CHECK-LABEL: func.func private @nested.task0(
// CHECK:         scf.for
// CHECK:           scf.forall
// CHECK-NOT:     @nested.task1
func.func private @nested(%x: memref<8x8xf32>) {
  %value = arith.constant 1.0 : f32
  scf.forall (%i) in (8) {
    scf.forall (%j) in (8) {
      memref.store %value, %x[%i, %j] : memref<8x8xf32>
    }
  }
  return
}
