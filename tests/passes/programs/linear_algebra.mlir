// StableHLO programs: linear algebra and Fourier transforms (their form is in ../stablehlo_programs.py).

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
