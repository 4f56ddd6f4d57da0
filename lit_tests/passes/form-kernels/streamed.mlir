// What is larger than the last-level cache is marked to be stored past it, and a result that nobody reads if the kernel
// touches more than the cache holds; not a smaller one.
// RUN: %astra-opt %s --astra-bufferize --astra-form-kernels --canonicalize --cse | %filecheck %s

#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME:    astra.streamed = array<i64: 1>
// CHECK-LABEL: func.func private @kernel_1
// CHECK-SAME:    astra.streamed = array<i64: 2>
// CHECK-LABEL: func.func private @kernel_2
// CHECK-NOT:     astra.streamed
func.func @main(%x: tensor<16777216xf32>, %y: tensor<4194304xf32>, %z: tensor<4194304xf32>, %w: tensor<2097152xf32>) -> (tensor<16777216xf32>, tensor<4194304xf32>, tensor<2097152xf32>) {
  %e = tensor.empty() : tensor<16777216xf32>
  %s = tensor.empty() : tensor<4194304xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<16777216xf32>) outs(%e : tensor<16777216xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  } -> tensor<16777216xf32>
  %b = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%y, %z : tensor<4194304xf32>, tensor<4194304xf32>) outs(%s : tensor<4194304xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = arith.addf %p, %q : f32
    linalg.yield %r : f32
  } -> tensor<4194304xf32>
  %t = tensor.empty() : tensor<2097152xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%w : tensor<2097152xf32>) outs(%t : tensor<2097152xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = math.exp %p : f32
    linalg.yield %r : f32
  } -> tensor<2097152xf32>
  return %a, %b, %c : tensor<16777216xf32>, tensor<4194304xf32>, tensor<2097152xf32>
}
