// Slices of slices, of broadcasts, of concatenations and paddings; concatenations of slices; known positions.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @slices
// CHECK-NEXT:    %[[S:.*]] = "astra.slice"(%arg0) {limit_indices = array<i64: 14>, start_indices = array<i64: 4>, strides = array<i64: 3>} : (tensor<20xf32>) -> tensor<4xf32>
// CHECK-NEXT:    return %[[S]], %arg0
func.func @slices(%x: tensor<20xf32>) -> (tensor<4xf32>, tensor<20xf32>) {
  %0 = "astra.slice"(%x) {start_indices = array<i64: 1>, limit_indices = array<i64: 20>, strides = array<i64: 3>}
      : (tensor<20xf32>) -> tensor<7xf32>
  %1 = "astra.slice"(%0) {start_indices = array<i64: 1>, limit_indices = array<i64: 5>, strides = array<i64: 1>}
      : (tensor<7xf32>) -> tensor<4xf32>
  %a = "astra.slice"(%x) {start_indices = array<i64: 0>, limit_indices = array<i64: 5>, strides = array<i64: 1>}
      : (tensor<20xf32>) -> tensor<5xf32>
  %b = "astra.slice"(%x) {start_indices = array<i64: 5>, limit_indices = array<i64: 12>, strides = array<i64: 1>}
      : (tensor<20xf32>) -> tensor<7xf32>
  %c = "astra.slice"(%x) {start_indices = array<i64: 12>, limit_indices = array<i64: 20>, strides = array<i64: 1>}
      : (tensor<20xf32>) -> tensor<8xf32>
  %2 = "astra.concatenate"(%a, %b, %c) {dimension = 0 : i64}
      : (tensor<5xf32>, tensor<7xf32>, tensor<8xf32>) -> tensor<20xf32>
  return %1, %2 : tensor<4xf32>, tensor<20xf32>
}

// CHECK-LABEL: func.func @parts
// CHECK-NEXT:    %[[P:.*]] = "astra.broadcast"(%arg2)
// CHECK-NEXT:    return %arg1, %arg0, %[[P]]
func.func @parts(%x: tensor<3xf32>, %y: tensor<4xf32>, %p: tensor<f32>)
    -> (tensor<4xf32>, tensor<3xf32>, tensor<2xf32>) {
  %0 = "astra.concatenate"(%x, %y) {dimension = 0 : i64} : (tensor<3xf32>, tensor<4xf32>) -> tensor<7xf32>
  %1 = "astra.slice"(%0) {start_indices = array<i64: 3>, limit_indices = array<i64: 7>, strides = array<i64: 1>}
      : (tensor<7xf32>) -> tensor<4xf32>
  %2 = "astra.pad"(%x, %p) {low = array<i64: 2>, high = array<i64: 1>, interior = array<i64: 0>}
      : (tensor<3xf32>, tensor<f32>) -> tensor<6xf32>
  %3 = "astra.slice"(%2) {start_indices = array<i64: 2>, limit_indices = array<i64: 5>, strides = array<i64: 1>}
      : (tensor<6xf32>) -> tensor<3xf32>
  %4 = "astra.slice"(%2) {start_indices = array<i64: 0>, limit_indices = array<i64: 2>, strides = array<i64: 1>}
      : (tensor<6xf32>) -> tensor<2xf32>
  return %1, %3, %4 : tensor<4xf32>, tensor<3xf32>, tensor<2xf32>
}

// A dynamic slice at constant positions is clamped as at run time.
// CHECK-LABEL: func.func @known_position
// CHECK:         "astra.slice"(%arg0) {limit_indices = array<i64: 10>, start_indices = array<i64: 6>
// CHECK:         return {{.*}}, %arg1
func.func @known_position(%x: tensor<10xf32>, %y: tensor<10xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<10xf32>) {
  %far = "astra.constant"() {value = dense<9> : tensor<i32>} : () -> tensor<i32>
  %0 = "astra.dynamic_slice"(%x, %far) {slice_sizes = array<i64: 4>} : (tensor<10xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = "astra.dynamic_update_slice"(%x, %y, %i) : (tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> tensor<10xf32>
  return %0, %1 : tensor<4xf32>, tensor<10xf32>
}

// A scatter leaves out a window that is partly outside, so it is no dynamic update where the position is unknown.
// CHECK-LABEL: func.func @unknown_position
// CHECK:         "astra.scatter"
func.func @unknown_position(%x: tensor<10xf32>, %i: tensor<1xi32>, %u: tensor<f32>) -> tensor<10xf32> {
  %0 = "astra.scatter"(%x, %i, %u) ({}) {
    update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
    scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
    index_vector_dim = 0 : i64, kind = "update"
  } : (tensor<10xf32>, tensor<1xi32>, tensor<f32>) -> tensor<10xf32>
  return %0 : tensor<10xf32>
}
