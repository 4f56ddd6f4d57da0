// A large buffer that is dead before a result is first written lives in that result; one that meets it does not.
// RUN: %astra-opt %s --astra-plan-memory | %filecheck %s

// CHECK: module attributes {astra.arena_bytes = 8192 : i64}
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %arg0: memref<8192xi8>, %[[RESULT:.*]]: memref<8192xi8>, %[[ARENA:.*]]: memref<8192xi8>)
// CHECK:         %[[FIRST:.*]] = memref.view %[[RESULT]][%{{.*}}][] : memref<8192xi8> to memref<8192xi8>
// CHECK:         %[[SECOND:.*]] = memref.view %[[ARENA]]
// CHECK:         call @use(%arg0, %[[FIRST]])
// CHECK:         call @use(%[[FIRST]], %[[SECOND]])
// CHECK:         call @use(%[[SECOND]], %[[RESULT]])
func.func private @use(memref<8192xi8>, memref<8192xi8>)
func.func @main(%x: memref<8192xi8>, %y: memref<8192xi8>) attributes {astra.num_inputs = 1 : i64, astra.num_outputs = 1 : i64} {
  %a = memref.alloc() : memref<8192xi8>
  %b = memref.alloc() : memref<8192xi8>
  call @use(%x, %a) : (memref<8192xi8>, memref<8192xi8>) -> ()
  call @use(%a, %b) : (memref<8192xi8>, memref<8192xi8>) -> ()
  call @use(%b, %y) : (memref<8192xi8>, memref<8192xi8>) -> ()
  return
}
