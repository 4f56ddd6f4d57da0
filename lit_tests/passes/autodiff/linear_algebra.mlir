// Factorizations, triangular solves and Fourier transforms.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @cholesky_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.cholesky"(%arg0) {lower = true}
// CHECK-NEXT: %[[V1:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%[[V1]], %[[V2]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V4:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V5:.*]] = "astra.select"(%[[V3]], %[[V0]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.triangular_solve"(%[[V5]], %arg1) {left_side = false, lower = true, transpose_a = "ADJOINT", unit_diagonal = false}
// CHECK-NEXT: %[[V7:.*]] = "astra.triangular_solve"(%[[V5]], %[[V6]]) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V8:.*]] = "astra.compare"(%[[V1]], %[[V2]]) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[V9:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%[[V7]], %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V8]], %[[V10]], %[[V7]])
// CHECK-NEXT: %[[V12:.*]] = "astra.select"(%[[V3]], %[[V11]], %[[V4]])
// CHECK-NEXT: %[[V13:.*]] = "astra.dot_general"(%[[V5]], %[[V12]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: return %[[V13]] : tensor<3x3xf32>
func.func @cholesky_forward(%a: tensor<3x3xf32>, %da: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0:2 = "astra.jvp"(%a, %da) {callee = @cholesky, argnums = array<i64: 0>}
      : (tensor<3x3xf32>, tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>)
  return %0#1 : tensor<3x3xf32>
}
// CHECK-LABEL: func.func @cholesky_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.cholesky"(%arg0) {lower = true}
// CHECK-NEXT: %[[V1:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%[[V1]], %[[V2]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V4:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V5:.*]] = "astra.select"(%[[V3]], %[[V0]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.dot_general"(%[[V5]], %arg1) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V7:.*]] = "astra.compare"(%[[V1]], %[[V2]]) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[V8:.*]] = "astra.constant"() {value = dense<5.000000e-01> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V9:.*]] = "astra.multiply"(%[[V6]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.select"(%[[V7]], %[[V9]], %[[V6]])
// CHECK-NEXT: %[[V11:.*]] = "astra.select"(%[[V3]], %[[V10]], %[[V4]])
// CHECK-NEXT: %[[V12:.*]] = "astra.triangular_solve"(%[[V5]], %[[V11]]) {left_side = true, lower = true, transpose_a = "TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V13:.*]] = "astra.triangular_solve"(%[[V5]], %[[V12]]) {left_side = false, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: return %[[V13]] : tensor<3x3xf32>
func.func @cholesky_reverse(%a: tensor<3x3xf32>, %c: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0:2 = "astra.vjp"(%a, %c) {callee = @cholesky, argnums = array<i64: 0>}
      : (tensor<3x3xf32>, tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>)
  return %0#1 : tensor<3x3xf32>
}
func.func private @cholesky(%a: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = "astra.cholesky"(%a) {lower = true} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// One solve for both operands' tangents, and one transposed solve for both cotangents.
// CHECK-LABEL: func.func @solve_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.triangular_solve"(%arg0, %arg1) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V3:.*]] = "astra.compare"(%[[V1]], %[[V2]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V4:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V5:.*]] = "astra.select"(%[[V3]], %arg2, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.dot_general"(%[[V5]], %[[V0]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V7:.*]] = "astra.subtract"(%arg3, %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.triangular_solve"(%arg0, %[[V7]]) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: return %[[V8]] : tensor<3x5xf32>
func.func @solve_forward(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>, %da: tensor<3x3xf32>, %db: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %0:2 = "astra.jvp"(%a, %b, %da, %db) {callee = @solve, argnums = array<i64: 0, 1>}
      : (tensor<3x3xf32>, tensor<3x5xf32>, tensor<3x3xf32>, tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>)
  return %0#1 : tensor<3x5xf32>
}
// CHECK-LABEL: func.func @solve_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.triangular_solve"(%arg0, %arg1) {left_side = true, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.triangular_solve"(%arg0, %arg2) {left_side = true, lower = true, transpose_a = "TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]], %[[V0]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V4:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%[[V3]], %[[V4]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V6:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V7:.*]] = "astra.select"(%[[V5]], %[[V2]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.negate"(%[[V7]])
// CHECK-NEXT: return %[[V8]], %[[V1]] : tensor<3x3xf32>, tensor<3x5xf32>
func.func @solve_reverse(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>, %c: tensor<3x5xf32>) -> (tensor<3x3xf32>, tensor<3x5xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @solve, argnums = array<i64: 0, 1>}
      : (tensor<3x3xf32>, tensor<3x5xf32>, tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x3xf32>, tensor<3x5xf32>)
  return %0#1, %0#2 : tensor<3x3xf32>, tensor<3x5xf32>
}
func.func private @solve(%a: tensor<3x3xf32>, %b: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %0 = "astra.triangular_solve"(%a, %b)
      {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"} : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @solve_from_the_right_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.triangular_solve"(%arg0, %arg1) {left_side = false, lower = true, transpose_a = "TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.triangular_solve"(%arg0, %arg2) {left_side = false, lower = true, transpose_a = "NO_TRANSPOSE", unit_diagonal = false}
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]], %[[V0]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, precision = "HIGHEST", rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V3:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V4:.*]] = "astra.iota"() {dimension = 1 : i64}
// CHECK-NEXT: %[[V5:.*]] = "astra.compare"(%[[V3]], %[[V4]]) {compare_type = "SIGNED", direction = "GE"}
// CHECK-NEXT: %[[V6:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<3x3xf32>}
// CHECK-NEXT: %[[V7:.*]] = "astra.select"(%[[V5]], %[[V2]], %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.negate"(%[[V7]])
// CHECK-NEXT: return %[[V8]], %[[V1]] : tensor<3x3xf32>, tensor<5x3xf32>
func.func @solve_from_the_right_reverse(%a: tensor<3x3xf32>, %b: tensor<5x3xf32>, %c: tensor<5x3xf32>) -> (tensor<3x3xf32>, tensor<5x3xf32>) {
  %0:3 = "astra.vjp"(%a, %b, %c) {callee = @solve_from_the_right, argnums = array<i64: 0, 1>}
      : (tensor<3x3xf32>, tensor<5x3xf32>, tensor<5x3xf32>) -> (tensor<5x3xf32>, tensor<3x3xf32>, tensor<5x3xf32>)
  return %0#1, %0#2 : tensor<3x3xf32>, tensor<5x3xf32>
}
func.func private @solve_from_the_right(%a: tensor<3x3xf32>, %b: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %0 = "astra.triangular_solve"(%a, %b)
      {left_side = false, lower = true, unit_diagonal = false, transpose_a = "TRANSPOSE"} : (tensor<3x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}

// A Fourier transform is its own transpose; the real ones are each other's, with weights.
// CHECK-LABEL: func.func @fft_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.fft"(%arg1) {fft_length = array<i64: 8>, fft_type = "FFT"}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xcomplex<f32>>
func.func @fft_forward(%x: tensor<4x8xcomplex<f32>>, %dx: tensor<4x8xcomplex<f32>>) -> tensor<4x8xcomplex<f32>> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @fft, argnums = array<i64: 0>}
      : (tensor<4x8xcomplex<f32>>, tensor<4x8xcomplex<f32>>) -> (tensor<4x8xcomplex<f32>>, tensor<4x8xcomplex<f32>>)
  return %0#1 : tensor<4x8xcomplex<f32>>
}
// CHECK-LABEL: func.func @fft_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.fft"(%arg1) {fft_length = array<i64: 8>, fft_type = "FFT"}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xcomplex<f32>>
func.func @fft_reverse(%x: tensor<4x8xcomplex<f32>>, %c: tensor<4x8xcomplex<f32>>) -> tensor<4x8xcomplex<f32>> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @fft, argnums = array<i64: 0>}
      : (tensor<4x8xcomplex<f32>>, tensor<4x8xcomplex<f32>>) -> (tensor<4x8xcomplex<f32>>, tensor<4x8xcomplex<f32>>)
  return %0#1 : tensor<4x8xcomplex<f32>>
}
func.func private @fft(%x: tensor<4x8xcomplex<f32>>) -> tensor<4x8xcomplex<f32>> {
  %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 8>} : (tensor<4x8xcomplex<f32>>) -> tensor<4x8xcomplex<f32>>
  return %0 : tensor<4x8xcomplex<f32>>
}

