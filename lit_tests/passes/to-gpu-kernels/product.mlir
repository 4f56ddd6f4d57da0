// A product is a launch of a tile function; what neither that nor linalg has is refused by name.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
module {
  // CHECK-LABEL: func.func @main(
  // CHECK: "astra.kernel_call"(%arg0, %arg1, %{{.*}}) {callee = @[[HOST:astra_dot_.*]], num_outs = 1 : i64}
  func.func @main(%x: tensor<64x32xf32>, %w: tensor<32x48xf32>) -> tensor<64x48xf32> {
    %0 = "astra.dot_general"(%x, %w) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
        : (tensor<64x32xf32>, tensor<32x48xf32>) -> tensor<64x48xf32>
    return %0 : tensor<64x48xf32>
  }
  // CHECK: func.func private @[[HOST]](
  // CHECK-NEXT: "astra.gpu_launch"(%arg0, %arg1, %arg2) {{.*}}kernel = @[[TILE:gemm_.*]]}
  // CHECK: func.func private @[[TILE]](
  // CHECK: "astra.tile_dot"({{.*}}) {precision = "3xtf32"}
}
