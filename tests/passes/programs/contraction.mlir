// StableHLO programs: products of matrices and convolutions (their form is in ../stablehlo_programs.py).

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
