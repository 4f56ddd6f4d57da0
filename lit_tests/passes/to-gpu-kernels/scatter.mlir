// Many updates: their places, a sort of those, and chunks that are combined; integers are added by atomic operations.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
// RUN: env ASTRA_GPU_ATOMICS=1 %astra-opt %s --astra-to-gpu-kernels | %filecheck %s --check-prefix=ATOMIC
module {
  // CHECK-LABEL: func.func @sums(
  // CHECK: callee = @[[SUMS:astra_scatter_add_[0-9a-f]*]],
  func.func @sums(%x: tensor<64xf32>, %i: tensor<2048x1xi32>, %v: tensor<2048xf32>) -> tensor<64xf32> {
    %0 = "astra.scatter"(%x, %i, %v) ({}) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>,
        input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
        scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "add"}
        : (tensor<64xf32>, tensor<2048x1xi32>, tensor<2048xf32>) -> tensor<64xf32>
    return %0 : tensor<64xf32>
  }
  // CHECK-LABEL: func.func @counts(
  // CHECK: callee = @[[COUNTS:astra_scatter_add_[0-9a-f]*]],
  func.func @counts(%x: tensor<64xi32>, %i: tensor<2048x1xi32>, %v: tensor<2048xi32>) -> tensor<64xi32> {
    %0 = "astra.scatter"(%x, %i, %v) ({}) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>,
        input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
        scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "add"}
        : (tensor<64xi32>, tensor<2048x1xi32>, tensor<2048xi32>) -> tensor<64xi32>
    return %0 : tensor<64xi32>
  }
  // CHECK: func.func private @[[SUMS]](
  // CHECK: kernel = @scatter_places
  // CHECK: kernel = @sort
  // CHECK: kernel = @[[CHUNKS:scatter_chunks_[0-9a-f]*]]}
  // CHECK: kernel = @scatter_chunks
  // CHECK: func.func private @[[CHUNKS]](
  // CHECK: "astra.tile_scan"
  // CHECK: func.func private @[[COUNTS]](
  // CHECK-NEXT: "astra.gpu_launch"
  // CHECK-NEXT: return
  // CHECK: "astra.tile_atomic"({{.*}}) {kind = "add", ordering = "relaxed"}
  // ATOMIC: "astra.tile_atomic"({{.*}}) {kind = "fadd", ordering = "relaxed"}
}
