// The body of a parallel loop becomes a function of a range of tasks; its stack buffers are made once, at entry.
// RUN: %astra-opt %s --astra-outline-parallel | %filecheck %s

// CHECK-LABEL: func.func private @serial()
// CHECK-NEXT:    return
// CHECK-LABEL: func.func private @kernel(
// CHECK:         %[[COUNT:.*]] = arith.constant 64 : index
// CHECK:         call @kernel.task0.parallel(%[[COUNT]], %arg0)
// CHECK-LABEL: func.func private @kernel.task0(
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<64xf32> {llvm.noalias}) attributes {llvm.bareptr}
// CHECK-NEXT:    memref.alloca
// CHECK:         scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// CHECK:           memref.store
// CHECK:       func.func private @kernel.task0.parallel(index, memref<64xf32>)
// A function without parallel loops stays as it is.
func.func private @serial() {
  return
}
func.func private @kernel(%x: memref<64xf32> {llvm.noalias}) {
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  scf.forall (%i, %j) in (8, 8) {
    %buffer = memref.alloca() : memref<4xf32>
    memref.store %one, %buffer[%c0] : memref<4xf32>
    %c8 = arith.constant 8 : index
    %row = arith.muli %i, %c8 : index
    %k = arith.addi %row, %j : index
    memref.store %one, %x[%k] : memref<64xf32>
  }
  return
}

