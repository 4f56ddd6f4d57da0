// Shared indices write windows that take the batch whole; batched ones pair up with inputs and updates.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,-1,0 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=INDICES

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<3x1xi32>, %[[A2:[a-z0-9]+]]: tensor<8x3x5xf32>) -> tensor<8x4x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.scatter"(%[[V0]], %[[A1]], %[[A2]]) ({
// SHARED: }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 1>, kind = "add", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64>, update_window_dims = array<i64: 0, 2>} : (tensor<8x4x5xf32>, tensor<3x1xi32>, tensor<8x3x5xf32>) -> tensor<8x4x5xf32>
// SHARED: return %[[V1]] : tensor<8x4x5xf32>
// INDICES-LABEL: func.func @main(
// INDICES-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8x3x1xi32>, %[[A2:[a-z0-9]+]]: tensor<3x5xf32>) -> tensor<8x4x5xf32>
// INDICES: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// INDICES: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 1, 2>} : (tensor<3x5xf32>) -> tensor<8x3x5xf32>
// INDICES: %[[V2:[a-z0-9]+]] = "astra.scatter"(%[[V0]], %[[A1]], %[[V1]]) ({
// INDICES: }) {index_vector_dim = 2 : i64, input_batching_dims = array<i64: 0>, inserted_window_dims = array<i64: 1>, kind = "add", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64: 0>, update_window_dims = array<i64: 2>} : (tensor<8x4x5xf32>, tensor<8x3x1xi32>, tensor<8x3x5xf32>) -> tensor<8x4x5xf32>
// INDICES: return %[[V2]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<3x1xi32>, %u: tensor<3x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.scatter"(%x, %i, %u) ({}) {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "add"} : (tensor<4x5xf32>, tensor<3x1xi32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
