// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A product becomes a call of a kernel of its shape; kernels share the functions that depend on no shape.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @square
  // CHECK: %[[OUT:.*]] = tensor.empty() : tensor<256x256xf32>
  // CHECK: "astra.kernel_call"(%{{.*}}, %{{.*}}, %[[OUT]]) {{{.*}}callee = @[[K:astra_dot_[0-9a-f]+]], num_outs = 1 : i64}
  func.func @square(%a: tensor<256x256xf32>, %b: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = "astra.dot_general"(%a, %b) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
    return %0 : tensor<256x256xf32>
  }

  // The right operand of very many rows is packed once, for all tasks.
  // CHECK-LABEL: func.func @tall
  // CHECK: %[[OUT:.*]] = tensor.empty() : tensor<4096x256xf32>
  // CHECK: %[[PACKED:.*]] = tensor.empty() : tensor<32768xf32>
  // CHECK: "astra.kernel_call"(%{{.*}}, %{{.*}}, %[[OUT]], %[[PACKED]]) {{{.*}}callee = @[[TALL:astra_dot_[0-9a-f]+]], num_outs = 2 : i64, num_scratch = 1 : i64}
  func.func @tall(%a: tensor<4096x128xf32>, %b: tensor<128x256xf32>) -> tensor<4096x256xf32> {
    %0 = "astra.dot_general"(%a, %b) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<4096x128xf32>, tensor<128x256xf32>) -> tensor<4096x256xf32>
    return %0 : tensor<4096x256xf32>
  }

  // A few multiply-adds are left to linalg.
  // CHECK-LABEL: func.func @tiny
  // CHECK: astra.dot_general
  func.func @tiny(%a: tensor<4x4xf32>, %b: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = "astra.dot_general"(%a, %b) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }

  // The register tile: 8 rows of 2 vectors of 16, one broadcast for each row of a step.
  // CHECK-LABEL: func.func private @astra_gemm_micro_f32_8x32
  // CHECK: scf.for
  // CHECK-COUNT-2: vector.load %{{.*}} : memref<?xf32>, vector<16xf32>
  // CHECK: vector.broadcast
  // CHECK: vector.fma
  // CHECK: vector.fma
  // CHECK: vector.broadcast
  // CHECK-NOT: astra_gemm_micro
  // CHECK: func.func private @astra_gemm_macro_f32_8x32
  // Columns side by side in memory are copied, those of a transposed operand would be transposed in registers.
  // CHECK-NOT: vector.shuffle
  // CHECK: func.func private @[[COPY:astra_gemm_copy_f32_f32_32_v512]]
  // CHECK-NOT: vector.shuffle
  // The left operand is read where it lies; pieces of the right one are packed in each task.
  // CHECK: func.func private @[[TILE:astra_gemm_tile_[0-9a-f]+]]
  // CHECK: call @[[COPY]]
  // CHECK: call @astra_gemm_macro_f32_8x32
  // CHECK: func.func private @[[K]](
  // CHECK: scf.forall
  // CHECK: call @[[TILE]]
  // CHECK: func.func private @[[PANEL:astra_gemm_panel_[0-9a-f]+]]
  // CHECK: func.func private @[[TALL]](
  // CHECK: call @[[PANEL]]
  // CHECK: scf.forall
}
