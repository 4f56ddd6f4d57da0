// Gather and scatter spell out their dimension numbers; scatters by a known function get a kind.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @gather
// CHECK-NEXT: "astra.gather"(%arg0, %arg1) {collapsed_slice_dims = array<i64: 0>, index_vector_dim = 1 : i64, indices_are_sorted = false, offset_dims = array<i64: 1>, operand_batching_dims = array<i64>, slice_sizes = array<i64: 1, 8>, start_index_map = array<i64: 0>, start_indices_batching_dims = array<i64>}
func.func @gather(%x: tensor<5x8xf32>, %i: tensor<3xi32>) -> tensor<3x8xf32> {
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 8>}> : (tensor<5x8xf32>, tensor<3xi32>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// CHECK-LABEL: func.func @index_select
// CHECK-NEXT: "astra.gather"(%arg0, %arg1) {collapsed_slice_dims = array<i64: 1>, {{.*}}offset_dims = array<i64: 0>, {{.*}}slice_sizes = array<i64: 5, 1>
func.func @index_select(%x: tensor<5x8xf32>, %i: tensor<3xi32>) -> tensor<5x3xf32> {
  %0 = "stablehlo.torch_index_select"(%x, %i) {dim = 1 : i64, batch_dims = 0 : i64} : (tensor<5x8xf32>, tensor<3xi32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}

// CHECK-LABEL: func.func @scatter
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK-NEXT: }) {index_vector_dim = 1 : i64, {{.*}}kind = "add", {{.*}}unique_indices = true
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK-NEXT: }) {{{.*}}kind = "update"
// CHECK: "astra.scatter"(%arg0, %arg1, %arg2) ({
// CHECK-NEXT: ^bb0
// CHECK: kind = "custom"
func.func @scatter(%x: tensor<5xf32>, %i: tensor<3x1xi32>, %u: tensor<3xf32>) {
  %0 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = true}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<5xf32>, tensor<3x1xi32>, tensor<3xf32>) -> tensor<5xf32>
  %1 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<5xf32>, tensor<3x1xi32>, tensor<3xf32>) -> tensor<5xf32>
  %2 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.subtract %a, %b : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<5xf32>, tensor<3x1xi32>, tensor<3xf32>) -> tensor<5xf32>
  return
}
