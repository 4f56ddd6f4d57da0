// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @dynamic_slice(
// CHECK: "astra.dynamic_slice"(%arg0, %arg1, %arg2) {slice_sizes = array<i64: 1, 3>} : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
func.func @dynamic_slice(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_update_slice(
// CHECK: "astra.dynamic_update_slice"(%arg0, %arg1, %arg2, %arg3) : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
func.func @dynamic_update_slice(%operand: tensor<4x8xf32>, %update: tensor<1x3xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @gather(
// CHECK: "astra.gather"(%arg0, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
func.func @gather(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

// CHECK-LABEL: func.func @scatter(
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK: }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, update_window_dims = array<i64: 1>} : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
func.func @scatter(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @batched_gather(
// CHECK: "astra.gather"(%arg0, %arg1) {collapsed_slice_dims = array<i64: 1>, index_vector_dim = 2 : i64, offset_dims = array<i64>, operand_batching_dims = array<i64: 0>, slice_sizes = array<i64: 1, 1>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64: 0>} : (tensor<4x8xf32>, tensor<4x5xi32>) -> tensor<4x5xf32>
func.func @batched_gather(%a: tensor<4x8xf32>, %i: tensor<4x5xi32>) {
  %r = "astra.gather"(%a, %i) {collapsed_slice_dims = array<i64: 1>, index_vector_dim = 2 : i64, offset_dims = array<i64>, operand_batching_dims = array<i64: 0>, slice_sizes = array<i64: 1, 1>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64: 0>} : (tensor<4x8xf32>, tensor<4x5xi32>) -> tensor<4x5xf32>
  return
}

// CHECK-LABEL: func.func @dynamic_gather(
// CHECK: "astra.gather"(%arg0, %arg1, %arg2) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<2xi32>) -> tensor<5x?xf32>
func.func @dynamic_gather(%a: tensor<4x8xf32>, %i: tensor<5x1xi32>, %s: tensor<2xi32>) {
  %r = "astra.gather"(%a, %i, %s) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>} : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<2xi32>) -> tensor<5x?xf32>
  return
}

// CHECK-LABEL: func.func @custom_scatter(
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2, %arg3, %arg4) ({
// CHECK: }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "custom", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64>} : (tensor<4xf32>, tensor<4xi32>, tensor<2x1xi32>, tensor<2xf32>, tensor<2xi32>) -> (tensor<4xf32>, tensor<4xi32>)
func.func @custom_scatter(%a: tensor<4xf32>, %b: tensor<4xi32>, %i: tensor<2x1xi32>, %u: tensor<2xf32>, %v: tensor<2xi32>) {
  %r:2 = "astra.scatter"(%a, %b, %i, %u, %v) ({
  ^bb0(%c: tensor<f32>, %d: tensor<i32>, %n: tensor<f32>, %m: tensor<i32>):
    %s = "astra.add"(%c, %n) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%s, %m) : (tensor<f32>, tensor<i32>) -> ()
  }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "custom", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64>} : (tensor<4xf32>, tensor<4xi32>, tensor<2x1xi32>, tensor<2xf32>, tensor<2xi32>) -> (tensor<4xf32>, tensor<4xi32>)
  return
}
