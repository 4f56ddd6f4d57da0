// Reads and writes at computed positions are each other's transposes. A gather clamps its windows into the operand, so the
// scatter that transposes it gets clamped indices; a scatter leaves out what is outside, so what a gather reads for it is
// masked.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @dynamic_slice_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.dynamic_slice"(%arg2, %arg1, %arg1) {slice_sizes = array<i64: 2, 3>}
// CHECK-NEXT: return %[[V0]] : tensor<2x3xf32>
func.func @dynamic_slice_forward(%x: tensor<4x8xf32>, %i: tensor<i32>, %dx: tensor<4x8xf32>) -> tensor<2x3xf32> {
  %0:2 = "astra.jvp"(%x, %i, %dx) {callee = @dynamic_slice, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<4x8xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return %0#1 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @dynamic_slice_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.dynamic_update_slice"(%[[V0]], %arg2, %arg1, %arg1)
// CHECK-NEXT: return %[[V1]] : tensor<4x8xf32>
func.func @dynamic_slice_reverse(%x: tensor<4x8xf32>, %i: tensor<i32>, %c: tensor<2x3xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %i, %c) {callee = @dynamic_slice, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @dynamic_slice(%x: tensor<4x8xf32>, %i: tensor<i32>) -> tensor<2x3xf32> {
  %0 = "astra.dynamic_slice"(%x, %i, %i) {slice_sizes = array<i64: 2, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @dynamic_update_slice_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.dynamic_update_slice"(%[[V0]], %arg3, %arg2, %arg2)
// CHECK-NEXT: return %[[V1]] : tensor<4x8xf32>
func.func @dynamic_update_slice_forward(%x: tensor<4x8xf32>, %u: tensor<2x3xf32>, %i: tensor<i32>, %du: tensor<2x3xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %u, %i, %du) {callee = @dynamic_update_slice, argnums = array<i64: 1>}
      : (tensor<4x8xf32>, tensor<2x3xf32>, tensor<i32>, tensor<2x3xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @dynamic_update_slice_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<2x3xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.dynamic_update_slice"(%arg3, %[[V0]], %arg2, %arg2)
// CHECK-NEXT: %[[V2:.*]] = "astra.dynamic_slice"(%arg3, %arg2, %arg2) {slice_sizes = array<i64: 2, 3>}
// CHECK-NEXT: return %[[V1]], %[[V2]] : tensor<4x8xf32>, tensor<2x3xf32>
func.func @dynamic_update_slice_reverse(%x: tensor<4x8xf32>, %u: tensor<2x3xf32>, %i: tensor<i32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<2x3xf32>) {
  %0:3 = "astra.vjp"(%x, %u, %i, %c) {callee = @dynamic_update_slice, argnums = array<i64: 0, 1>}
      : (tensor<4x8xf32>, tensor<2x3xf32>, tensor<i32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<2x3xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<2x3xf32>
}
func.func private @dynamic_update_slice(%x: tensor<4x8xf32>, %u: tensor<2x3xf32>, %i: tensor<i32>) -> tensor<4x8xf32> {
  %0 = "astra.dynamic_update_slice"(%x, %u, %i, %i)
      : (tensor<4x8xf32>, tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @gather_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.gather"(%arg2, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: return %[[V0]] : tensor<5x8xf32>
func.func @gather_forward(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %dx: tensor<4x8xf32>) -> tensor<5x8xf32> {
  %0:2 = "astra.jvp"(%x, %k, %dx) {callee = @gather, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<4x8xf32>) -> (tensor<5x8xf32>, tensor<5x8xf32>)
  return %0#1 : tensor<5x8xf32>
}
// CHECK-LABEL: func.func @gather_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.clamp"(%[[V1]], %arg1, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.scatter"(%[[V0]], %[[V3]], %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: return %[[V4]] : tensor<4x8xf32>
func.func @gather_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %c: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %k, %c) {callee = @gather, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> (tensor<5x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @gather(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>) -> tensor<5x8xf32> {
  %0 = "astra.gather"(%x, %k)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// Indices that are known to be inside are not clamped.
// CHECK-LABEL: func.func @gather_inside_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<[[0], [3], [3], [1], [2]]> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.scatter"(%[[V1]], %[[V0]], %arg1) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: return %[[V2]] : tensor<4x8xf32>
func.func @gather_inside_reverse(%x: tensor<4x8xf32>, %c: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @gather_inside, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<5x8xf32>) -> (tensor<5x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @gather_inside(%x: tensor<4x8xf32>) -> tensor<5x8xf32> {
  %k = "astra.constant"() {value = dense<[[0], [3], [3], [1], [2]]> : tensor<5x1xi32>} : () -> tensor<5x1xi32>
  %0 = "astra.gather"(%x, %k)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// CHECK-LABEL: func.func @scatter_add_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.scatter"(%arg3, %arg1, %arg4) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xf32>
func.func @scatter_add_forward(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %dx: tensor<4x8xf32>, %du: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %k, %u, %dx, %du) {callee = @scatter_add, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @scatter_add_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.gather"(%arg3, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.compare"(%arg1, %[[V1]]) {compare_type = "SIGNED", direction = "LE"}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V5:.*]] = "astra.and"(%[[V2]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.reshape"(%[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.broadcast"(%[[V6]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V8:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<5x8xf32>}
// CHECK-NEXT: %[[V9:.*]] = "astra.select"(%[[V7]], %[[V0]], %[[V8]])
// CHECK-NEXT: return %arg3, %[[V9]] : tensor<4x8xf32>, tensor<5x8xf32>
func.func @scatter_add_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<5x8xf32>) {
  %0:3 = "astra.vjp"(%x, %k, %u, %c) {callee = @scatter_add, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<5x8xf32>
}
func.func private @scatter_add(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.scatter"(%x, %k, %u) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// What is overwritten has cotangent zero. Of several updates of one row the last one counts: the number that is left in
// the row says which.
// CHECK-LABEL: func.func @scatter_update_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.scatter"(%arg3, %arg1, %arg4) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "update", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xf32>
func.func @scatter_update_forward(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %dx: tensor<4x8xf32>, %du: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %k, %u, %dx, %du) {callee = @scatter_update, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @scatter_update_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<5x8xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.scatter"(%arg3, %arg1, %[[V0]]) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "update", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.gather"(%arg3, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "SIGNED", direction = "LE"}
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V5]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V7:.*]] = "astra.and"(%[[V4]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.reshape"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.broadcast"(%[[V8]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V9]], %[[V2]], %[[V0]])
// CHECK-NEXT: %[[V11:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V12:.*]] = "astra.constant"() {value = dense<0> : tensor<4xi32>}
// CHECK-NEXT: %[[V13:.*]] = "astra.scatter"(%[[V12]], %arg1, %[[V11]]) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "update", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64>}
// CHECK-NEXT: %[[V14:.*]] = "astra.gather"(%[[V13]], %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V15:.*]] = "astra.constant"() {value = dense<0> : tensor<5xi32>}
// CHECK-NEXT: %[[V16:.*]] = "astra.select"(%[[V8]], %[[V14]], %[[V15]])
// CHECK-NEXT: %[[V17:.*]] = "astra.compare"(%[[V16]], %[[V11]]) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[V18:.*]] = "astra.broadcast"(%[[V17]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V19:.*]] = "astra.select"(%[[V18]], %[[V10]], %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V19]] : tensor<4x8xf32>, tensor<5x8xf32>
func.func @scatter_update_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<5x8xf32>) {
  %0:3 = "astra.vjp"(%x, %k, %u, %c) {callee = @scatter_update, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<5x8xf32>
}
func.func private @scatter_update(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.scatter"(%x, %k, %u) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "update"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @scatter_update_unique_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<5x8xf32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.scatter"(%arg3, %arg1, %[[V0]]) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "update", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.gather"(%arg3, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "SIGNED", direction = "LE"}
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V5]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V7:.*]] = "astra.and"(%[[V4]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.reshape"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.broadcast"(%[[V8]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V9]], %[[V2]], %[[V0]])
// CHECK-NEXT: return %[[V1]], %[[V10]] : tensor<4x8xf32>, tensor<5x8xf32>
func.func @scatter_update_unique_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<5x8xf32>) {
  %0:3 = "astra.vjp"(%x, %k, %u, %c) {callee = @scatter_update_unique, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<5x8xf32>
}
func.func private @scatter_update_unique(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.scatter"(%x, %k, %u) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "update", unique_indices = true}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @scatter_multiply_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.scatter"(%arg3, %arg1, %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "multiply", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.scatter"(%[[V1]], %arg1, %arg4) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%arg0, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.add"(%[[V0]], %[[V3]])
// CHECK-NEXT: return %[[V4]] : tensor<4x8xf32>
func.func @scatter_multiply_forward(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %dx: tensor<4x8xf32>, %du: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %k, %u, %dx, %du) {callee = @scatter_multiply, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @scatter_multiply_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.scatter"(%arg3, %arg1, %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "multiply", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.multiply"(%arg3, %arg0)
// CHECK-NEXT: %[[V2:.*]] = "astra.gather"(%[[V1]], %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "SIGNED", direction = "LE"}
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V5]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V7:.*]] = "astra.and"(%[[V4]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.reshape"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.broadcast"(%[[V8]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V10:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<5x8xf32>}
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V9]], %[[V2]], %[[V10]])
// CHECK-NEXT: return %[[V0]], %[[V11]] : tensor<4x8xf32>, tensor<5x8xf32>
func.func @scatter_multiply_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<5x8xf32>) {
  %0:3 = "astra.vjp"(%x, %k, %u, %c) {callee = @scatter_multiply, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<5x8xf32>
}
func.func private @scatter_multiply(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.scatter"(%x, %k, %u) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "multiply", unique_indices = true}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Equal candidates for the maximum get equal shares.
// CHECK-LABEL: func.func @scatter_maximum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "maximum", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V1:.*]] = "astra.compare"(%arg0, %[[V0]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V2:.*]] = "astra.gather"(%[[V0]], %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<3> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.compare"(%arg1, %[[V3]]) {compare_type = "SIGNED", direction = "LE"}
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0> : tensor<5x1xi32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.compare"(%arg1, %[[V5]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V7:.*]] = "astra.and"(%[[V4]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.reshape"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.broadcast"(%[[V8]]) {dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V10:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<5x8xf32>}
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V9]], %[[V2]], %[[V10]])
// CHECK-NEXT: %[[V12:.*]] = "astra.compare"(%arg2, %[[V11]]) {compare_type = "FLOAT", direction = "EQ"}
// CHECK-NEXT: %[[V13:.*]] = "astra.convert"(%[[V12]])
// CHECK-NEXT: %[[V14:.*]] = "astra.convert"(%[[V1]])
// CHECK-NEXT: %[[V15:.*]] = "astra.scatter"(%[[V14]], %arg1, %[[V13]]) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, indices_are_sorted = false, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = false, update_window_dims = array<i64: 1>}
// CHECK-NEXT: %[[V16:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V17:.*]] = "astra.divide"(%[[V16]], %[[V15]])
// CHECK-NEXT: %[[V18:.*]] = "astra.multiply"(%arg3, %[[V17]])
// CHECK-NEXT: %[[V19:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V20:.*]] = "astra.select"(%[[V1]], %[[V18]], %[[V19]])
// CHECK-NEXT: %[[V21:.*]] = "astra.gather"(%[[V18]], %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
// CHECK-NEXT: %[[V22:.*]] = "astra.select"(%[[V9]], %[[V21]], %[[V10]])
// CHECK-NEXT: %[[V23:.*]] = "astra.select"(%[[V12]], %[[V22]], %[[V10]])
// CHECK-NEXT: return %[[V20]], %[[V23]] : tensor<4x8xf32>, tensor<5x8xf32>
func.func @scatter_maximum_reverse(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>, %c: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<5x8xf32>) {
  %0:3 = "astra.vjp"(%x, %k, %u, %c) {callee = @scatter_maximum, argnums = array<i64: 0, 2>}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>)
  return %0#1, %0#2 : tensor<4x8xf32>, tensor<5x8xf32>
}
func.func private @scatter_maximum(%x: tensor<4x8xf32>, %k: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.scatter"(%x, %k, %u) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
