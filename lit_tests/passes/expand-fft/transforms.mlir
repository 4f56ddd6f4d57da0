// Short lines are one product with a matrix of cosines and sines; longer ones two, with roots of unity between.
// RUN: %astra-opt %s --astra-expand-fft | %filecheck %s
module {
  // CHECK-LABEL: func.func @short(
  // CHECK: "astra.dot_general"(%{{.*}}, %{{.*}}) {{.*}}precision = "HIGHEST"{{.*}} (tensor<4x8x1xf32>, tensor<8x16xf32>) -> tensor<4x1x16xf32>
  // CHECK-NOT: astra.dot_general
  // CHECK: "astra.complex"
  // CHECK-NOT: astra.fft
  func.func @short(%x: tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>> {
    %0 = "astra.fft"(%x) {fft_type = "RFFT", fft_length = array<i64: 8>} : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
    return %0 : tensor<4x5xcomplex<f32>>
  }
  // CHECK-LABEL: func.func @long(
  // CHECK: "astra.dot_general"({{.*}} (tensor<1x128x16xf32>, tensor<128x128xf32>) -> tensor<1x16x128xf32>
  // CHECK: "astra.multiply"
  // CHECK: "astra.dot_general"({{.*}} (tensor<64x32x1xf32>, tensor<32x32xf32>) -> tensor<64x1x32xf32>
  // CHECK-NOT: astra.dot_general
  func.func @long(%x: tensor<1024xcomplex<f32>>) -> tensor<1024xcomplex<f32>> {
    %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 1024>}
        : (tensor<1024xcomplex<f32>>) -> tensor<1024xcomplex<f32>>
    return %0 : tensor<1024xcomplex<f32>>
  }
  // A large prime is a convolution with a chirp, by transforms of 512 points.
  // CHECK-LABEL: func.func @prime(
  // CHECK: tensor<1x512xf32>
  func.func @prime(%x: tensor<251xcomplex<f32>>) -> tensor<251xcomplex<f32>> {
    %0 = "astra.fft"(%x) {fft_type = "IFFT", fft_length = array<i64: 251>}
        : (tensor<251xcomplex<f32>>) -> tensor<251xcomplex<f32>>
    return %0 : tensor<251xcomplex<f32>>
  }
}
