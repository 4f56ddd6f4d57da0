// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @cholesky(
// CHECK: "astra.cholesky"(%arg0) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x3xf32>
func.func @cholesky(%a: tensor<5x3x3xf32>) {
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x3xf32>
  return
}

// CHECK-LABEL: func.func @triangular_solve(
// CHECK: "astra.triangular_solve"(%arg0, %arg1) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
func.func @triangular_solve(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) {
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}

// CHECK-LABEL: func.func @fft(
// CHECK: "astra.fft"(%arg0) {fft_length = array<i64: 8>, fft_type = "RFFT"} : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
func.func @fft(%operand: tensor<4x8xf32>) {
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

// CHECK-LABEL: func.func @inverse_real(
// CHECK: "astra.fft"(%arg0) {fft_length = array<i64: 4, 8>, fft_type = "IRFFT"} : (tensor<4x5xcomplex<f32>>) -> tensor<4x8xf32>
func.func @inverse_real(%a: tensor<4x5xcomplex<f32>>) {
  %r = "astra.fft"(%a) {fft_length = array<i64: 4, 8>, fft_type = "IRFFT"} : (tensor<4x5xcomplex<f32>>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @solve_right(
// CHECK: "astra.triangular_solve"(%arg0, %arg1) {left_side = false, lower = false, transpose_a = "ADJOINT", unit_diagonal = true} : (tensor<2x3x3xcomplex<f64>>, tensor<2x5x3xcomplex<f64>>) -> tensor<2x5x3xcomplex<f64>>
func.func @solve_right(%a: tensor<2x3x3xcomplex<f64>>, %b: tensor<2x5x3xcomplex<f64>>) {
  %r = "astra.triangular_solve"(%a, %b) {left_side = false, lower = false, transpose_a = "ADJOINT", unit_diagonal = true} : (tensor<2x3x3xcomplex<f64>>, tensor<2x5x3xcomplex<f64>>) -> tensor<2x5x3xcomplex<f64>>
  return
}
