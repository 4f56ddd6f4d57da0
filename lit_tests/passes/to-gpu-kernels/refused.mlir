// What has no kernel on GPUs is refused where it stands.
// RUN: %astra-opt %s --astra-to-gpu-kernels --astra-to-linalg --split-input-file --verify-diagnostics
func.func @transform(%x: tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>> {
  // expected-error@+1 {{astra.fft}}
  %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 8>} : (tensor<8xcomplex<f32>>) -> tensor<8xcomplex<f32>>
  return %0 : tensor<8xcomplex<f32>>
}
