// A softmax is one kernel of one shared loop; what only it uses becomes a row buffer inside it.
// RUN: %astra-opt %s --astra-bufferize --astra-form-kernels --canonicalize --cse | %filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @main
// CHECK-NOT:     memref.alloc
// CHECK-COUNT-1: call @kernel_0
// CHECK-NOT:     call
// CHECK-LABEL: func.func private @kernel_0(
// CHECK-SAME:    memref<2097152xf32> {llvm.noalias}, {{.*}}: memref<2097152xf32> {llvm.noalias})
// CHECK-SAME:    astra.shared_loops = 1
// CHECK:         memref.alloca
func.func @main(%x: tensor<2048x1024xf32>) -> tensor<2048x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2048xf32>
  %em = tensor.empty() : tensor<2048x1024xf32>
  %f = linalg.fill ins(%least : f32) outs(%e : tensor<2048xf32>) -> tensor<2048xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2048x1024xf32>) outs(%f : tensor<2048xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.maximumf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2048xf32>
  %exp = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<2048x1024xf32>, tensor<2048xf32>) outs(%em : tensor<2048x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = arith.subf %a, %b : f32
    %q = math.exp %r : f32
    linalg.yield %q : f32
  } -> tensor<2048x1024xf32>
  %g = linalg.fill ins(%zero : f32) outs(%e : tensor<2048xf32>) -> tensor<2048xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<2048x1024xf32>) outs(%g : tensor<2048xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b fastmath<reassoc> : f32
    linalg.yield %r : f32
  } -> tensor<2048xf32>
  %div = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<2048x1024xf32>, tensor<2048xf32>) outs(%em : tensor<2048x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2048x1024xf32>
  return %div : tensor<2048x1024xf32>
}
