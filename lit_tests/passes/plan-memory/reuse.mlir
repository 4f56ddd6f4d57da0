// Buffers whose lives do not overlap share memory; a buffer made outside of a loop lives through it.
// RUN: %astra-opt %s --astra-plan-memory --split-input-file | %filecheck %s

// CHECK: module attributes {astra.arena_bytes = 128 : i64}
// CHECK-LABEL: func.func @chain(%arg0: memref<64xi8>, %[[ARENA:.*]]: memref<128xi8>)
// CHECK-NOT:   memref.alloc
func.func private @use(memref<64xi8>, memref<64xi8>)
func.func @chain(%x: memref<64xi8>) attributes {astra.num_inputs = 1 : i64} {
  %a = memref.alloc() : memref<64xi8>
  %b = memref.alloc() : memref<64xi8>
  %c = memref.alloc() : memref<64xi8>
  call @use(%x, %a) : (memref<64xi8>, memref<64xi8>) -> ()
  call @use(%a, %b) : (memref<64xi8>, memref<64xi8>) -> ()
  call @use(%b, %c) : (memref<64xi8>, memref<64xi8>) -> ()
  return
}

// -----

// CHECK: module attributes {astra.arena_bytes = 1536 : i64}
// CHECK-LABEL: func.func @loop
func.func private @use(memref<512xi8>, memref<512xi8>)
func.func @loop(%x: memref<512xi8>, %n: index) attributes {astra.num_inputs = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<512xi8>
  scf.for %i = %c0 to %n step %c1 {
    %b = memref.alloc() : memref<512xi8>
    %c = memref.alloc() : memref<512xi8>
    func.call @use(%a, %b) : (memref<512xi8>, memref<512xi8>) -> ()
    func.call @use(%b, %c) : (memref<512xi8>, memref<512xi8>) -> ()
  }
  return
}

// -----

// Small buffers used in a loop are on the stack, where LLVM can make registers of them.
// CHECK: module attributes {astra.arena_bytes = 0 : i64}
// CHECK-LABEL: func.func @small
// CHECK-NEXT:  memref.alloca() : memref<64xi8>
// CHECK-NEXT:  memref.alloca() : memref<64xi8>
func.func private @use(memref<64xi8>, memref<64xi8>)
func.func @small(%x: memref<64xi8>, %n: index) attributes {astra.num_inputs = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<64xi8>
  scf.for %i = %c0 to %n step %c1 {
    %b = memref.alloc() : memref<64xi8>
    func.call @use(%a, %b) : (memref<64xi8>, memref<64xi8>) -> ()
  }
  return
}

// -----

// Functions that were not bufferized by Astra are left alone.
// CHECK-LABEL: func.func @other
// CHECK:         memref.alloc
func.func @other() -> memref<64xi8> {
  %a = memref.alloc() : memref<64xi8>
  return %a : memref<64xi8>
}
