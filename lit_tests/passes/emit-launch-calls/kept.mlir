// Other functions without a body, and those that have one, stay as they are.
// RUN: %astra-opt %s --astra-emit-launch-calls | %filecheck %s
// CHECK-NOT: astra_gpu_launch
module {
  // CHECK: llvm.func @elsewhere(i64)
  llvm.func @elsewhere(i64)
  // CHECK: llvm.func @main() {
  // CHECK-NEXT: llvm.return
  llvm.func @main() {
    llvm.return
  }
}
