// Slices at computed positions: shared positions take the batch whole; of each application they make a gather.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,-1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=STARTS
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,0,0 axis-size=8" | %filecheck %s --check-prefix=BOTH

// Only the first position can be other than zero: it alone is looked up.
// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<i32>, %[[A2:[a-z0-9]+]]: tensor<i32>) -> tensor<8x2x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.dynamic_slice"(%[[A0]], %[[A1]], %[[V0]], %[[A2]]) {slice_sizes = array<i64: 2, 8, 5>} : (tensor<4x8x5xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x8x5xf32>
// SHARED: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 1, 0, 2>} : (tensor<2x8x5xf32>) -> tensor<8x2x5xf32>
// SHARED: return %[[V2]] : tensor<8x2x5xf32>
// STARTS-LABEL: func.func @main(
// STARTS-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xi32>, %[[A2:[a-z0-9]+]]: tensor<i32>) -> tensor<8x2x5xf32>
// STARTS: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A1]]) : (tensor<8xi32>) -> tensor<8x1xi32>
// STARTS: %[[V1:[a-z0-9]+]] = "astra.gather"(%[[A0]], %[[V0]]) {collapsed_slice_dims = array<i64>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1, 2>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 2, 5>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x5xf32>, tensor<8x1xi32>) -> tensor<8x2x5xf32>
// STARTS: return %[[V1]] : tensor<8x2x5xf32>
// BOTH-LABEL: func.func @main(
// BOTH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xi32>, %[[A2:[a-z0-9]+]]: tensor<8xi32>) -> tensor<8x2x5xf32>
// BOTH: %[[V0:[a-z0-9]+]] = "astra.reshape"(%[[A1]]) : (tensor<8xi32>) -> tensor<8x1xi32>
// BOTH: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// BOTH: %[[V2:[a-z0-9]+]] = "astra.gather"(%[[V1]], %[[V0]]) {collapsed_slice_dims = array<i64>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1, 2>, operand_batching_dims = array<i64: 0>, slice_sizes = array<i64: 1, 2, 5>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64: 0>} : (tensor<8x4x5xf32>, tensor<8x1xi32>) -> tensor<8x2x5xf32>
// BOTH: return %[[V2]] : tensor<8x2x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<i32>, %j: tensor<i32>) -> tensor<2x5xf32> {
  %0 = "astra.dynamic_slice"(%x, %i, %j) {slice_sizes = array<i64: 2, 5>} : (tensor<4x5xf32>, tensor<i32>, tensor<i32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}
