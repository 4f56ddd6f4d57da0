// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A product of complex matrices is the real product of twice the columns and steps: the right operand is written out as
// 2 x 2 matrices into scratch, the others are taken as they lie.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @main
  // CHECK: "astra.kernel_call"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {{{.*}}callee = @[[K:astra_dot_[0-9a-f]+]]
  // CHECK: func.func private @astra_gemm_micro_f32_8x32
  // CHECK: func.func private @[[K]]_parts({{.*}}: memref<32768xf32>, {{.*}}: memref<65536xf32>, {{.*}}: memref<32768xf32>
  // CHECK: func.func private @[[K]](%{{.*}}: memref<128x128xcomplex<f32>>
  // CHECK: builtin.unrealized_conversion_cast %{{.*}} : memref<16384xcomplex<f32>> to memref<32768xf32>
  // CHECK: vector.shuffle
  // CHECK: call @[[K]]_parts
  func.func @main(%a: tensor<128x128xcomplex<f32>>, %b: tensor<128x128xcomplex<f32>>) -> tensor<128x128xcomplex<f32>> {
    %0 = "astra.dot_general"(%a, %b) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<128x128xcomplex<f32>>, tensor<128x128xcomplex<f32>>) -> tensor<128x128xcomplex<f32>>
    return %0 : tensor<128x128xcomplex<f32>>
  }
}
