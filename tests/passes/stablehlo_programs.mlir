// StableHLO programs that are tested as a table (see stablehlo_programs.py).  T stands for an element type, P for the
// type of a complex number's parts.  Each begins with "program: name; types; reference": interpreter or jax evaluate it before and
// after a round trip, text compares the programs themselves.

// program: select; bifc; interpreter
func.func @main(%p: tensor<3x5xi1>, %a: tensor<3x5xT>, %b: tensor<3x5xT>) -> tensor<3x5xT> {
  %0 = stablehlo.select %p, %a, %b : tensor<3x5xi1>, tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: select_scalar; bifc; interpreter
func.func @main(%p: tensor<i1>, %a: tensor<3x5xT>, %b: tensor<3x5xT>) -> tensor<3x5xT> {
  %0 = stablehlo.select %p, %a, %b : tensor<i1>, tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: clamp; if; interpreter
func.func @main(%l: tensor<T>, %a: tensor<3x5xT>, %h: tensor<3x5xT>) -> tensor<3x5xT> {
  %b = stablehlo.broadcast_in_dim %l, dims = [] : (tensor<T>) -> tensor<3x5xT>
  %0 = stablehlo.clamp %b, %a, %h : tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: clamp_scalar; if; interpreter
func.func @main(%l: tensor<T>, %a: tensor<3x5xT>, %h: tensor<T>) -> tensor<3x5xT> {
  %0 = stablehlo.clamp %l, %a, %h : (tensor<T>, tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: convert_from_float; bif; interpreter
func.func @main(%a: tensor<3x5xf32>) -> tensor<3x5xT> {
  %0 = stablehlo.convert %a : (tensor<3x5xf32>) -> tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: convert_from_integer; bifc; interpreter
func.func @main(%a: tensor<3x5xi32>) -> tensor<3x5xT> {
  %0 = stablehlo.convert %a : (tensor<3x5xi32>) -> tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: convert_to_float; bif; interpreter
func.func @main(%a: tensor<3x5xT>) -> tensor<3x5xf64> {
  %0 = stablehlo.convert %a : (tensor<3x5xT>) -> tensor<3x5xf64>
  return %0 : tensor<3x5xf64>
}
// program: bitcast_convert; f32,i32,ui32; interpreter
func.func @main(%a: tensor<3x4xT>) -> (tensor<3x4xi32>, tensor<3x4x4xui8>, tensor<3x2xf64>) {
  %0 = stablehlo.bitcast_convert %a : (tensor<3x4xT>) -> tensor<3x4xi32>
  %1 = stablehlo.bitcast_convert %a : (tensor<3x4xT>) -> tensor<3x4x4xui8>
  %2 = stablehlo.reshape %a : (tensor<3x4xT>) -> tensor<3x2x2xT>
  %3 = stablehlo.bitcast_convert %2 : (tensor<3x2x2xT>) -> tensor<3x2xf64>
  return %0, %1, %3 : tensor<3x4xi32>, tensor<3x4x4xui8>, tensor<3x2xf64>
}
// program: reduce_precision; f; interpreter
func.func @main(%a: tensor<3x5xT>) -> tensor<3x5xT> {
  %0 = stablehlo.reduce_precision %a, format = e4m3 : tensor<3x5xT>
  return %0 : tensor<3x5xT>
}
// program: constant; i; interpreter
func.func @main() -> (tensor<2x3xT>, tensor<70xT>, tensor<T>, tensor<0x2xT>) {
  %0 = stablehlo.constant dense<[[1, 0, 1], [0, 1, 2]]> : tensor<2x3xT>
  %1 = stablehlo.constant dense<3> : tensor<70xT>
  %2 = stablehlo.constant dense<7> : tensor<T>
  %3 = stablehlo.constant dense<> : tensor<0x2xT>
  return %0, %1, %2, %3 : tensor<2x3xT>, tensor<70xT>, tensor<T>, tensor<0x2xT>
}
// program: constant_float; f; interpreter
func.func @main() -> tensor<4xT> {
  %0 = stablehlo.constant dense<[1.5, -2.0, -0.0, 0.125]> : tensor<4xT>
  return %0 : tensor<4xT>
}
// program: constant_bool; b; interpreter
func.func @main() -> tensor<5x8xT> {
  %0 = stablehlo.constant dense<[[true, false, false, true, true, false, true, true], [true, false, false, true, true, false, true, false], [true, false, false, true, true, false, true, true], [true, false, false, false, true, false, true, true], [true, true, false, true, true, false, true, true]]> : tensor<5x8xT>
  return %0 : tensor<5x8xT>
}
// program: constant_complex; c; interpreter
func.func @main() -> (tensor<2xT>, tensor<4xT>) {
  %0 = stablehlo.constant dense<[(1.5, -2.0), (0.0, 1.0)]> : tensor<2xT>
  %1 = stablehlo.constant dense<(1.5, -2.0)> : tensor<4xT>
  return %0, %1 : tensor<2xT>, tensor<4xT>
}
// program: iota; ifc; interpreter
func.func @main() -> tensor<4x5xT> {
  %0 = stablehlo.iota dim = 1 : tensor<4x5xT>
  return %0 : tensor<4x5xT>
}
// program: broadcast_in_dim; bifc; interpreter
func.func @main(%a: tensor<3x1xT>) -> tensor<2x3x4xT> {
  %0 = stablehlo.broadcast_in_dim %a, dims = [1, 2] : (tensor<3x1xT>) -> tensor<2x3x4xT>
  return %0 : tensor<2x3x4xT>
}
// program: broadcast; bif; jax
func.func @main(%a: tensor<3xT>) -> tensor<2x3xT> {
  %0 = stablehlo.broadcast %a, sizes = [2] : (tensor<3xT>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: reshape; bifc; interpreter
func.func @main(%a: tensor<3x4xT>) -> tensor<2x6xT> {
  %0 = stablehlo.reshape %a : (tensor<3x4xT>) -> tensor<2x6xT>
  return %0 : tensor<2x6xT>
}
// program: transpose; bifc; interpreter
func.func @main(%a: tensor<2x3x4xT>) -> tensor<4x2x3xT> {
  %0 = stablehlo.transpose %a, dims = [2, 0, 1] : (tensor<2x3x4xT>) -> tensor<4x2x3xT>
  return %0 : tensor<4x2x3xT>
}
// program: slice; bifc; interpreter
func.func @main(%a: tensor<5x7xT>) -> tensor<2x3xT> {
  %0 = stablehlo.slice %a [1:3, 0:6:2] : (tensor<5x7xT>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: pad; bifc; interpreter
func.func @main(%a: tensor<3x4xT>, %v: tensor<T>) -> tensor<6x7xT> {
  %0 = stablehlo.pad %a, %v, low = [1, -1], high = [2, 1], interior = [0, 1] : (tensor<3x4xT>, tensor<T>) -> tensor<6x7xT>
  return %0 : tensor<6x7xT>
}
// program: concatenate; bifc; interpreter
func.func @main(%a: tensor<2x3xT>, %b: tensor<2x1xT>, %c: tensor<2x2xT>) -> tensor<2x6xT> {
  %0 = stablehlo.concatenate %a, %b, %c, dim = 1 : (tensor<2x3xT>, tensor<2x1xT>, tensor<2x2xT>) -> tensor<2x6xT>
  return %0 : tensor<2x6xT>
}
// program: reverse; bifc; interpreter
func.func @main(%a: tensor<3x4xT>) -> tensor<3x4xT> {
  %0 = stablehlo.reverse %a, dims = [0, 1] : tensor<3x4xT>
  return %0 : tensor<3x4xT>
}
// program: get_dimension_size; f32; interpreter
func.func @main(%a: tensor<3x4xT>) -> tensor<i32> {
  %0 = stablehlo.get_dimension_size %a, dim = 1 : (tensor<3x4xT>) -> tensor<i32>
  return %0 : tensor<i32>
}
// program: set_dimension_size; f32; text
func.func @main(%a: tensor<4xT>, %n: tensor<i32>) -> tensor<?xT, #stablehlo.bounds<4>> {
  %0 = stablehlo.set_dimension_size %a, %n, dim = 0 : (tensor<4xT>, tensor<i32>) -> tensor<?xT, #stablehlo.bounds<4>>
  return %0 : tensor<?xT, #stablehlo.bounds<4>>
}
// program: dynamic_iota; f32,i64; interpreter
func.func @main() -> tensor<2x3xT> {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_iota %s, dim = 1 : (tensor<2xi64>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: dynamic_iota_unknown; f32,i64; text
func.func @main(%s: tensor<2xi64>) -> tensor<?x3xT> {
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<2xi64>) -> tensor<?x3xT>
  return %0 : tensor<?x3xT>
}
// program: dynamic_broadcast_in_dim; f32,i64; interpreter
func.func @main(%a: tensor<1x3xT>) -> tensor<2x4x3xT> {
  %s = stablehlo.constant dense<[2, 4, 3]> : tensor<3xi64>
  %0 = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [1, 2] : (tensor<1x3xT>, tensor<3xi64>) -> tensor<2x4x3xT>
  return %0 : tensor<2x4x3xT>
}
// program: dynamic_broadcast_in_dim_unknown; f32,i64; text
func.func @main(%a: tensor<1x3xT>, %s: tensor<3xi64>) -> tensor<?x?x?xT> {
  %0 = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [1, 2] : (tensor<1x3xT>, tensor<3xi64>) -> tensor<?x?x?xT>
  return %0 : tensor<?x?x?xT>
}
// program: dynamic_reshape; f32,i64; interpreter
func.func @main(%a: tensor<4x3xT>) -> tensor<6x2xT> {
  %s = stablehlo.constant dense<[6, 2]> : tensor<2xi64>
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<4x3xT>, tensor<2xi64>) -> tensor<6x2xT>
  return %0 : tensor<6x2xT>
}
// program: dynamic_reshape_unknown; f32,i64; text
func.func @main(%a: tensor<4x3xT>, %s: tensor<2xi64>) -> tensor<?x2xT> {
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<4x3xT>, tensor<2xi64>) -> tensor<?x2xT>
  return %0 : tensor<?x2xT>
}
// program: real_dynamic_slice; f32,i64; jax
func.func @main(%a: tensor<4x6xT>) -> tensor<2x3xT> {
  %b = stablehlo.constant dense<[1, 0]> : tensor<2xi64>
  %e = stablehlo.constant dense<[3, 6]> : tensor<2xi64>
  %s = stablehlo.constant dense<[1, 2]> : tensor<2xi64>
  %0 = stablehlo.real_dynamic_slice %a, %b, %e, %s : (tensor<4x6xT>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: real_dynamic_slice_unknown; f32,i64; text
func.func @main(%a: tensor<4x6xT>, %b: tensor<2xi64>, %e: tensor<2xi64>, %s: tensor<2xi64>) -> tensor<?x?xT> {
  %0 = stablehlo.real_dynamic_slice %a, %b, %e, %s : (tensor<4x6xT>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xT>
  return %0 : tensor<?x?xT>
}
// program: dynamic_pad; f32,i64; interpreter
func.func @main(%a: tensor<2x3xT>, %v: tensor<T>) -> tensor<4x6xT> {
  %l = stablehlo.constant dense<[0, 1]> : tensor<2xi64>
  %h = stablehlo.constant dense<[2, 0]> : tensor<2xi64>
  %i = stablehlo.constant dense<[0, 1]> : tensor<2xi64>
  %0 = stablehlo.dynamic_pad %a, %v, %l, %h, %i : (tensor<2x3xT>, tensor<T>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<4x6xT>
  return %0 : tensor<4x6xT>
}
// program: dynamic_pad_unknown; f32,i64; text
func.func @main(%a: tensor<2x3xT>, %v: tensor<T>, %l: tensor<2xi64>, %h: tensor<2xi64>, %i: tensor<2xi64>) -> tensor<?x?xT> {
  %0 = stablehlo.dynamic_pad %a, %v, %l, %h, %i : (tensor<2x3xT>, tensor<T>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xT>
  return %0 : tensor<?x?xT>
}
// program: unknown_dimensions; f32,i64; text
func.func @main(%a: tensor<?x3xT>, %b: tensor<?x3xT>) -> (tensor<3x?xT>, tensor<3xT>, tensor<i32>) {
  %0 = stablehlo.add %a, %b : tensor<?x3xT>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<?x3xT>) -> tensor<3x?xT>
  %2 = stablehlo.get_dimension_size %a, dim = 0 : (tensor<?x3xT>) -> tensor<i32>
  %3 = stablehlo.constant dense<1> : tensor<i32>
  %4 = stablehlo.convert %3 : (tensor<i32>) -> tensor<T>
  %5 = stablehlo.reduce(%0 init: %4) applies stablehlo.add across dimensions = [0] : (tensor<?x3xT>, tensor<T>) -> tensor<3xT>
  return %1, %5, %2 : tensor<3x?xT>, tensor<3xT>, tensor<i32>
}
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
// program: reduce_add; bifc; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> tensor<4xT> {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.add across dimensions = [1] : (tensor<4x5xT>, tensor<T>) -> tensor<4xT>
  return %0 : tensor<4xT>
}
// program: reduce_kinds; bif; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<5xT>, tensor<5xT>, tensor<T>) {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.maximum across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %1 = stablehlo.reduce(%a init: %i) applies stablehlo.minimum across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %2 = stablehlo.reduce(%a init: %i) applies stablehlo.multiply across dimensions = [0, 1] : (tensor<4x5xT>, tensor<T>) -> tensor<T>
  return %0, %1, %2 : tensor<5xT>, tensor<5xT>, tensor<T>
}
// program: reduce_logical; bi; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<5xT>, tensor<5xT>, tensor<5xT>) {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.and across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %1 = stablehlo.reduce(%a init: %i) applies stablehlo.or across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %2 = stablehlo.reduce(%a init: %i) applies stablehlo.xor across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  return %0, %1, %2 : tensor<5xT>, tensor<5xT>, tensor<5xT>
}
// program: reduce_argmax; if; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<4xT>, tensor<4xi32>) {
  %k = stablehlo.iota dim = 1 : tensor<4x5xi32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.reduce(%a init: %i), (%k init: %z) across dimensions = [1] : (tensor<4x5xT>, tensor<4x5xi32>, tensor<T>, tensor<i32>) -> (tensor<4xT>, tensor<4xi32>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<i32>, %n: tensor<i32>) {
    %2 = stablehlo.compare GT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %3 = stablehlo.compare NE, %x, %x : (tensor<T>, tensor<T>) -> tensor<i1>
    %4 = stablehlo.or %2, %3 : tensor<i1>
    %5 = stablehlo.compare EQ, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %6 = stablehlo.compare LT, %m, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %7 = stablehlo.and %5, %6 : tensor<i1>
    %8 = stablehlo.or %4, %7 : tensor<i1>
    %9 = stablehlo.select %4, %x, %y : tensor<i1>, tensor<T>
    %10 = stablehlo.select %8, %m, %n : tensor<i1>, tensor<i32>
    stablehlo.return %9, %10 : tensor<T>, tensor<i32>
  }
  return %0#0, %0#1 : tensor<4xT>, tensor<4xi32>
}
// program: reduce_argmin_of_pytorch; i; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<4xT>, tensor<4xi64>) {
  %k = stablehlo.iota dim = 1 : tensor<4x5xi64>
  %z = stablehlo.constant dense<0> : tensor<i64>
  %0:2 = stablehlo.reduce(%a init: %i), (%k init: %z) across dimensions = [1] : (tensor<4x5xT>, tensor<4x5xi64>, tensor<T>, tensor<i64>) -> (tensor<4xT>, tensor<4xi64>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<i64>, %n: tensor<i64>) {
    %2 = stablehlo.compare LE, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %3 = stablehlo.select %2, %x, %y : tensor<i1>, tensor<T>
    %4 = stablehlo.compare EQ, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %5 = stablehlo.minimum %m, %n : tensor<i64>
    %6 = stablehlo.select %2, %m, %n : tensor<i1>, tensor<i64>
    %7 = stablehlo.select %4, %5, %6 : tensor<i1>, tensor<i64>
    stablehlo.return %3, %7 : tensor<T>, tensor<i64>
  }
  return %0#0, %0#1 : tensor<4xT>, tensor<4xi64>
}
// program: reduce_two; if; interpreter
func.func @main(%a: tensor<4x5xT>, %b: tensor<4x5xf32>, %i: tensor<T>, %j: tensor<f32>) -> (tensor<5xT>, tensor<5xf32>) {
  %0:2 = stablehlo.reduce(%a init: %i), (%b init: %j) across dimensions = [0] : (tensor<4x5xT>, tensor<4x5xf32>, tensor<T>, tensor<f32>) -> (tensor<5xT>, tensor<5xf32>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<f32>, %n: tensor<f32>) {
    %2 = stablehlo.maximum %x, %y : tensor<T>
    %3 = stablehlo.add %n, %m : tensor<f32>
    stablehlo.return %2, %3 : tensor<T>, tensor<f32>
  }
  return %0#0, %0#1 : tensor<5xT>, tensor<5xf32>
}
// program: reduce_custom; if; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>, %c: tensor<T>) -> tensor<5xT> {
  %0 = stablehlo.reduce(%a init: %i) across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
   reducer(%x: tensor<T>, %y: tensor<T>) {
    %2 = stablehlo.subtract %x, %c : tensor<T>
    %3 = stablehlo.add %2, %y : tensor<T>
    stablehlo.return %3 : tensor<T>
  }
  return %0 : tensor<5xT>
}
// program: reduce_promoting; f16,bf16; none
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> tensor<5xf32> {
  %0 = "stablehlo.reduce"(%a, %i) <{dimensions = array<i64: 0>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %r = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<4x5xT>, tensor<T>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
// program: reduce_window; if; interpreter
func.func @main(%a: tensor<6x7xT>, %i: tensor<T>) -> tensor<5x4xT> {
  %0 = "stablehlo.reduce_window"(%a, %i) <{window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>, window_dilations = array<i64: 1, 1>, padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.maximum %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<6x7xT>, tensor<T>) -> tensor<5x4xT>
  return %0 : tensor<5x4xT>
}
// program: reduce_window_dilated_custom; f32,i32; interpreter
func.func @main(%a: tensor<3x4xT>, %i: tensor<T>) -> tensor<2x5xT> {
  %0 = "stablehlo.reduce_window"(%a, %i) <{window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, base_dilations = array<i64: 2, 1>, window_dilations = array<i64: 3, 1>, padding = dense<[[1, 1], [0, 1]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.add %x, %q : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x4xT>, tensor<T>) -> tensor<2x5xT>
  return %0 : tensor<2x5xT>
}
// program: cumulative_integer; i; interpreter
func.func @main(%a: tensor<3x5xT>) -> (tensor<3x5xT>, tensor<3x5xT>) {
  %k = stablehlo.constant dense<0> : tensor<T>
  %0 = "stablehlo.reduce_window"(%a, %k) <{window_dimensions = array<i64: 1, 5>, padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  %1 = "stablehlo.reduce_window"(%a, %k) <{window_dimensions = array<i64: 3, 1>, padding = dense<[[0, 2], [0, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  return %0, %1 : tensor<3x5xT>, tensor<3x5xT>
}
// program: cumulative_float; f; interpreter
func.func @main(%a: tensor<3x5xT>) -> (tensor<3x5xT>, tensor<3x5xT>) {
  %0 = stablehlo.constant dense<0.0> : tensor<T>
  %1 = stablehlo.constant dense<1.0> : tensor<T>
  %2 = "stablehlo.reduce_window"(%a, %0) <{window_dimensions = array<i64: 1, 5>, padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  %3 = "stablehlo.reduce_window"(%a, %1) <{window_dimensions = array<i64: 3, 1>, padding = dense<[[0, 2], [0, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.multiply %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  return %2, %3 : tensor<3x5xT>, tensor<3x5xT>
}
// program: select_and_scatter; f,i32,ui8; interpreter
func.func @main(%a: tensor<5x6xT>, %s: tensor<2x3xT>, %i: tensor<T>) -> tensor<5x6xT> {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %i) <{window_dimensions = array<i64: 3, 2>, window_strides = array<i64: 2, 2>, padding = dense<0> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare GE, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }, {
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5x6xT>, tensor<2x3xT>, tensor<T>) -> tensor<5x6xT>
  return %0 : tensor<5x6xT>
}
// program: select_and_scatter_custom; f32,i32; interpreter
func.func @main(%a: tensor<4x6xT>, %s: tensor<2x3xT>, %i: tensor<T>) -> tensor<4x6xT> {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %i) <{window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 2, 2>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.multiply %x, %x : tensor<T>
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.compare LE, %p, %q : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }, {
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.subtract %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<4x6xT>, tensor<2x3xT>, tensor<T>) -> tensor<4x6xT>
  return %0 : tensor<4x6xT>
}
// program: sort_plain; bi; interpreter
func.func @main(%a: tensor<3x9xT>) -> (tensor<3x9xT>, tensor<3x9xT>) {
  %0 = "stablehlo.sort"(%a) <{dimension = -1 : i64, is_stable = false}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  %1 = "stablehlo.sort"(%a) <{dimension = 0 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare GT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  return %0, %1 : tensor<3x9xT>, tensor<3x9xT>
}
// program: sort_total_order; f; jax
func.func @main(%a: tensor<3x9xT>) -> (tensor<3x9xT>, tensor<3x9xi32>) {
  %i = stablehlo.iota dim = 1 : tensor<3x9xi32>
  %0:2 = "stablehlo.sort"(%a, %i) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>, %p: tensor<i32>, %q: tensor<i32>):
    %r = stablehlo.compare GT, %x, %y, TOTALORDER : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>, tensor<3x9xi32>) -> (tensor<3x9xT>, tensor<3x9xi32>)
  return %0#0, %0#1 : tensor<3x9xT>, tensor<3x9xi32>
}
// program: sort_two_keys; if,f8E4M3FN,f8E5M2; interpreter
func.func @main(%a: tensor<3x9xi32>, %b: tensor<3x9xT>) -> (tensor<3x9xi32>, tensor<3x9xT>) {
  %0:2 = "stablehlo.sort"(%a, %b) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%p: tensor<i32>, %q: tensor<i32>, %x: tensor<T>, %y: tensor<T>):
    %1 = stablehlo.compare LT, %p, %q : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %2 = stablehlo.compare EQ, %p, %q : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %3 = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %4 = stablehlo.and %2, %3 : tensor<i1>
    %5 = stablehlo.or %1, %4 : tensor<i1>
    stablehlo.return %5 : tensor<i1>
  }) : (tensor<3x9xi32>, tensor<3x9xT>) -> (tensor<3x9xi32>, tensor<3x9xT>)
  return %0#0, %0#1 : tensor<3x9xi32>, tensor<3x9xT>
}
// program: sort_custom; f32,i32; interpreter
func.func @main(%a: tensor<3x9xT>) -> tensor<3x9xT> {
  %0 = "stablehlo.sort"(%a) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.multiply %x, %x : tensor<T>
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.compare LT, %p, %q : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  return %0 : tensor<3x9xT>
}
// program: dot_general; bifc; interpreter
func.func @main(%a: tensor<2x3x4xT>, %b: tensor<2x4x5xT>) -> tensor<2x3x5xT> {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1], precision = [DEFAULT, HIGHEST] : (tensor<2x3x4xT>, tensor<2x4x5xT>) -> tensor<2x3x5xT>
  return %0 : tensor<2x3x5xT>
}
// program: dot_general_widening; i8,ui8,f16,bf16; interpreter
func.func @main(%a: tensor<3x4xT>, %b: tensor<5x4xT>) -> tensor<3x5xf32> {
  %c = stablehlo.convert %a : (tensor<3x4xT>) -> tensor<3x4xf32>
  %d = stablehlo.convert %b : (tensor<5x4xT>) -> tensor<5x4xf32>
  %0 = stablehlo.dot_general %c, %d, contracting_dims = [1] x [1] : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
// program: dot; f32,f64,i32; jax
func.func @main(%a: tensor<3x4xT>, %b: tensor<4x5xT>, %v: tensor<4xT>) -> (tensor<3x5xT>, tensor<3xT>, tensor<T>, tensor<5xT>) {
  %0 = stablehlo.dot %a, %b : (tensor<3x4xT>, tensor<4x5xT>) -> tensor<3x5xT>
  %1 = stablehlo.dot %a, %v : (tensor<3x4xT>, tensor<4xT>) -> tensor<3xT>
  %2 = stablehlo.dot %v, %v : (tensor<4xT>, tensor<4xT>) -> tensor<T>
  %3 = stablehlo.dot %v, %b : (tensor<4xT>, tensor<4x5xT>) -> tensor<5xT>
  return %0, %1, %2, %3 : tensor<3x5xT>, tensor<3xT>, tensor<T>, tensor<5xT>
}
// program: convolution; if,c; interpreter
func.func @main(%a: tensor<1x5x6x2xT>, %k: tensor<2x3x2x3xT>) -> tensor<1x3x3x3xT> {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[1, 0], [1, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, true]} {feature_group_count = 1 : i64, batch_group_count = 1 : i64, precision_config = [#stablehlo<precision HIGH>, #stablehlo<precision HIGH>]} : (tensor<1x5x6x2xT>, tensor<2x3x2x3xT>) -> tensor<1x3x3x3xT>
  return %0 : tensor<1x3x3x3xT>
}
// program: convolution_grouped; f32,i32; interpreter
func.func @main(%a: tensor<2x4x8xT>, %k: tensor<4x2x3xT>) -> tensor<2x4x6xT> {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, f, 0]x[o, i, 0]->[b, f, 0], window = {rhs_dilate = [1]} {feature_group_count = 2 : i64, batch_group_count = 1 : i64} : (tensor<2x4x8xT>, tensor<4x2x3xT>) -> tensor<2x4x6xT>
  return %0 : tensor<2x4x6xT>
}
// program: dynamic_conv; f32,i32; interpreter
func.func @main(%a: tensor<1x5x2xT>, %k: tensor<3x2x3xT>) -> tensor<1x5x3xT> {
  %p = stablehlo.constant dense<[[1, 1]]> : tensor<1x2xi64>
  %0 = "stablehlo.dynamic_conv"(%a, %k, %p) <{dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64}> : (tensor<1x5x2xT>, tensor<3x2x3xT>, tensor<1x2xi64>) -> tensor<1x5x3xT>
  return %0 : tensor<1x5x3xT>
}
// program: dynamic_conv_unknown; f32,i32; none
func.func @main(%a: tensor<1x5x2xT>, %k: tensor<3x2x3xT>, %p: tensor<1x2xi64>) -> tensor<1x?x3xT> {
  %0 = "stablehlo.dynamic_conv"(%a, %k, %p) <{dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64}> : (tensor<1x5x2xT>, tensor<3x2x3xT>, tensor<1x2xi64>) -> tensor<1x?x3xT>
  return %0 : tensor<1x?x3xT>
}
// program: cholesky; f32,f64,c; jax
func.func @main(%a: tensor<3x3xT>) -> (tensor<3x3xT>, tensor<3x3xT>) {
  %0 = stablehlo.cholesky %a, lower = true : tensor<3x3xT>
  %1 = stablehlo.cholesky %a : tensor<3x3xT>
  return %0, %1 : tensor<3x3xT>, tensor<3x3xT>
}
// program: triangular_solve; f32,f64,c; jax
func.func @main(%a: tensor<3x3xT>, %b: tensor<3x2xT>) -> tensor<3x2xT> {
  %0 = "stablehlo.triangular_solve"(%a, %b) <{left_side = true, lower = true, unit_diagonal = true, transpose_a = #stablehlo<transpose ADJOINT>}> : (tensor<3x3xT>, tensor<3x2xT>) -> tensor<3x2xT>
  return %0 : tensor<3x2xT>
}
// program: fft; c; jax
func.func @main(%a: tensor<3x8xT>) -> (tensor<3x8xT>, tensor<3x8xT>) {
  %0 = stablehlo.fft %a, type = FFT, length = [8] : (tensor<3x8xT>) -> tensor<3x8xT>
  %1 = stablehlo.fft %a, type = IFFT, length = [3, 8] : (tensor<3x8xT>) -> tensor<3x8xT>
  return %0, %1 : tensor<3x8xT>, tensor<3x8xT>
}
// program: rfft; f32,f64; jax
func.func @main(%a: tensor<3x8xT>) -> tensor<3x8xT> {
  %0 = stablehlo.fft %a, type = RFFT, length = [8] : (tensor<3x8xT>) -> tensor<3x5xcomplex<T>>
  %1 = stablehlo.fft %0, type = IRFFT, length = [8] : (tensor<3x5xcomplex<T>>) -> tensor<3x8xT>
  return %1 : tensor<3x8xT>
}
// program: rng; f32,i32; none
func.func @main(%a: tensor<T>, %b: tensor<T>) -> tensor<2x3xT> {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.rng %a, %b, %s, distribution = UNIFORM : (tensor<T>, tensor<T>, tensor<2xi64>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: rng_bit_generator; ui32,ui64; jax
func.func @main(%a: tensor<2xui64>) -> (tensor<2xui64>, tensor<2x3xT>) {
  %0:2 = stablehlo.rng_bit_generator %a, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<2x3xT>)
  return %0#0, %0#1 : tensor<2xui64>, tensor<2x3xT>
}
// program: if; bifc; interpreter
func.func @main(%p: tensor<i1>, %a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<i32>) {
  %0:2 = "stablehlo.if"(%p) ({
    %1 = stablehlo.add %a, %b : tensor<3xT>
    %2 = stablehlo.constant dense<1> : tensor<i32>
    stablehlo.return %1, %2 : tensor<3xT>, tensor<i32>
  }, {
    %2 = stablehlo.constant dense<2> : tensor<i32>
    stablehlo.return %b, %2 : tensor<3xT>, tensor<i32>
  }) : (tensor<i1>) -> (tensor<3xT>, tensor<i32>)
  return %0#0, %0#1 : tensor<3xT>, tensor<i32>
}
// program: case; f32,i32; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>) {
  %c0 = stablehlo.constant dense<0> : tensor<i32>
  %c1 = stablehlo.constant dense<1> : tensor<i32>
  %c9 = stablehlo.constant dense<-9> : tensor<i32>
  %0 = "stablehlo.case"(%c0) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    %x = stablehlo.subtract %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %1 = "stablehlo.case"(%c1) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    %x = stablehlo.subtract %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %2 = "stablehlo.case"(%c9) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %3 = "stablehlo.case"(%c9) ({
    %x = stablehlo.multiply %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  return %0, %1, %2, %3 : tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>
}
// program: case_of_predicate; f32,i32; interpreter
func.func @main(%p: tensor<i1>, %a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<3xT>) {
  %q = stablehlo.not %p : tensor<i1>
  %i = stablehlo.convert %p : (tensor<i1>) -> tensor<i32>
  %j = stablehlo.convert %q : (tensor<i1>) -> tensor<i32>
  %0 = "stablehlo.case"(%i) ({
    stablehlo.return %a : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %1 = "stablehlo.case"(%j) ({
    stablehlo.return %a : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  return %0, %1 : tensor<3xT>, tensor<3xT>
}
// program: while; if; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<i32>, tensor<3xT>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.constant dense<5> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %x = %a) : tensor<i32>, tensor<3xT>
  cond {
    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %j = stablehlo.add %i, %one : tensor<i32>
    %y = stablehlo.add %x, %b : tensor<3xT>
    stablehlo.return %j, %y : tensor<i32>, tensor<3xT>
  }
  return %0#0, %0#1 : tensor<i32>, tensor<3xT>
}
// program: map; f,i32,ui8; interpreter
func.func @main(%a: tensor<3x2xT>, %b: tensor<3x2xT>, %c: tensor<T>) -> tensor<3x2xT> {
  %0 = "stablehlo.map"(%a, %b) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %q = stablehlo.add %x, %c : tensor<T>
    %i = stablehlo.constant dense<3> : tensor<i32>
    %k = stablehlo.convert %i : (tensor<i32>) -> tensor<T>
    %m = stablehlo.multiply %q, %k : tensor<T>
    %r = stablehlo.select %p, %m, %y : tensor<i1>, tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x2xT>, tensor<3x2xT>) -> tensor<3x2xT>
  return %0 : tensor<3x2xT>
}
// program: composite; f32,i32; interpreter
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.composite "my.double" %a {decomposition = @double, version = 1 : i32} : (tensor<3xT>) -> tensor<3xT>
  return %0 : tensor<3xT>
}
func.func private @double(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.add %a, %a : tensor<3xT>
  return %0 : tensor<3xT>
}
// program: call; f32,i32; interpreter
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = func.call @double(%a) : (tensor<3xT>) -> tensor<3xT>
  %1 = func.call @double(%0) : (tensor<3xT>) -> tensor<3xT>
  return %1 : tensor<3xT>
}
func.func private @double(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.add %a, %a : tensor<3xT>
  return %0 : tensor<3xT>
}
// program: tuple; f32,i32; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<2xi32>) -> (tensor<2xi32>, tensor<3xT>) {
  %0 = stablehlo.tuple %a, %b : tuple<tensor<3xT>, tensor<2xi32>>
  %1 = stablehlo.tuple %0, %a : tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>
  %2 = stablehlo.get_tuple_element %1[0] : (tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>) -> tuple<tensor<3xT>, tensor<2xi32>>
  %3 = stablehlo.get_tuple_element %2[1] : (tuple<tensor<3xT>, tensor<2xi32>>) -> tensor<2xi32>
  %4 = stablehlo.get_tuple_element %1[1] : (tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>) -> tensor<3xT>
  return %3, %4 : tensor<2xi32>, tensor<3xT>
}
// program: optimization_barrier; bifc; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<2xi32>) -> (tensor<3xT>, tensor<2xi32>) {
  %0:2 = stablehlo.optimization_barrier %a, %b : tensor<3xT>, tensor<2xi32>
  return %0#0, %0#1 : tensor<3xT>, tensor<2xi32>
}
// program: custom_call; f32; none
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.custom_call @Sharding(%a) {mhlo.sharding = "{replicated}"} : (tensor<3xT>) -> tensor<3xT>
  stablehlo.custom_call @check.expect_eq(%0, %a) {has_side_effect = true} : (tensor<3xT>, tensor<3xT>) -> ()
  %1 = stablehlo.custom_call @other(%0) {backend_config = "x", api_version = 2 : i32} : (tensor<3xT>) -> tuple<tensor<3xT>, tensor<i32>>
  %2 = stablehlo.get_tuple_element %1[0] : (tuple<tensor<3xT>, tensor<i32>>) -> tensor<3xT>
  return %2 : tensor<3xT>
}
// program: batch_norm_inference; f32,f64; jax
func.func @main(%a: tensor<4x3x2xT>, %s: tensor<3xT>, %o: tensor<3xT>, %m: tensor<3xT>) -> tensor<4x3x2xT> {
  %v = stablehlo.multiply %s, %s : tensor<3xT>
  %0 = "stablehlo.batch_norm_inference"(%a, %s, %o, %m, %v) <{epsilon = 0.01 : f32, feature_index = 1 : i64}> : (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>) -> tensor<4x3x2xT>
  return %0 : tensor<4x3x2xT>
}
// program: batch_norm_training; f32,f64; jax
func.func @main(%a: tensor<4x3x2xT>, %s: tensor<3xT>, %o: tensor<3xT>) -> (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>) {
  %0:3 = "stablehlo.batch_norm_training"(%a, %s, %o) <{epsilon = 0.01 : f32, feature_index = 1 : i64}> : (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>) -> (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>)
  return %0#0, %0#1, %0#2 : tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>
}
// program: batch_norm_grad; f32,f64; jax
func.func @main(%a: tensor<4x3x2xT>, %s: tensor<3xT>, %m: tensor<3xT>, %g: tensor<4x3x2xT>) -> (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>) {
  %v = stablehlo.multiply %s, %s : tensor<3xT>
  %0:3 = "stablehlo.batch_norm_grad"(%a, %s, %m, %v, %g) <{epsilon = 0.01 : f32, feature_index = 1 : i64}> : (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<4x3x2xT>) -> (tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>)
  return %0#0, %0#1, %0#2 : tensor<4x3x2xT>, tensor<3xT>, tensor<3xT>
}
