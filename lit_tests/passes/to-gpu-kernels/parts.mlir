// Few tiles and a long sum: its parts are programs of their own, and their sums are added in order, with the epilogue.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
module {
  // CHECK: "astra.kernel_call"({{.*}}num_outs = 2 : i64, num_scratch = 1 : i64}
  func.func @main(%x: tensor<4096x32xf32>, %w: tensor<4096x48xf32>) -> tensor<32x48xf32> {
    %0 = "astra.dot_general"(%x, %w) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 0>}
        : (tensor<4096x32xf32>, tensor<4096x48xf32>) -> tensor<32x48xf32>
    %1 = "astra.tanh"(%0) : (tensor<32x48xf32>) -> tensor<32x48xf32>
    return %1 : tensor<32x48xf32>
  }
  // CHECK: "astra.gpu_launch"({{.*}}grid = array<i64: [[TILES:[0-9]+]], [[PARTS:[0-9]+]], 1>, kernel = @gemm_parts
  // CHECK: "astra.gpu_launch"({{.*}}kernel = @gemm_sums
  // CHECK: func.func private @gemm_parts
  // CHECK: "astra.tile_program_id"() {axis = 1
  // CHECK: func.func private @gemm_sums
  // CHECK: math.tanh
}
