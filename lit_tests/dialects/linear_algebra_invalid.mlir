// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @cholesky_1(%a: tensor<5x3x3xf32>) {
  // expected-error@below {{result must have the shape of operand 'a', 5x3x3, but is tensor<5x3x4xf32> (C1)}}
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x4xf32>
  return
}

func.func @cholesky_2(%a: tensor<3xf32>) {
  // expected-error@below {{operand 'a' must have rank 2 or more, but is tensor<3xf32> (C2)}}
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<3xf32>) -> tensor<3xf32>
  return
}

func.func @cholesky_3(%a: tensor<5x3x4xf32>) {
  // expected-error@below {{operand 'a' must be square matrices, but is tensor<5x3x4xf32> (C3)}}
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x4xf32>) -> tensor<5x3x4xf32>
  return
}

func.func @cholesky_4(%a: tensor<5x3x3xi32>) {
  // expected-error@below {{operand 'a' must have floating-point or complex elements, but is tensor<5x3x3xi32>}}
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x3xi32>) -> tensor<5x3x3xi32>
  return
}

func.func @triangular_solve_1(%a: tensor<3x3xf32>, %b: tensor<3x5xf64>) {
  // expected-error@below {{operand 'b' must have the element type of operand 'a', f32, but is tensor<3x5xf64> (C1)}}
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<3x5xf64>) -> tensor<3x5xf32>
  return
}

func.func @triangular_solve_2(%a: tensor<3x3xf32>, %b: tensor<1x3x5xf32>) {
  // expected-error@below {{operand 'b' must have rank 2, but is tensor<1x3x5xf32> (C2)}}
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<1x3x5xf32>) -> tensor<3x5xf32>
  return
}

func.func @triangular_solve_3(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error@below {{operand 'b' must have shape 3x3, as tensor<3x3xf32> requires, but is tensor<3x5xf32> (C3)}}
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = false, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}

func.func @triangular_solve_4(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error@below {{result must have the shape of operand 'b', 3x5, but is tensor<3x6xf32> (C4)}}
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x6xf32>
  return
}

func.func @triangular_solve_5(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error@below {{attribute 'transpose_a' must be one of NO_TRANSPOSE, TRANSPOSE, ADJOINT, but is 'BOTH'}}
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "BOTH"}
      : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}

func.func @fft_1(%operand: tensor<4x8xf32>) {
  // expected-error@below {{operand 'operand' must have rank 3 or more, but is tensor<4x8xf32> (C1)}}
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 1, 4, 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

func.func @fft_2(%operand: tensor<4x8xf32>) {
  // expected-error@below {{result must have the precision of operand 'operand', tensor<4x8xf32>, but is tensor<4x5xcomplex<f64>> (C2)}}
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f64>>
  return
}

func.func @fft_3(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'fft_length' must have 1 to 3 values, but has 0 (C3)}}
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

func.func @fft_4(%operand: tensor<4x8xf32>) {
  // expected-error@below {{operand 'operand' must end in the dimensions of fft_length, 6, but is tensor<4x8xf32> (C4)}}
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 6>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

func.func @fft_5(%operand: tensor<4x8xf32>) {
  // expected-error@below {{result must have shape 4x5, that of the RFFT of tensor<4x8xf32>, but is tensor<4x8xcomplex<f32>> (C5)}}
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x8xcomplex<f32>>
  return
}

func.func @fft_6(%operand: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'fft_type' must be one of FFT, IFFT, RFFT, IRFFT, but is 'DFT'}}
  %result = "astra.fft"(%operand) {fft_type = "DFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

func.func @fft_7(%operand: tensor<4x8xf32>) {
  // expected-error@below {{operand 'operand' must have complex elements, but is tensor<4x8xf32>}}
  %result = "astra.fft"(%operand) {fft_type = "FFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return
}

func.func @fft_8(%operand: tensor<4x6xcomplex<f32>>) {
  // expected-error@below {{operand 'operand' must have 5 elements in its last dimension, but is tensor<4x6xcomplex<f32>> (C5)}}
  %result = "astra.fft"(%operand) {fft_type = "IRFFT", fft_length = array<i64: 8>}
      : (tensor<4x6xcomplex<f32>>) -> tensor<4x8xf32>
  return
}
