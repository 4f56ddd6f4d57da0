// StableHLO programs: constants, and operations that change shapes or move elements (their form is in ../stablehlo_programs.py).

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
