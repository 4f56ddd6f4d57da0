// What follows a product element by element is in its tile function: a bias along columns, a folded scale, a residual.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
module {
  // CHECK-LABEL: func.func @main(
  // CHECK-NOT: astra.rsqrt
  // CHECK: %[[R:.*]] = "astra.kernel_call"(%arg0, %arg1, %arg2, %arg3, %arg4, %{{.*}}) {callee = @[[HOST:astra_dot_.*]], num_outs = 1 : i64}
  // CHECK-NEXT: return %[[R]]
  func.func @main(%x: tensor<64x32xf32>, %w: tensor<32x48xf32>, %b: tensor<48xf32>, %v: tensor<48xf32>,
                  %y: tensor<64x48xf32>) -> tensor<64x48xf32> {
    %0 = "astra.dot_general"(%x, %w) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
        : (tensor<64x32xf32>, tensor<32x48xf32>) -> tensor<64x48xf32>
    %1 = "astra.broadcast"(%b) {dimensions = array<i64: 1>} : (tensor<48xf32>) -> tensor<64x48xf32>
    %2 = "astra.add"(%0, %1) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    %3 = "astra.rsqrt"(%v) : (tensor<48xf32>) -> tensor<48xf32>
    %4 = "astra.broadcast"(%3) {dimensions = array<i64: 1>} : (tensor<48xf32>) -> tensor<64x48xf32>
    %5 = "astra.multiply"(%2, %4) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    %6 = "astra.add"(%y, %5) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    return %6 : tensor<64x48xf32>
  }
  // The operands come behind the result.
  // CHECK: func.func private @[[HOST]](
  // CHECK-NEXT: "astra.gpu_launch"(%arg0, %arg1, %arg5, %arg2, %arg3, %arg4)
  // CHECK: "astra.tile_dot"
  // CHECK: "astra.tile_load"({{.*}}) : (memref<?xf32>, tensor<1x{{.*}}xi32>
  // CHECK: math.rsqrt
  // CHECK: "astra.tile_store"
}
