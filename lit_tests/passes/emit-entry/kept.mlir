// Functions that nobody outside calls are helpers and get no entry; a task that has its body already is not
// written again.
// RUN: %astra-opt %s --astra-emit-entry | %filecheck %s

// CHECK-NOT: @astra_parallel_for
// CHECK-NOT: astra_entry
// CHECK: llvm.func @kernel.task0.parallel(%{{.*}}: i64) {
// CHECK-NEXT: llvm.return
// CHECK-NEXT: }
// CHECK-NEXT: llvm.func @helper() {
// CHECK: llvm.call @kernel.task0.parallel
// CHECK-NOT: @astra_parallel_for
// CHECK-NOT: astra_entry
llvm.func @kernel.task0.parallel(%count: i64) {
  llvm.return
}
llvm.func @helper() {
  %n = llvm.mlir.constant(8 : i64) : i64
  llvm.call @kernel.task0.parallel(%n) : (i64) -> ()
  llvm.return
}
