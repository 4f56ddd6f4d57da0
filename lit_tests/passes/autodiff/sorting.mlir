// Sorting: tangents are moved along, and the positions that were moved along say where cotangents go back to.
// What is moved along but not used afterwards (the numbers %n) is left out.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @sort_forward
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.sort"(%arg0, %arg2) ({
// CHECK-NEXT: }) {dimension = 1 : i64, is_stable = true, kind = "ascending", num_keys = 1 : i64}
// CHECK-NEXT: return %[[V0]]#1 : tensor<4x8xf32>
func.func @sort_forward(%x: tensor<4x8xf32>, %n: tensor<4x8xi32>, %dx: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0:3 = "astra.jvp"(%x, %n, %dx) {callee = @sort, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4x8xf32>)
  return %0#2 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @sort_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V1:.*]]:2 = "astra.sort"(%arg0, %[[V0]]) ({
// CHECK-NEXT: }) {dimension = 1 : i64, is_stable = true, kind = "ascending", num_keys = 1 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.scatter"(%[[V2]], %[[V1]]#1, %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 2 : i64, input_batching_dims = array<i64: 0>, inserted_window_dims = array<i64: 1>, kind = "add", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64: 0>, unique_indices = true, update_window_dims = array<i64>}
// CHECK-NEXT: return %[[V3]] : tensor<4x8xf32>
func.func @sort_reverse(%x: tensor<4x8xf32>, %n: tensor<4x8xi32>, %c: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0:3 = "astra.vjp"(%x, %n, %c) {callee = @sort, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4x8xf32>)
  return %0#2 : tensor<4x8xf32>
}
func.func private @sort(%x: tensor<4x8xf32>, %n: tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>) {
  %0:2 = "astra.sort"(%x, %n) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return %0#0, %0#1 : tensor<4x8xf32>, tensor<4x8xi32>
}

// A comparator takes two more scalars for each tensor that is moved along.
// CHECK-LABEL: func.func @comparator_forward
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.sort"(%arg0, %arg1) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>, %arg4: tensor<f32>, %arg5: tensor<f32>):
// CHECK-NEXT:   %[[V1:.*]] = "astra.compare"(%arg2, %arg3) {compare_type = "FLOAT", direction = "LE"}
// CHECK-NEXT:   "astra.yield"(%[[V1]])
// CHECK-NEXT: }) {dimension = 0 : i64, is_stable = false, kind = "custom"}
// CHECK-NEXT: return %[[V0]]#1 : tensor<8xf32>
func.func @comparator_forward(%x: tensor<8xf32>, %dx: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @comparator, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
// CHECK-LABEL: func.func @comparator_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V1:.*]]:2 = "astra.sort"(%arg0, %[[V0]]) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>, %arg4: tensor<i32>, %arg5: tensor<i32>):
// CHECK-NEXT:   %[[V4:.*]] = "astra.compare"(%arg2, %arg3) {compare_type = "FLOAT", direction = "LE"}
// CHECK-NEXT:   "astra.yield"(%[[V4]])
// CHECK-NEXT: }) {dimension = 0 : i64, is_stable = false, kind = "custom"}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<8xf32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.scatter"(%[[V2]], %[[V1]]#1, %arg1) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, unique_indices = true, update_window_dims = array<i64>}
// CHECK-NEXT: return %[[V3]] : tensor<8xf32>
func.func @comparator_reverse(%x: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @comparator, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
func.func private @comparator(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.sort"(%x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.compare"(%a, %b) {direction = "LE", compare_type = "FLOAT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%1) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = false, kind = "custom"} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @top_k_forward
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.top_k"(%arg0) {k = 3 : i64, largest = true}
// CHECK-NEXT: %[[V1:.*]] = "astra.gather"(%arg1, %[[V0]]#1) {collapsed_slice_dims = array<i64: 1>, index_vector_dim = 2 : i64, offset_dims = array<i64>, operand_batching_dims = array<i64: 0>, slice_sizes = array<i64: 1, 1>, start_index_map = array<i64: 1>, start_indices_batching_dims = array<i64: 0>}
// CHECK-NEXT: return %[[V1]] : tensor<4x3xf32>
func.func @top_k_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4x3xf32> {
  %0:3 = "astra.jvp"(%x, %dx) {callee = @top_k, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>, tensor<4x3xf32>)
  return %0#2 : tensor<4x3xf32>
}
// CHECK-LABEL: func.func @top_k_reverse
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.top_k"(%arg0) {k = 3 : i64, largest = true}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4x8xf32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.scatter"(%[[V1]], %[[V0]]#1, %arg1) ({
// CHECK-NEXT: }) {index_vector_dim = 2 : i64, input_batching_dims = array<i64: 0>, inserted_window_dims = array<i64: 1>, kind = "add", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64: 0>, unique_indices = true, update_window_dims = array<i64>}
// CHECK-NEXT: return %[[V2]] : tensor<4x8xf32>
func.func @top_k_reverse(%x: tensor<4x8xf32>, %c: tensor<4x3xf32>) -> tensor<4x8xf32> {
  %0:3 = "astra.vjp"(%x, %c) {callee = @top_k, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>, tensor<4x8xf32>)
  return %0#2 : tensor<4x8xf32>
}
func.func private @top_k(%x: tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>) {
  %0:2 = "astra.top_k"(%x) {k = 3 : i64, largest = true} : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
  return %0#0, %0#1 : tensor<4x3xf32>, tensor<4x3xi32>
}
