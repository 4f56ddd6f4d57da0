// What is no kernel stays on the host: its control flow, and functions without a body.
// RUN: %astra-opt %s --astra-kernels-to-tile | %filecheck %s
// CHECK-LABEL: func.func @main(
// CHECK: scf.if
// CHECK-NOT: astra.gpu_launch
// CHECK: func.func private @elsewhere()
module {
  func.func @main(%c: i1) {
    scf.if %c {
      func.call @elsewhere() : () -> ()
    }
    return
  }
  func.func private @elsewhere()
}
