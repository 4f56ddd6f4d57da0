// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// A bias, an activation and a residual are computed by the kernel of the product, of a tile that is in the cache.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @layer
  // CHECK-NOT:     "astra.add"
  // CHECK-NOT:     "astra.tanh"
  // CHECK:         %[[OUT:.*]] = tensor.empty() : tensor<64x256xf32>
  // CHECK-NEXT:    %[[Y:.*]] = "astra.kernel_call"(%arg0, %arg1, %arg2, %arg3, %[[OUT]]) {callee = @[[LAYER:astra_dot_[0-9a-f]+]], num_outs = 1 : i64}
  // CHECK-NEXT:    return %[[Y]]
  func.func @layer(%x: tensor<64x128xf32>, %w: tensor<128x256xf32>, %b: tensor<256xf32>, %r: tensor<64x256xf32>) -> tensor<64x256xf32> {
    %0 = "astra.dot_general"(%x, %w) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<64x128xf32>, tensor<128x256xf32>) -> tensor<64x256xf32>
    %1 = "astra.broadcast"(%b) {dimensions = array<i64: 1>} : (tensor<256xf32>) -> tensor<64x256xf32>
    %2 = "astra.add"(%0, %1) : (tensor<64x256xf32>, tensor<64x256xf32>) -> tensor<64x256xf32>
    %3 = "astra.tanh"(%2) : (tensor<64x256xf32>) -> tensor<64x256xf32>
    %4 = "astra.add"(%3, %r) : (tensor<64x256xf32>, tensor<64x256xf32>) -> tensor<64x256xf32>
    return %4 : tensor<64x256xf32>
  }

  // What is needed by something else ends the epilogue.
  // CHECK-LABEL: func.func @needed
  // CHECK:         %[[Z:.*]] = "astra.kernel_call"(%arg0, %arg1, %arg2, %{{.*}})
  // CHECK-NEXT:    %[[T:.*]] = "astra.tanh"(%[[Z]])
  // CHECK-NEXT:    return %[[Z]], %[[T]]
  func.func @needed(%x: tensor<64x128xf32>, %w: tensor<128x256xf32>, %b: tensor<256xf32>) -> (tensor<64x256xf32>, tensor<64x256xf32>) {
    %0 = "astra.dot_general"(%x, %w) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<64x128xf32>, tensor<128x256xf32>) -> tensor<64x256xf32>
    %1 = "astra.broadcast"(%b) {dimensions = array<i64: 1>} : (tensor<256xf32>) -> tensor<64x256xf32>
    %2 = "astra.add"(%0, %1) : (tensor<64x256xf32>, tensor<64x256xf32>) -> tensor<64x256xf32>
    %3 = "astra.tanh"(%2) : (tensor<64x256xf32>) -> tensor<64x256xf32>
    return %2, %3 : tensor<64x256xf32>, tensor<64x256xf32>
  }

  // CHECK:         func.func private @astra_gemm_tile_
  // CHECK:           call @astra_gemm_macro_f32_8x32
  // CHECK:           vector.maskedload
  // CHECK:           arith.addf
  // CHECK:           math.tanh %{{.*}} : vector<16xf32>
  // CHECK:           arith.addf
  // CHECK:           vector.maskedstore
  // CHECK:         func.func private @[[LAYER]]
}
