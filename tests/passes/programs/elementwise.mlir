// StableHLO programs: selection and conversion; the other elementwise operations come from the table of the dialect (their form is in ../stablehlo_programs.py).

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
