// A buffer made before a loop and first used at the loop's end lives through the whole loop: what one iteration wrote
// must still be there after the next, so the temporaries of an iteration must not share its place.
// RUN: %astra-opt %s --astra-plan-memory | %filecheck %s

// CHECK: astra.arena_bytes = 1536
// CHECK: memref.view %arg1[%c0{{.*}}][] : memref<1536xi8> to memref<1024xi8>
// CHECK: scf.for
// CHECK: memref.view %arg1[%c1024][] : memref<1536xi8> to memref<512xi8>
func.func @main(%out: memref<1024xi8>) attributes {astra.num_inputs = 0 : i64} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 16 : index
  %rows = memref.alloc() : memref<1024xi8>
  scf.for %i = %zero to %n step %one {
    %temporary = memref.alloc() : memref<512xi8>
    func.call @make(%temporary) : (memref<512xi8>) -> ()
    func.call @store(%temporary, %i, %rows) : (memref<512xi8>, index, memref<1024xi8>) -> ()
  }
  func.call @copy(%rows, %out) : (memref<1024xi8>, memref<1024xi8>) -> ()
  return
}
func.func private @make(memref<512xi8>)
func.func private @store(memref<512xi8>, index, memref<1024xi8>)
func.func private @copy(memref<1024xi8>, memref<1024xi8>)
