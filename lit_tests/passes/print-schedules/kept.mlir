// A program without kernels has no schedules: nothing is printed but the program.
// RUN: %astra-opt %s --astra-print-schedules 2>&1 | %filecheck %s

// CHECK-NOT: Schedule
// CHECK: func.func @main(%arg0: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.negate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
