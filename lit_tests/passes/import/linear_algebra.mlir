// Linear algebra, Fourier transforms and random numbers.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: "astra.cholesky"(%arg0) {lower = true}
// CHECK-NEXT: "astra.triangular_solve"(%arg0, %arg0) {left_side = true, lower = false, transpose_a = "ADJOINT", unit_diagonal = true}
// CHECK-NEXT: "astra.fft"(%arg0) {fft_length = array<i64: 4>, fft_type = "RFFT"} : (tensor<4x4xf32>) -> tensor<4x3xcomplex<f32>>
// CHECK-NEXT: "astra.rng_bit_generator"(%arg1) {algorithm = "THREE_FRY"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<3xui32>)
// CHECK-NEXT: "astra.rng"(%arg2, %arg2, %arg3) {distribution = "NORMAL"}
func.func @main(%a: tensor<4x4xf32>, %s: tensor<2xui64>, %m: tensor<f32>, %n: tensor<1xi64>) {
  %0 = stablehlo.cholesky %a, lower = true : tensor<4x4xf32>
  %1 = "stablehlo.triangular_solve"(%a, %a) <{left_side = true, lower = false, unit_diagonal = true, transpose_a = #stablehlo<transpose ADJOINT>}> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = stablehlo.fft %a, type = RFFT, length = [4] : (tensor<4x4xf32>) -> tensor<4x3xcomplex<f32>>
  %3:2 = stablehlo.rng_bit_generator %s, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<3xui32>)
  %4 = stablehlo.rng %m, %m, %n, distribution = NORMAL : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<3xf32>
  return
}
