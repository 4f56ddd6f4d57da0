// What has no form on parts is refused where it stands.
// RUN: %astra-opt %s --astra-split-complex --split-input-file --verify-diagnostics
func.func @products(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  // expected-error@+1 {{astra.cumulative of kind multiply of complex numbers runs on no GPU}}
  %0 = "astra.cumulative"(%x) {dimension = 0 : i64, kind = "multiply", reverse = false}
      : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}
