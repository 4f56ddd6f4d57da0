// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A window reduction whose window reaches over the edges reads its input where it lies: a whole window is written out,
// one at an edge is a loop over the places that are there.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @pool
  // CHECK:       %[[OUT:.*]] = tensor.empty() : tensor<8x28x28x64xf32>
  // CHECK-NEXT:  "astra.kernel_call"(%arg0, %[[OUT]]) {callee = @[[POOL:astra_window_[0-9a-f]+]], num_outs = 1 : i64}
  func.func @pool(%x: tensor<8x56x56x64xf32>) -> tensor<8x28x28x64xf32> {
    %start = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
    %0 = "astra.reduce_window"(%x, %start) ({}) {
      window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>,
      base_dilations = array<i64: 1, 1, 1, 1>, window_dilations = array<i64: 1, 1, 1, 1>,
      padding = array<i64: 0, 0, 1, 1, 1, 1, 0, 0>, kind = "maximum"
    } : (tensor<8x56x56x64xf32>, tensor<f32>) -> tensor<8x28x28x64xf32>
    return %0 : tensor<8x28x28x64xf32>
  }

  // Without padding there is no copy to save.
  // CHECK-LABEL: func.func @inside
  // CHECK:       "astra.reduce_window"
  func.func @inside(%x: tensor<8x56x56x64xf32>) -> tensor<8x28x28x64xf32> {
    %start = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
    %0 = "astra.reduce_window"(%x, %start) ({}) {
      window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>,
      base_dilations = array<i64: 1, 1, 1, 1>, window_dilations = array<i64: 1, 1, 1, 1>,
      padding = array<i64: 0, 0, 0, 0, 0, 0, 0, 0>, kind = "add"
    } : (tensor<8x56x56x64xf32>, tensor<f32>) -> tensor<8x28x28x64xf32>
    return %0 : tensor<8x28x28x64xf32>
  }

  // CHECK:      func.func private @[[POOL]]_row
  // CHECK:      scf.if %{{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK-COUNT-36: arith.maximumf
  // CHECK:      else
  // CHECK:      scf.for
  // CHECK-NEXT: {{.*}}
  // CHECK:      scf.for
  // CHECK-COUNT-4: arith.maximumf
  // CHECK-NOT:  arith.maximumf
  // CHECK:      vector.store
  // CHECK:      func.func private @[[POOL]](
  // CHECK:      scf.forall
}
