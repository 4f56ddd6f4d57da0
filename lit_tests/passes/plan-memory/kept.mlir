// Functions that Astra did not bufferize keep their allocations and their signature; a stack buffer stays on the stack,
// and memory of the caller is no part of the arena.
// RUN: %astra-opt %s --astra-plan-memory | %filecheck %s

// CHECK: module attributes {astra.arena_bytes = 0 : i64}
// CHECK-LABEL: func.func @other() -> memref<64xi8>
// CHECK-NEXT:    memref.alloc() : memref<64xi8>
// CHECK-NEXT:    return
func.func @other() -> memref<64xi8> {
  %a = memref.alloc() : memref<64xi8>
  return %a : memref<64xi8>
}

// CHECK-LABEL: func.func @compiled(%arg0: memref<64xi8>, %arg1: memref<0xi8>)
// CHECK-NEXT:    memref.alloca() : memref<64xi8>
// CHECK-NEXT:    call @use(%arg0,
func.func @compiled(%x: memref<64xi8>) attributes {astra.num_inputs = 1 : i64} {
  %a = memref.alloca() : memref<64xi8>
  func.call @use(%x, %a) : (memref<64xi8>, memref<64xi8>) -> ()
  return
}
func.func private @use(memref<64xi8>, memref<64xi8>)
