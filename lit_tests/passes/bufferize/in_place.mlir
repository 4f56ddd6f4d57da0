// A large result is written over an operand that is read here for the last time, each element before it is written.
// RUN: %astra-opt %s --astra-bufferize --split-input-file | %filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @over_an_operand_that_dies
// CHECK:         %[[ROOT:.*]] = memref.alloc(){{.*}} : memref<65536xi8>
// CHECK-NOT:     memref.alloc
// CHECK:         %[[PLACE:.*]] = memref.view %[[ROOT]]
// CHECK:         call @make(%{{.*}}, %[[PLACE]])
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[PLACE]] : {{.*}}) outs(%[[PLACE]] :
// CHECK:         call @make(%[[PLACE]], %{{.*}})
func.func @over_an_operand_that_dies(%x: tensor<128x128xf32>) -> tensor<128x128xf32> {
  %e = tensor.empty() : tensor<128x128xf32>
  %0 = "astra.kernel_call"(%x, %e) {callee = @make, num_outs = 1 : i64} : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<128x128xf32>) outs(%e : tensor<128x128xf32>) {
  ^bb0(%a: f32, %out: f32):
    %3 = arith.mulf %a, %a : f32
    linalg.yield %3 : f32
  } -> tensor<128x128xf32>
  %2 = "astra.kernel_call"(%1, %e) {callee = @make, num_outs = 1 : i64} : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
  return %2 : tensor<128x128xf32>
}
func.func private @make(%x: memref<128x128xf32>, %y: memref<128x128xf32>) {
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>

// Read in another order, or needed later: a buffer of its own.
// CHECK-LABEL: func.func @not_over_it
// CHECK-COUNT-2: memref.alloc
// CHECK-NOT:     memref.alloc
// CHECK:         return
func.func @not_over_it(%x: tensor<128x128xf32>) -> tensor<128x128xf32> {
  %e = tensor.empty() : tensor<128x128xf32>
  %0 = "astra.kernel_call"(%x, %e) {callee = @make, num_outs = 1 : i64} : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %x : tensor<128x128xf32>, tensor<128x128xf32>) outs(%e : tensor<128x128xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %4 = arith.addf %a, %b : f32
    linalg.yield %4 : f32
  } -> tensor<128x128xf32>
  %2 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<128x128xf32>) outs(%e : tensor<128x128xf32>) {
  ^bb0(%a: f32, %out: f32):
    %4 = arith.addf %a, %a : f32
    linalg.yield %4 : f32
  } -> tensor<128x128xf32>
  %3 = "astra.kernel_call"(%2, %1) {callee = @two, num_outs = 1 : i64} : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
  return %3 : tensor<128x128xf32>
}
func.func private @make(%x: memref<128x128xf32>, %y: memref<128x128xf32>) {
  return
}
func.func private @two(%x: memref<128x128xf32>, %y: memref<128x128xf32>) {
  return
}
