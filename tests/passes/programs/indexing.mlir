// StableHLO programs: operations that read or write at computed positions (their form is in ../stablehlo_programs.py).

// program: dynamic_slice; bifc; interpreter
func.func @main(%a: tensor<5x7xT>) -> tensor<2x3xT> {
  %i = stablehlo.constant dense<4> : tensor<i32>
  %j = stablehlo.constant dense<2> : tensor<i32>
  %0 = stablehlo.dynamic_slice %a, %i, %j, sizes = [2, 3] : (tensor<5x7xT>, tensor<i32>, tensor<i32>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: dynamic_update_slice; bifc; interpreter
func.func @main(%a: tensor<5x7xT>, %u: tensor<2x3xT>) -> tensor<5x7xT> {
  %i = stablehlo.constant dense<4> : tensor<i64>
  %j = stablehlo.constant dense<-1> : tensor<i64>
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %j : (tensor<5x7xT>, tensor<2x3xT>, tensor<i64>, tensor<i64>) -> tensor<5x7xT>
  return %0 : tensor<5x7xT>
}
// program: gather; bifc; interpreter
func.func @main(%a: tensor<5x7xT>) -> tensor<2x3x2xT> {
  %i = stablehlo.constant dense<[[0, 4, 9], [2, -1, 3]]> : tensor<2x3xi64>
  %0 = "stablehlo.gather"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 2>}> : (tensor<5x7xT>, tensor<2x3xi64>) -> tensor<2x3x2xT>
  return %0 : tensor<2x3x2xT>
}
// program: gather_batching; f32,i32; interpreter
func.func @main(%a: tensor<3x5xT>) -> tensor<3x2xT> {
  %i = stablehlo.constant dense<[[0, 4], [2, 1], [3, 3]]> : tensor<3x2xi64>
  %0 = "stablehlo.gather"(%a, %i) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [1], operand_batching_dims = [0], start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2>, slice_sizes = array<i64: 1, 1>}> : (tensor<3x5xT>, tensor<3x2xi64>) -> tensor<3x2xT>
  return %0 : tensor<3x2xT>
}
// program: dynamic_gather; f32,i64; interpreter
func.func @main(%a: tensor<5x7xT>) -> (tensor<2x2xT>, tensor<2x2xT>) {
  %i = stablehlo.constant dense<[0, 4]> : tensor<2xi64>
  %s = stablehlo.constant dense<[1, 2]> : tensor<2xi64>
  %0 = "stablehlo.dynamic_gather"(%a, %i, %s) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>}> : (tensor<5x7xT>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2xT>
  %o = stablehlo.optimization_barrier %s : tensor<2xi64>
  %1 = "stablehlo.dynamic_gather"(%a, %i, %o) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>}> : (tensor<5x7xT>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2xT>
  return %0, %1 : tensor<2x2xT>, tensor<2x2xT>
}
// program: scatter_update; bifc; interpreter
func.func @main(%a: tensor<5x7xT>, %u: tensor<3x2xT>) -> tensor<5x7xT> {
  %i = stablehlo.constant dense<[0, 4, 9]> : tensor<3xi64>
  %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    stablehlo.return %y : tensor<T>
  }) : (tensor<5x7xT>, tensor<3xi64>, tensor<3x2xT>) -> tensor<5x7xT>
  return %0 : tensor<5x7xT>
}
// program: scatter_kinds; bif; interpreter
func.func @main(%a: tensor<5xT>, %u: tensor<3xT>) -> (tensor<5xT>, tensor<5xT>, tensor<5xT>, tensor<5xT>) {
  %i = stablehlo.constant dense<[[0], [4], [0]]> : tensor<3x1xi64>
  %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5xT>, tensor<3x1xi64>, tensor<3xT>) -> tensor<5xT>
  %1 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.multiply %y, %x : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5xT>, tensor<3x1xi64>, tensor<3xT>) -> tensor<5xT>
  %2 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.maximum %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5xT>, tensor<3x1xi64>, tensor<3xT>) -> tensor<5xT>
  %3 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.minimum %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5xT>, tensor<3x1xi64>, tensor<3xT>) -> tensor<5xT>
  return %0, %1, %2, %3 : tensor<5xT>, tensor<5xT>, tensor<5xT>, tensor<5xT>
}
// program: scatter_custom; f,i32,ui8; interpreter
func.func @main(%a: tensor<5xT>, %u: tensor<3xT>) -> tensor<5xT> {
  %i = stablehlo.constant dense<[[0], [4], [0]]> : tensor<3x1xi64>
  %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %s = stablehlo.subtract %x, %y : tensor<T>
    stablehlo.return %s : tensor<T>
  }) : (tensor<5xT>, tensor<3x1xi64>, tensor<3xT>) -> tensor<5xT>
  return %0 : tensor<5xT>
}
// program: scatter_two; f32,i32; interpreter
func.func @main(%a: tensor<5xT>, %b: tensor<5xi64>, %u: tensor<3xT>, %v: tensor<3xi64>) -> (tensor<5xT>, tensor<5xi64>) {
  %i = stablehlo.constant dense<[[0], [4], [0]]> : tensor<3x1xi64>
  %0:2 = "stablehlo.scatter"(%a, %b, %i, %u, %v) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<T>, %p: tensor<i64>, %y: tensor<T>, %q: tensor<i64>):
    %s = stablehlo.add %x, %y : tensor<T>
    %t = stablehlo.maximum %p, %q : tensor<i64>
    stablehlo.return %s, %t : tensor<T>, tensor<i64>
  }) : (tensor<5xT>, tensor<5xi64>, tensor<3x1xi64>, tensor<3xT>, tensor<3xi64>) -> (tensor<5xT>, tensor<5xi64>)
  return %0#0, %0#1 : tensor<5xT>, tensor<5xi64>
}
// program: torch_index_select; f32,i32; none
func.func @main(%a: tensor<3x5xT>, %i: tensor<3x2xi32>) -> tensor<3x2xT> {
  %0 = "stablehlo.torch_index_select"(%a, %i) {dim = 1 : i64, batch_dims = 1 : i64} : (tensor<3x5xT>, tensor<3x2xi32>) -> tensor<3x2xT>
  return %0 : tensor<3x2xT>
}
// program: scatter_with_value_from_outside; f32,i32; interpreter
func.func @main(%a: tensor<4x5xT>, %u: tensor<3x5xT>, %c: tensor<T>) -> tensor<4x5xT> {
  %i = stablehlo.constant dense<[[2], [0], [2]]> : tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%a, %i, %u) <{
      scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0],
        scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = false}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.multiply %y, %c : tensor<T>
    %s = stablehlo.add %x, %p : tensor<T>
    stablehlo.return %s : tensor<T>
  }) : (tensor<4x5xT>, tensor<3x1xi32>, tensor<3x5xT>) -> tensor<4x5xT>
  return %0 : tensor<4x5xT>
}
