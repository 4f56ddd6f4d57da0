// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @cholesky(
// CHECK: "astra.cholesky"(%arg0) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x3xf32>
// STABLEHLO-LABEL: func.func @cholesky(
// STABLEHLO: stablehlo.cholesky{{[^_a-z]}}
func.func @cholesky(%a: tensor<5x3x3xf32>) -> tensor<5x3x3xf32> {
  %result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x3xf32>
  return %result : tensor<5x3x3xf32>
}

// CHECK-LABEL: func.func @triangular_solve(
// CHECK: "astra.triangular_solve"(%arg0, %arg1) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false} : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
// STABLEHLO-LABEL: func.func @triangular_solve(
// STABLEHLO: stablehlo.triangular_solve{{[^_a-z]}}
func.func @triangular_solve(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %result = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
      : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %result : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @fft(
// CHECK: "astra.fft"(%arg0) {fft_length = array<i64: 8>, fft_type = "RFFT"} : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
// STABLEHLO-LABEL: func.func @fft(
// STABLEHLO: stablehlo.fft{{[^_a-z]}}
func.func @fft(%operand: tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>> {
  %result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 8>}
      : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return %result : tensor<4x5xcomplex<f32>>
}
