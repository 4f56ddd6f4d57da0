// A scalar of a tensor's element is computed in the body that uses it.
// RUN: %astra-opt %s --astra-sink-scalars --canonicalize | %filecheck %s
#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @main(
// CHECK-NOT: tensor.extract
// CHECK: linalg.generic
// CHECK: %[[S:.*]] = tensor.extract %arg1[] : tensor<f32>
// CHECK: %[[D:.*]] = arith.addf %[[S]], %[[S]]
// CHECK: arith.mulf %{{.*}}, %[[D]]
func.func @main(%x: tensor<8xf32>, %s: tensor<f32>) -> tensor<8xf32> {
  %element = tensor.extract %s[] : tensor<f32>
  %double = arith.addf %element, %element : f32
  %empty = tensor.empty() : tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %double : f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  return %y : tensor<8xf32>
}
