// A factor is a launch for each block of 32 columns, a solve one launch for all columns of the unknown.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
module {
  // CHECK-LABEL: func.func @main(
  func.func @main(%a: tensor<64x64xf32>, %b: tensor<64x40xf32>) -> (tensor<64x64xf32>, tensor<64x40xf32>) {
    %0 = "astra.cholesky"(%a) {lower = true} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %1 = "astra.triangular_solve"(%0, %b) {left_side = true, lower = true, unit_diagonal = false,
        transpose_a = "NO_TRANSPOSE"} : (tensor<64x64xf32>, tensor<64x40xf32>) -> tensor<64x40xf32>
    return %0, %1 : tensor<64x64xf32>, tensor<64x40xf32>
  }
  // CHECK: func.func private @astra_cholesky
  // CHECK: "astra.gpu_launch"(%arg0, %arg1, %{{.*}}) {grid = array<i64: 2, 1, 1>, kernel = @[[FACTOR:cholesky_.*]]}
  // CHECK: "astra.gpu_launch"(%arg0, %arg1, %{{.*}}) {grid = array<i64: 1, 1, 1>, kernel = @[[FACTOR]]}
  // CHECK: func.func private @[[FACTOR]](
  // CHECK: "astra.tile_dot"({{.*}}precision = "ieee"
  // CHECK: func.func private @astra_triangular_solve
  // CHECK-NEXT: "astra.gpu_launch"(%arg0, %arg1, %arg2) {grid = array<i64: 2, 1, 1>
}
