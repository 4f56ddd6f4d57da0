// A result without elements needs no kernel.
// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[EMPTY:.*]] = tensor.empty() : tensor<2x0xcomplex<f32>>
// CHECK-NEXT: return %[[EMPTY]]
// CHECK-NOT: func.func private
func.func @main(%x: tensor<2x0xcomplex<f32>>) -> tensor<2x0xcomplex<f32>> {
  %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 0>} : (tensor<2x0xcomplex<f32>>) -> tensor<2x0xcomplex<f32>>
  return %0 : tensor<2x0xcomplex<f32>>
}
