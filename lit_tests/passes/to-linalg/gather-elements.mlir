// A gather of few elements of what only it reads computes those elements; one of many reads the array.
// RUN: %astra-opt %s --astra-to-linalg --canonicalize --split-input-file | %filecheck %s

// CHECK-LABEL: func.func @few
// CHECK-SAME:    %[[X:.*]]: tensor<1000x64xf32>
// CHECK-NOT:     linalg.generic {{.*}} outs(%{{.*}} : tensor<1000x64xf32>)
// CHECK:         tensor.extract %[[X]]
// CHECK-NEXT:    math.exp
// CHECK:         return
func.func @few(%x: tensor<1000x64xf32>, %rows: tensor<8x1xi32>) -> tensor<8x64xf32> {
  %0 = "astra.exponential"(%x) : (tensor<1000x64xf32>) -> tensor<1000x64xf32>
  %1 = "astra.gather"(%0, %rows) {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>, start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64, slice_sizes = array<i64: 1, 64>} : (tensor<1000x64xf32>, tensor<8x1xi32>) -> tensor<8x64xf32>
  return %1 : tensor<8x64xf32>
}

// -----

// CHECK-LABEL: func.func @many
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<10x64xf32>)
// CHECK:           math.exp
// CHECK:         tensor.extract
// CHECK:         return
func.func @many(%x: tensor<10x64xf32>, %rows: tensor<8x1xi32>) -> tensor<8x64xf32> {
  %0 = "astra.exponential"(%x) : (tensor<10x64xf32>) -> tensor<10x64xf32>
  %1 = "astra.gather"(%0, %rows) {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>, start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64, slice_sizes = array<i64: 1, 64>} : (tensor<10x64xf32>, tensor<8x1xi32>) -> tensor<8x64xf32>
  return %1 : tensor<8x64xf32>
}
