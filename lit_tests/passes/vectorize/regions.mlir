// Regions on scalars that use batched values from outside take them as elements of more operands.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V2:[a-z0-9]+]]:2 = "astra.sort"(%[[V0]], %[[V1]]) ({
// CHECK: ^bb0(%[[A2:[a-z0-9]+]]: tensor<f32>, %[[A3:[a-z0-9]+]]: tensor<f32>, %[[A4:[a-z0-9]+]]: tensor<f32>, %[[A5:[a-z0-9]+]]: tensor<f32>):
// CHECK: %[[V3:[a-z0-9]+]] = "astra.multiply"(%[[A2]], %[[A4]]) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK: %[[V4:[a-z0-9]+]] = "astra.compare"(%[[V3]], %[[A3]]) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
// CHECK: "astra.yield"(%[[V4]]) : (tensor<i1>) -> ()
// CHECK: }) {dimension = 1 : i64, is_stable = true, kind = "custom"} : (tensor<8x4xf32>, tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
// CHECK: return %[[V2]]#0 : tensor<8x4xf32>
func.func @main(%x: tensor<4xf32>, %c: tensor<f32>) -> tensor<4xf32> {
  %0 = "astra.sort"(%x) ({
  ^comparator(%a: tensor<f32>, %b: tensor<f32>):
    %p = "astra.multiply"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %less = "astra.compare"(%p, %b) {direction = "LT", compare_type = "FLOAT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%less) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<4xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<2> : tensor<1xi32>} : () -> tensor<1xi32>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<3.000000e+00> : tensor<f32>} : () -> tensor<f32>
// CHECK: %[[V2:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// CHECK: %[[V3:[a-z0-9]+]] = "astra.broadcast"(%[[V1]]) {dimensions = array<i64>} : (tensor<f32>) -> tensor<8xf32>
// CHECK: %[[V4:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V5:[a-z0-9]+]]:2 = "astra.scatter"(%[[V2]], %[[V4]], %[[V0]], %[[V3]], %[[A1]]) ({
// CHECK: ^bb0(%[[A2:[a-z0-9]+]]: tensor<f32>, %[[A3:[a-z0-9]+]]: tensor<f32>, %[[A4:[a-z0-9]+]]: tensor<f32>, %[[A5:[a-z0-9]+]]: tensor<f32>):
// CHECK: %[[V6:[a-z0-9]+]] = "astra.multiply"(%[[A4]], %[[A3]]) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK: "astra.yield"(%[[V6]], %[[A3]]) : (tensor<f32>, tensor<f32>) -> ()
// CHECK: }) {index_vector_dim = 0 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 1>, kind = "custom", scatter_dims_to_operand_dims = array<i64: 1>, scatter_indices_batching_dims = array<i64>, update_window_dims = array<i64: 0>} : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<1xi32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
// CHECK: return %[[V5]]#0 : tensor<8x4xf32>
func.func @main(%x: tensor<4xf32>, %c: tensor<f32>) -> tensor<4xf32> {
  %i = "astra.constant"() {value = dense<2> : tensor<1xi32>} : () -> tensor<1xi32>
  %u = "astra.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.scatter"(%x, %i, %u) ({
  ^function(%a: tensor<f32>, %b: tensor<f32>):
    %p = "astra.multiply"(%b, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%p) : (tensor<f32>) -> ()
  }) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 0 : i64, kind = "custom"} : (tensor<4xf32>, tensor<1xi32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
