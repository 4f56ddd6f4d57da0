// What has no kernel on GPUs is refused where it stands.
// RUN: %astra-opt %s --astra-to-gpu-kernels --astra-to-linalg --split-input-file --verify-diagnostics
func.func @numbers(%a: tensor<f32>, %shape: tensor<1xi64>) -> tensor<8xf32> {
  // expected-error@+1 {{astra.rng has no kernel for GPUs}}
  %0 = "astra.rng"(%a, %a, %shape) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
