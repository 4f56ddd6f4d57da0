// Attention is one kernel that reads its operands where they lie: queries, keys and values split from one projection are
// strides, not copies.  Its scratch are packed keys and values; a tile of scores is on the stack of a task.
// Values whose rows lie one after the other are not packed, and keys for so many heads at a time that there are 32 tasks.
// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK:         "astra.kernel_call"(%arg0, %arg0, %arg0, {{.*}}) {callee = @astra_attention_{{[0-9a-f]*}}, num_outs = 4 : i64, num_scratch = 2 : i64}
// CHECK-LABEL: func.func @whole_rows(
// CHECK:         %[[PACKED:.*]] = tensor.empty() : tensor<131072xf32>
// CHECK-NEXT:    "astra.kernel_call"(%arg0, %arg1, %arg2, %{{.*}}, %{{.*}}, %[[PACKED]]) {callee = @astra_attention_[[WHOLE:[0-9a-f]+]], num_outs = 3 : i64, num_scratch = 1 : i64}
// CHECK-LABEL: func.func private @astra_attention_{{[0-9a-f]*}}_chunk(
// CHECK:         call @astra_attention_product_
// CHECK:         math.exp {{.*}} : vector<16xf32>
// CHECK:         call @astra_attention_product_
// CHECK-LABEL: func.func private @astra_attention_{{[0-9a-f]*}}_tile(
// CHECK-COUNT-1: memref<16384xf32>
// CHECK:       func.func private @astra_attention_[[WHOLE]](
// CHECK:         scf.for
// CHECK:           scf.forall (%{{.*}}) in (2) {
// CHECK:           scf.forall (%{{.*}}) in (32) {
module attributes {astra.target = "x86-64-v4"} {
  func.func @main(%qkv: tensor<256x1536xf32>) -> tensor<256x512xf32> {
    %0 = "astra.reshape"(%qkv) : (tensor<256x1536xf32>) -> tensor<256x3x8x64xf32>
    %1 = "astra.slice"(%0) {start_indices = array<i64: 0, 0, 0, 0>, limit_indices = array<i64: 256, 1, 8, 64>, strides = array<i64: 1, 1, 1, 1>}
        : (tensor<256x3x8x64xf32>) -> tensor<256x1x8x64xf32>
    %q = "astra.reshape"(%1) : (tensor<256x1x8x64xf32>) -> tensor<256x8x64xf32>
    %2 = "astra.slice"(%0) {start_indices = array<i64: 0, 1, 0, 0>, limit_indices = array<i64: 256, 2, 8, 64>, strides = array<i64: 1, 1, 1, 1>}
        : (tensor<256x3x8x64xf32>) -> tensor<256x1x8x64xf32>
    %3 = "astra.reshape"(%2) : (tensor<256x1x8x64xf32>) -> tensor<256x8x64xf32>
    %k = "astra.transpose"(%3) {permutation = array<i64: 1, 0, 2>} : (tensor<256x8x64xf32>) -> tensor<8x256x64xf32>
    %4 = "astra.slice"(%0) {start_indices = array<i64: 0, 2, 0, 0>, limit_indices = array<i64: 256, 3, 8, 64>, strides = array<i64: 1, 1, 1, 1>}
        : (tensor<256x3x8x64xf32>) -> tensor<256x1x8x64xf32>
    %v = "astra.reshape"(%4) : (tensor<256x1x8x64xf32>) -> tensor<256x8x64xf32>
    %r, %l = "astra.attention"(%q, %k, %v)
        {subscripts = "qhd,hkd,khe->qhe,hq", scale = 0.125 : f64, fill = 0xFFF0000000000000 : f64}
        : (tensor<256x8x64xf32>, tensor<8x256x64xf32>, tensor<256x8x64xf32>) -> (tensor<256x8x64xf32>, tensor<8x256xf32>)
    %5 = "astra.reshape"(%r) : (tensor<256x8x64xf32>) -> tensor<256x512xf32>
    return %5 : tensor<256x512xf32>
  }

  func.func @whole_rows(%q: tensor<8x2048x64xf32>, %k: tensor<8x2048x64xf32>, %v: tensor<8x2048x64xf32>) -> tensor<8x2048x64xf32> {
    %r, %l = "astra.attention"(%q, %k, %v)
        {subscripts = "hqd,hkd,hke->hqe,hq", scale = 0.125 : f64, fill = 0xFFF0000000000000 : f64}
        : (tensor<8x2048x64xf32>, tensor<8x2048x64xf32>, tensor<8x2048x64xf32>) -> (tensor<8x2048x64xf32>, tensor<8x2048xf32>)
    return %r : tensor<8x2048x64xf32>
  }
}
