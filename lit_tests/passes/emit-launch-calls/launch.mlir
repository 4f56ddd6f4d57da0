// A launch packs its values and their addresses; an element is read into the frame.
// RUN: %astra-opt %s --astra-emit-launch-calls | %filecheck %s
module {
  llvm.func @"astra.launch.2.4.1.1.i64.f32"(i64, f32) attributes {sym_visibility = "private"}
  llvm.func @astra.read.f32(i64) -> f32 attributes {sym_visibility = "private"}
}
// CHECK: llvm.func @astra_gpu_launch(i64, !llvm.ptr, !llvm.ptr)
// CHECK: llvm.func internal @astra.launch.2.4.1.1.i64.f32(%[[A:.*]]: i64, %[[B:.*]]: f32)
// CHECK: llvm.store %[[A]], %{{.*}} : i64, !llvm.ptr
// CHECK: llvm.store %[[B]], %{{.*}} : f32, !llvm.ptr
// CHECK: %[[N:.*]] = llvm.mlir.constant(2 : i64) : i64
// CHECK: llvm.call @astra_gpu_launch(%[[N]],
// CHECK: llvm.func internal @astra.read.f32(%{{.*}}: i64) -> f32
// CHECK: llvm.call @astra_gpu_read
