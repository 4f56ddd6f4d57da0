// Sums of tensors that are zero but for a part: only the part is added.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @window
// CHECK-SAME: (%[[A:.*]]: tensor<8x4xf32>, %[[U:.*]]: tensor<1x4xf32>, %[[I:.*]]: tensor<i32>)
// CHECK: %[[OLD:.*]] = "astra.dynamic_slice"(%[[A]], %[[I]], %[[ZERO:.*]]) {slice_sizes = array<i64: 1, 4>}
// CHECK-NEXT: %[[NEW:.*]] = "astra.add"(%[[OLD]], %[[U]])
// CHECK-NEXT: %[[R:.*]] = "astra.dynamic_update_slice"(%[[A]], %[[NEW]], %[[I]], %[[ZERO]])
// CHECK-NEXT: return %[[R]]
func.func @window(%a: tensor<8x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i32>) -> tensor<8x4xf32> {
  %zeros = "astra.constant"() {value = dense<0.0> : tensor<8x4xf32>} : () -> tensor<8x4xf32>
  %c0 = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %0 = "astra.dynamic_update_slice"(%zeros, %u, %i, %c0)
      : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
  %1 = "astra.add"(%0, %a) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// CHECK-LABEL: func.func @windows
// CHECK-SAME: (%[[A:.*]]: tensor<8x4xf32>, %[[K:.*]]: tensor<3x1xi32>, %[[U:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[R:.*]] = "astra.scatter"(%[[A]], %[[K]], %[[U]])
// CHECK-NEXT: }) {{.*}}kind = "add"
// CHECK-NEXT: return %[[R]]
func.func @windows(%a: tensor<8x4xf32>, %k: tensor<3x1xi32>, %u: tensor<3x4xf32>) -> tensor<8x4xf32> {
  %zeros = "astra.constant"() {value = dense<0.0> : tensor<8x4xf32>} : () -> tensor<8x4xf32>
  %0 = "astra.scatter"(%zeros, %k, %u) ({}) {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>,
      input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
      scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  %1 = "astra.add"(%a, %0) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// Gradients of slices that cover everything: the parts in order.
// CHECK-LABEL: func.func @side_by_side
// CHECK-SAME: (%[[A:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<3x4xf32>, %[[C:.*]]: tensor<1x4xf32>)
// CHECK-NEXT: %[[R:.*]] = "astra.concatenate"(%[[A]], %[[B]], %[[C]]) {dimension = 0 : i64}
// CHECK-NEXT: return %[[R]]
func.func @side_by_side(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>, %c: tensor<1x4xf32>) -> tensor<6x4xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.pad"(%a, %zero) {low = array<i64: 0, 0>, high = array<i64: 4, 0>, interior = array<i64: 0, 0>}
      : (tensor<2x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %1 = "astra.pad"(%b, %zero) {low = array<i64: 2, 0>, high = array<i64: 1, 0>, interior = array<i64: 0, 0>}
      : (tensor<3x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %2 = "astra.pad"(%c, %zero) {low = array<i64: 5, 0>, high = array<i64: 0, 0>, interior = array<i64: 0, 0>}
      : (tensor<1x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %3 = "astra.add"(%2, %1) : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %4 = "astra.add"(%3, %0) : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  return %4 : tensor<6x4xf32>
}

// Parts that overlap are padded and added.
// CHECK-LABEL: func.func @overlapping
// CHECK-COUNT-2: "astra.pad"
// CHECK: "astra.add"
func.func @overlapping(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>) -> tensor<6x4xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.pad"(%a, %zero) {low = array<i64: 0, 0>, high = array<i64: 4, 0>, interior = array<i64: 0, 0>}
      : (tensor<2x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %1 = "astra.pad"(%b, %zero) {low = array<i64: 1, 0>, high = array<i64: 2, 0>, interior = array<i64: 0, 0>}
      : (tensor<3x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %2 = "astra.add"(%0, %1) : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  return %2 : tensor<6x4xf32>
}

// What others use too, or what was written into something else than zeros, is added as it is.
// CHECK-LABEL: func.func @used_twice
// CHECK: %[[W:.*]] = "astra.dynamic_update_slice"
// CHECK-NEXT: %[[R:.*]] = "astra.add"(%{{.*}}, %[[W]])
// CHECK-NEXT: return %[[R]], %[[W]]
func.func @used_twice(%a: tensor<8xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zeros = "astra.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.dynamic_update_slice"(%zeros, %u, %i) : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = "astra.add"(%a, %0) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %1, %0 : tensor<8xf32>, tensor<8xf32>
}
// CHECK-LABEL: func.func @into_ones
// CHECK: "astra.dynamic_update_slice"
// CHECK-NEXT: "astra.add"
func.func @into_ones(%a: tensor<8xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<8xf32> {
  %ones = "astra.constant"() {value = dense<1.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.dynamic_update_slice"(%ones, %u, %i) : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = "astra.add"(%a, %0) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// The gradient of one row among many.
// CHECK-LABEL: func.func @place
// CHECK-SAME: (%[[A:.*]]: tensor<64x4xf32>, %[[U:.*]]: tensor<1x4xf32>)
// CHECK-NEXT: %[[OLD:.*]] = "astra.slice"(%[[A]]) {limit_indices = array<i64: 6, 4>, start_indices = array<i64: 5, 0>, strides = array<i64: 1, 1>}
// CHECK-NEXT: %[[NEW:.*]] = "astra.add"(%[[OLD]], %[[U]])
// CHECK-NEXT: %[[FIVE:.*]] = "astra.constant"() {value = dense<5> : tensor<i64>}
// CHECK-NEXT: %[[ZERO:.*]] = "astra.constant"() {value = dense<0> : tensor<i64>}
// CHECK-NEXT: %[[R:.*]] = "astra.dynamic_update_slice"(%[[A]], %[[NEW]], %[[FIVE]], %[[ZERO]])
// CHECK-NEXT: return %[[R]]
func.func @place(%a: tensor<64x4xf32>, %u: tensor<1x4xf32>) -> tensor<64x4xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.pad"(%u, %zero) {low = array<i64: 5, 0>, high = array<i64: 58, 0>, interior = array<i64: 0, 0>}
      : (tensor<1x4xf32>, tensor<f32>) -> tensor<64x4xf32>
  %1 = "astra.add"(%a, %0) : (tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<64x4xf32>
  return %1 : tensor<64x4xf32>
}