// CHECK-LABEL: func.func @rfft_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<[(8.000000e+00,0.000000e+00), (4.000000e+00,0.000000e+00), (4.000000e+00,0.000000e+00), (4.000000e+00,0.000000e+00), (8.000000e+00,0.000000e+00)]> : tensor<5xcomplex<f32>>}
// CHECK-NEXT: %[[V1:.*]] = "astra.broadcast"(%[[V0]]) {dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.real"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.imag"(%[[V2]])
// CHECK-NEXT: %[[V5:.*]] = "astra.negate"(%[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.complex"(%[[V3]], %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.fft"(%[[V6]]) {fft_length = array<i64: 8>, fft_type = "IRFFT"}
// CHECK-NEXT: return %[[V7]] : tensor<4x8xf32>
func.func @rfft_reverse(%x: tensor<4x8xf32>, %c: tensor<4x5xcomplex<f32>>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @rfft, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x5xcomplex<f32>>) -> (tensor<4x5xcomplex<f32>>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @rfft(%x: tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>> {
  %0 = "astra.fft"(%x) {fft_type = "RFFT", fft_length = array<i64: 8>} : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
  return %0 : tensor<4x5xcomplex<f32>>
}

// CHECK-LABEL: func.func @irfft_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<[(1.250000e-01,0.000000e+00), (2.500000e-01,0.000000e+00), (2.500000e-01,0.000000e+00), (2.500000e-01,0.000000e+00), (1.250000e-01,0.000000e+00)]> : tensor<5xcomplex<f32>>}
// CHECK-NEXT: %[[V1:.*]] = "astra.broadcast"(%[[V0]]) {dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V2:.*]] = "astra.fft"(%arg1) {fft_length = array<i64: 8>, fft_type = "RFFT"}
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V2]], %[[V1]])
// CHECK-NEXT: %[[V4:.*]] = "astra.real"(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.imag"(%[[V3]])
// CHECK-NEXT: %[[V6:.*]] = "astra.negate"(%[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.complex"(%[[V4]], %[[V6]])
// CHECK-NEXT: return %[[V7]] : tensor<4x5xcomplex<f32>>
func.func @irfft_reverse(%x: tensor<4x5xcomplex<f32>>, %c: tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @irfft, argnums = array<i64: 0>}
      : (tensor<4x5xcomplex<f32>>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x5xcomplex<f32>>)
  return %0#1 : tensor<4x5xcomplex<f32>>
}
func.func private @irfft(%x: tensor<4x5xcomplex<f32>>) -> tensor<4x8xf32> {
  %0 = "astra.fft"(%x) {fft_type = "IRFFT", fft_length = array<i64: 8>} : (tensor<4x5xcomplex<f32>>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
