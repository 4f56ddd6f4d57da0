// Writes at computed positions: of each application they make a scatter, of clamped positions.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=1,-1,-1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=STARTS

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<2x5xf32>, %[[A2:[a-z0-9]+]]: tensor<i32>, %[[A3:[a-z0-9]+]]: tensor<i32>) -> tensor<8x4x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0, 2>} : (tensor<2x5xf32>) -> tensor<2x8x5xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// SHARED: %[[V2:[a-z0-9]+]] = "astra.dynamic_update_slice"(%[[A0]], %[[V0]], %[[A2]], %[[V1]], %[[A3]]) : (tensor<4x8x5xf32>, tensor<2x8x5xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<4x8x5xf32>
// SHARED: %[[V3:[a-z0-9]+]] = "astra.transpose"(%[[V2]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// SHARED: return %[[V3]] : tensor<8x4x5xf32>
// STARTS-LABEL: func.func @main(
// STARTS-SAME: %[[A0:[a-z0-9]+]]: tensor<4x5xf32>, %[[A1:[a-z0-9]+]]: tensor<2x5xf32>, %[[A2:[a-z0-9]+]]: tensor<8xi32>, %[[A3:[a-z0-9]+]]: tensor<i32>) -> tensor<8x4x5xf32>
// STARTS: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// STARTS: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1, 2>} : (tensor<2x5xf32>) -> tensor<8x2x5xf32>
// STARTS: %[[V2:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// STARTS: %[[V3:[a-z0-9]+]] = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
// STARTS: %[[V4:[a-z0-9]+]] = "astra.clamp"(%[[V2]], %[[A2]], %[[V3]]) : (tensor<i32>, tensor<8xi32>, tensor<i32>) -> tensor<8xi32>
// STARTS: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<8xi32>) -> tensor<8x1xi32>
// STARTS: %[[V6:[a-z0-9]+]] = "astra.scatter"(%[[V0]], %[[V5]], %[[V1]]) ({
// STARTS: }) {index_vector_dim = 1 : i64, indices_are_sorted = true, input_batching_dims = array<i64: 0>, inserted_window_dims = array<i64>, kind = "update", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64: 0>, unique_indices = true, update_window_dims = array<i64: 1, 2>} : (tensor<8x4x5xf32>, tensor<8x1xi32>, tensor<8x2x5xf32>) -> tensor<8x4x5xf32>
// STARTS: return %[[V6]] : tensor<8x4x5xf32>
func.func @main(%x: tensor<4x5xf32>, %u: tensor<2x5xf32>, %i: tensor<i32>, %j: tensor<i32>) -> tensor<4x5xf32> {
  %0 = "astra.dynamic_update_slice"(%x, %u, %i, %j) : (tensor<4x5xf32>, tensor<2x5xf32>, tensor<i32>, tensor<i32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
