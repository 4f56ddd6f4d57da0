// A batched operand is taken whole along the batch; batched indices are more indices; both pair up.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,-1 axis-size=8" | %filecheck %s --check-prefix=OPERAND
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s --check-prefix=INDICES
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,0 axis-size=8" | %filecheck %s --check-prefix=BOTH

// OPERAND-LABEL: func.func @main(
// OPERAND-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<3x1xi32>) -> tensor<8x3x5xf32>
// OPERAND: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// OPERAND: %[[V1:[a-z0-9]+]] = "astra.gather"(%[[V0]], %[[A1]]) {collapsed_slice_dims = array<i64: 1>, index_vector_dim = 1 : i64, offset_dims = array<i64: 0, 2>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 8, 1, 5>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64>} : (tensor<8x4x5xf32>, tensor<3x1xi32>) -> tensor<8x3x5xf32>
// OPERAND: return %[[V1]] : tensor<8x3x5xf32>
// INDICES-LABEL: func.func @main(
// INDICES-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x1xi32>) -> tensor<8x3x5xf32>
// INDICES: %[[V0:[a-z0-9]+]] = "astra.gather"(%[[A0]], %[[A1]]) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 2 : i64, offset_dims = array<i64: 2>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 5>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x5xf32>, tensor<8x3x1xi32>) -> tensor<8x3x5xf32>
// INDICES: return %[[V0]] : tensor<8x3x5xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x1xi32>) -> tensor<8x3x5xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.gather"(%[[A0]], %[[A1]]) {collapsed_slice_dims = array<i64: 1>, index_vector_dim = 2 : i64, offset_dims = array<i64: 2>, operand_batching_dims = array<i64: 0>, slice_sizes = array<i64: 1, 1, 5>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64: 0>} : (tensor<8x4x5xf32>, tensor<8x3x1xi32>) -> tensor<8x3x5xf32>
// BOTH: return %[[V0]] : tensor<8x3x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<3x1xi32>) -> tensor<3x5xf32> {
  %0 = "astra.gather"(%x, %i) {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>, start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64, slice_sizes = array<i64: 1, 5>} : (tensor<4x5xf32>, tensor<3x1xi32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
