// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @dynamic_slice(
// CHECK: "astra.dynamic_slice"(%arg0, %arg1, %arg2) {slice_sizes = array<i64: 1, 3>} : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
// STABLEHLO-LABEL: func.func @dynamic_slice(
// STABLEHLO: stablehlo.dynamic_slice{{[^_a-z]}}
func.func @dynamic_slice(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) -> tensor<1x3xf32> {
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
  return %result : tensor<1x3xf32>
}

// CHECK-LABEL: func.func @dynamic_update_slice(
// CHECK: "astra.dynamic_update_slice"(%arg0, %arg1, %arg2, %arg3) : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
// STABLEHLO-LABEL: func.func @dynamic_update_slice(
// STABLEHLO: stablehlo.dynamic_update_slice{{[^_a-z]}}
func.func @dynamic_update_slice(%operand: tensor<4x8xf32>, %update: tensor<1x3xf32>, %i: tensor<i32>, %j: tensor<i32>) -> tensor<4x8xf32> {
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @gather(
// CHECK: "astra.gather"(%arg0, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
// STABLEHLO-LABEL: func.func @gather(
// STABLEHLO: stablehlo.gather{{[^_a-z]}}
func.func @gather(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) -> tensor<5x8xf32> {
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return %rows : tensor<5x8xf32>
}

// CHECK-LABEL: func.func @scatter(
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>} : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
// STABLEHLO-LABEL: func.func @scatter(
// STABLEHLO: stablehlo.scatter{{[^_a-z]}}
func.func @scatter(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}
