// A sum of two arrays is not repeated: that would read both of them again.
// RUN: %astra-opt %s --astra-repeat-cheap | %filecheck %s

#xy = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @two_arrays
// CHECK:         arith.addf
// CHECK-NOT:     arith.addf
// CHECK:         return
func.func @two_arrays(%x: tensor<64x1024xf32>, %y: tensor<64x1024xf32>) -> (tensor<64x1024xf32>, tensor<64x1024xf32>) {
  %e = tensor.empty() : tensor<64x1024xf32>
  %d = linalg.generic {indexing_maps = [#xy, #xy, #xy], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<64x1024xf32>, tensor<64x1024xf32>) outs(%e : tensor<64x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64x1024xf32>
  %s = linalg.generic {indexing_maps = [#xy, #xy], iterator_types = ["parallel", "parallel"]} ins(%d : tensor<64x1024xf32>) outs(%e : tensor<64x1024xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<64x1024xf32>
  %q = linalg.generic {indexing_maps = [#xy, #xy], iterator_types = ["parallel", "parallel"]} ins(%d : tensor<64x1024xf32>) outs(%e : tensor<64x1024xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<64x1024xf32>
  return %s, %q : tensor<64x1024xf32>, tensor<64x1024xf32>
}
