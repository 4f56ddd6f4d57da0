// Entry points take arrays of pointers; parallel calls pack what they captured. Tasks have one caller, so one copy.
// RUN: %astra-opt %s --astra-emit-entry | %filecheck %s

llvm.func @main(%x: !llvm.ptr, %o: !llvm.ptr, %c: !llvm.ptr, %arena: !llvm.ptr)
    attributes {astra.num_inputs = 1 : i64, astra.num_outputs = 1 : i64, astra.num_constants = 1 : i64} {
  %n = llvm.mlir.constant(8 : i64) : i64
  llvm.call @k.task0.parallel(%n, %x) : (i64, !llvm.ptr) -> ()
  llvm.return
}
llvm.func @k.task0(%begin: i64, %end: i64, %x: !llvm.ptr) {
  llvm.return
}
llvm.func @k.task0.parallel(i64, !llvm.ptr) attributes {sym_visibility = "private"}

// CHECK: llvm.func internal @k.task0(
// CHECK: llvm.func @astra_entry_main(%[[IN:.*]]: !llvm.ptr, %[[OUT:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr)
// CHECK:   llvm.getelementptr %[[IN]][0]
// CHECK:   llvm.getelementptr %[[OUT]][0]
// CHECK:   llvm.getelementptr %[[IN]][1]
// CHECK:   llvm.call @main(
// CHECK: llvm.func internal @k.task0.range(%[[CONTEXT:.*]]: !llvm.ptr, %[[B:.*]]: i64, %[[E:.*]]: i64)
// CHECK:   %[[SLOT:.*]] = llvm.getelementptr %[[CONTEXT]][0] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK:   %[[X:.*]] = llvm.load %[[SLOT]]
// CHECK:   llvm.call @k.task0(%[[B]], %[[E]], %[[X]])
// CHECK: llvm.func internal @k.task0.parallel(%[[N:.*]]: i64, %[[Y:.*]]: !llvm.ptr)
// CHECK:   llvm.call @astra_parallel_for(%{{.*}}, %{{.*}}, %[[N]])
