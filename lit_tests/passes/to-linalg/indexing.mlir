// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @slice
// CHECK: tensor.extract_slice %arg0[1, 0] [2, 4] [1, 2] : tensor<4x8xf32> to tensor<2x4xf32>
func.func @slice(%x: tensor<4x8xf32>) -> tensor<2x4xf32> {
  %0 = "astra.slice"(%x) {start_indices = array<i64: 1, 0>, limit_indices = array<i64: 3, 8>, strides = array<i64: 1, 2>} : (tensor<4x8xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Start indices are clamped; a dimension that is taken whole needs none.
// CHECK-LABEL: func.func @dynamic_slice
// CHECK: %[[L:.*]] = arith.maxsi %{{.*}}, %{{.*}} : i32
// CHECK: %[[M:.*]] = arith.minsi %[[L]], %{{.*}} : i32
// CHECK: %[[S:.*]] = arith.index_cast %[[M]] : i32 to index
// CHECK: tensor.extract_slice %arg0[%[[S]], 0] [2, 8] [1, 1]
func.func @dynamic_slice(%x: tensor<4x8xf32>, %i: tensor<i32>) -> tensor<2x8xf32> {
  %0 = "astra.dynamic_slice"(%x, %i, %i) {slice_sizes = array<i64: 2, 8>} : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// CHECK-LABEL: func.func @dynamic_update_slice
// CHECK: tensor.insert_slice %arg1 into %arg0[%{{.*}}, 0] [1, 8] [1, 1]
func.func @dynamic_update_slice(%x: tensor<4x8xf32>, %u: tensor<1x8xf32>, %i: tensor<i64>) -> tensor<4x8xf32> {
  %0 = "astra.dynamic_update_slice"(%x, %u, %i, %i) : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i64>, tensor<i64>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Interior padding inserts with a stride, negative padding cuts first.
// CHECK-LABEL: func.func @pad
// CHECK: %[[S:.*]] = tensor.extract_slice %arg0[1] [3] [1] : tensor<4xf32> to tensor<3xf32>
// CHECK: %[[F:.*]] = linalg.fill
// CHECK: tensor.insert_slice %[[S]] into %[[F]][1] [3] [2] : tensor<3xf32> into tensor<8xf32>
func.func @pad(%x: tensor<4xf32>, %v: tensor<f32>) -> tensor<8xf32> {
  %0 = "astra.pad"(%x, %v) {low = array<i64: -1>, high = array<i64: 2>, interior = array<i64: 1>} : (tensor<4xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @concatenate
// CHECK: %[[E:.*]] = tensor.empty() : tensor<4x5xf32>
// CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %[[E]][0, 0] [4, 2] [1, 1]
// CHECK: tensor.insert_slice %arg1 into %[[A]][0, 2] [4, 3] [1, 1]
func.func @concatenate(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> tensor<4x5xf32> {
  %0 = "astra.concatenate"(%x, %y) {dimension = 1} : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// Rows of an embedding: the index is an input of the outer loop, the row the inner loop.
// CHECK-LABEL: func.func @gather
// CHECK: linalg.generic {indexing_maps = [#[[ROW:.*]], #{{.*}}], iterator_types = ["parallel", "parallel"]} ins(%{{.*}} : tensor<3xi32>)
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: %[[J:.*]] = linalg.index 1 : index
// CHECK: tensor.extract %arg0[%{{.*}}, %[[J]]] : tensor<9x8xf32>
func.func @gather(%x: tensor<9x8xf32>, %i: tensor<3x1xi32>) -> tensor<3x8xf32> {
  %0 = "astra.gather"(%x, %i) {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>, start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1, slice_sizes = array<i64: 1, 8>} : (tensor<9x8xf32>, tensor<3x1xi32>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
