// A long sort: runs inside of programs, then launches that merge runs by twos; the last one moves the elements.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s
module {
  // CHECK-LABEL: func.func @main(
  // CHECK: "astra.kernel_call"({{.*}}callee = @[[HOST:astra_sort_[0-9a-f]*]], num_outs = 3 : i64, num_scratch = 2 : i64}
  func.func @main(%x: tensor<16384xf32>) -> tensor<16384xf32> {
    %0 = "astra.sort"(%x) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending"}
        : (tensor<16384xf32>) -> tensor<16384xf32>
    return %0 : tensor<16384xf32>
  }
  // CHECK: func.func private @[[HOST]](
  // CHECK: "astra.gpu_launch"(%arg0, %arg2) {grid = array<i64: 4, 1, 1>, kernel = @[[SORT:sort_.*]]}
  // CHECK: "astra.gpu_launch"(%arg0, %arg2, %arg3, %{{.*}}) {grid = array<i64: 4, 1, 1>, kernel = @[[MERGE:merge_.*]]}
  // CHECK: "astra.gpu_launch"(%arg0, %arg3, %arg1, %{{.*}}) {grid = array<i64: 4, 1, 1>, kernel = @[[LAST:merge_last_.*]]}
  // CHECK-NOT: astra.gpu_launch
  // CHECK: func.func private @[[SORT]](
  // CHECK: scf.for
  // CHECK: scf.for
  // CHECK: "astra.tile_gather"
  // CHECK: func.func private @[[MERGE]](
  // CHECK: func.func private @[[LAST]](
}
