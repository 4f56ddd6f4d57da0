// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// Each distinct kernel is added once, also for operations within regions; unsigned types stay on tensors only.

// CHECK-LABEL: func.func @two_scans
// CHECK-SAME: (%arg0: tensor<16xui32>, %arg1: tensor<i1>)
// CHECK: %[[INIT:.+]] = tensor.empty() : tensor<16xui32>
// CHECK: %[[FIRST:.+]] = "astra.kernel_call"(%arg0, %[[INIT]]) {callee = @[[KERNEL:.+]], num_outs = 1 : i64} : (tensor<16xui32>, tensor<16xui32>) -> tensor<16xui32>
// CHECK: "astra.if"
// CHECK: "astra.kernel_call"(%[[FIRST]], %{{.+}}) {callee = @[[KERNEL]], num_outs = 1 : i64}
func.func @two_scans(%x: tensor<16xui32>, %p: tensor<i1>) -> tensor<16xui32> {
  %0 = "astra.cumulative"(%x) {dimension = 0 : i64, kind = "add", reverse = false} : (tensor<16xui32>) -> tensor<16xui32>
  %1 = "astra.if"(%p) ({
    %2 = "astra.cumulative"(%0) {dimension = 0 : i64, kind = "add", reverse = false} : (tensor<16xui32>) -> tensor<16xui32>
    "astra.yield"(%2) : (tensor<16xui32>) -> ()
  }, {
    "astra.yield"(%x) : (tensor<16xui32>) -> ()
  }) : (tensor<i1>) -> tensor<16xui32>
  return %1 : tensor<16xui32>
}

// The operand of a scatter is what its result begins with.
// CHECK-LABEL: func.func @scatter
// CHECK-SAME: (%arg0: tensor<5x8xf32>, %arg1: tensor<3x1xi32>, %arg2: tensor<3x8xf32>)
// CHECK: "astra.kernel_call"(%arg1, %arg2, %arg0) {callee = @{{.+}}, num_outs = 1 : i64} : (tensor<3x1xi32>, tensor<3x8xf32>, tensor<5x8xf32>) -> tensor<5x8xf32>
func.func @scatter(%x: tensor<5x8xf32>, %i: tensor<3x1xi32>, %u: tensor<3x8xf32>) -> tensor<5x8xf32> {
  %0 = "astra.scatter"(%x, %i, %u) ({}) {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>,
      input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
      scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<5x8xf32>, tensor<3x1xi32>, tensor<3x8xf32>) -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// Records too big for a stack are scratch: outs whose results are not used.
// CHECK-LABEL: func.func @sort
// CHECK: %[[CALL:.+]]:2 = "astra.kernel_call"({{.+}}) {callee = @{{.+}}, num_outs = 2 : i64, num_scratch = 1 : i64} : (tensor<2x99999xf32>, tensor<2x99999xf32>, tensor<1x2x99999xi64>)
// CHECK: return %[[CALL]]#0
func.func @sort(%x: tensor<2x99999xf32>) -> tensor<2x99999xf32> {
  %0 = "astra.sort"(%x) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"} : (tensor<2x99999xf32>) -> tensor<2x99999xf32>
  return %0 : tensor<2x99999xf32>
}

// A value that a combiner takes from outside becomes an argument of the kernel.
// CHECK-LABEL: func.func @captured
// CHECK-SAME: (%arg0: tensor<8xf32>, %arg1: tensor<f32>)
// CHECK: "astra.kernel_call"(%arg0, %arg1, %{{.+}}) {{.+}} : (tensor<8xf32>, tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
func.func @captured(%x: tensor<8xf32>, %c: tensor<f32>) -> tensor<8xf32> {
  %0 = "astra.sort"(%x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.multiply"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.compare"(%1, %b) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%2) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// Tables are constants.
// CHECK-LABEL: func.func @fft
// CHECK: %[[TABLE:.+]] = "astra.constant"() {{.+}} -> tensor<2x{{.+}}xf32>
// CHECK: "astra.kernel_call"(%arg0, %[[TABLE]], %{{.+}})
func.func @fft(%x: tensor<3x12xcomplex<f32>>) -> tensor<3x12xcomplex<f32>> {
  %0 = "astra.fft"(%x) {fft_type = "FFT", fft_length = array<i64: 12>} : (tensor<3x12xcomplex<f32>>) -> tensor<3x12xcomplex<f32>>
  return %0 : tensor<3x12xcomplex<f32>>
}

// Elementwise operations and shapes that are not known stay.
// CHECK-LABEL: func.func @kept
// CHECK: "astra.add"
// CHECK: "astra.cumulative"
func.func @kept(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = "astra.add"(%x, %x) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %1 = "astra.cumulative"(%0) {dimension = 0 : i64, kind = "add", reverse = false} : (tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// CHECK: func.func private @[[KERNEL]](%arg0: memref<16xi32>, %arg1: memref<16xi32>)
// CHECK-NOT: func.func private @[[KERNEL]](
