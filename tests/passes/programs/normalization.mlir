// StableHLO programs: batch normalization, which import decomposes (their form is in ../stablehlo_programs.py).

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
