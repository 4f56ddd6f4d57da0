// Matrices are in the last dimensions, so the batch goes first; one matrix solves for the columns of all applications.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=2 axis-size=8" | %filecheck %s --check-prefix=ONE

// ONE-LABEL: func.func @main(
// ONE-SAME: %[[A0:[a-z0-9]+]]: tensor<3x3x8xf32>) -> tensor<8x3x3xf32>
// ONE: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 2, 0, 1>} : (tensor<3x3x8xf32>) -> tensor<8x3x3xf32>
// ONE: %[[V1:[a-z0-9]+]] = "astra.cholesky"(%[[V0]]) {lower = true} : (tensor<8x3x3xf32>) -> tensor<8x3x3xf32>
// ONE: return %[[V1]] : tensor<8x3x3xf32>
func.func @main(%a: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = "astra.cholesky"(%a) {lower = true} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

// ONE-LABEL: func.func @main(
// ONE-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x8xf32>) -> tensor<8x4x5xcomplex<f32>>
// ONE: %[[V0:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 2, 0, 1>} : (tensor<4x8x8xf32>) -> tensor<8x4x8xf32>
// ONE: %[[V1:[a-z0-9]+]] = "astra.fft"(%[[V0]]) {fft_length = array<i64: 8>, fft_type = "RFFT"} : (tensor<8x4x8xf32>) -> tensor<8x4x5xcomplex<f32>>
// ONE: return %[[V1]] : tensor<8x4x5xcomplex<f32>>
func.func @main(%a: tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>> {
  %0 = "astra.fft"(%a) {fft_type = "RFFT", fft_length = array<i64: 8>} : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return %0 : tensor<4x5xcomplex<f32>>
}
