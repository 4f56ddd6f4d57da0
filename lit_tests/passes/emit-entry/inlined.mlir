// Small kernels are inlined where they are called in a loop; others stay apart, so that each is optimized once.
// RUN: %astra-opt %s --astra-emit-entry | %filecheck %s

// CHECK-LABEL: llvm.func internal @main
// CHECK:       llvm.call @apart({{.*}}) {no_inline}
// CHECK:       llvm.call @kernel({{.*}}) {always_inline}
// CHECK:       llvm.call @apart({{.*}}) {no_inline}
// CHECK:       llvm.func internal @kernel
// CHECK:       llvm.func @apart
llvm.func @main(%x: !llvm.ptr, %arena: !llvm.ptr)
    attributes {astra.num_inputs = 1 : i64, astra.num_outputs = 0 : i64, astra.num_constants = 0 : i64} {
  %one = llvm.mlir.constant(1 : i64) : i64
  %n = llvm.mlir.constant(8 : i64) : i64
  llvm.call @apart(%x) : (!llvm.ptr) -> ()
  llvm.br ^head(%one : i64)
^head(%i: i64):
  %more = llvm.icmp "slt" %i, %n : i64
  llvm.cond_br %more, ^body, ^end
^body:
  llvm.call @kernel(%x) : (!llvm.ptr) -> ()
  llvm.call @apart(%x) : (!llvm.ptr) -> ()
  %next = llvm.add %i, %one : i64
  llvm.br ^head(%next : i64)
^end:
  llvm.return
}
llvm.func @kernel(%x: !llvm.ptr) {
  %0 = llvm.load %x : !llvm.ptr -> f32
  %1 = llvm.fadd %0, %0 : f32
  llvm.store %1, %x : f32, !llvm.ptr
  llvm.return
}
llvm.func @apart(%x: !llvm.ptr) {
  llvm.call @kernel.task0.parallel(%x) : (!llvm.ptr) -> ()
  llvm.return
}
llvm.func @kernel.task0.parallel(%x: !llvm.ptr) {
  llvm.return
}
