// Other operations, and transforms without elements, stay.
// RUN: %astra-opt %s --astra-expand-fft | %filecheck %s
module {
  // CHECK-LABEL: func.func @main(
  // CHECK: "astra.fft"(%arg0) {{.*}}tensor<0x8xcomplex<f32>>
  // CHECK-NEXT: "astra.negate"(%arg1)
  // CHECK-NEXT: return
  func.func @main(%x: tensor<0x8xcomplex<f32>>, %y: tensor<4xf32>) -> (tensor<0x8xcomplex<f32>>, tensor<4xf32>) {
    %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 8>}
        : (tensor<0x8xcomplex<f32>>) -> tensor<0x8xcomplex<f32>>
    %1 = "astra.negate"(%y) : (tensor<4xf32>) -> tensor<4xf32>
    return %0, %1 : tensor<0x8xcomplex<f32>>, tensor<4xf32>
  }
}
