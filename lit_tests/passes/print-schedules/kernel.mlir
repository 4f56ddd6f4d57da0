// What was chosen for a kernel is printed; the program stays as it is.
// RUN: %astra-opt %s --astra-to-kernels --astra-print-schedules 2>&1 | %filecheck %s

// CHECK: @astra_dot_{{.*}}: GemmSchedule(gemm=[f32 x f32 -> f32, 1 x 256 x 256 x 256]
// CHECK: func.func @main
module attributes {astra.target = "x86-64-v3"} {
  func.func @main(%x: tensor<256x256xf32>, %y: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = "astra.dot_general"(%x, %y) {
      lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>,
      rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
    return %0 : tensor<256x256xf32>
  }
}
