// State carried by a loop lives in one buffer and is updated in place; stacked results are written where they belong.
// RUN: %astra-opt %s --astra-bufferize --canonicalize --cse | %filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<512xi8>, %[[LAST:.*]]: memref<512xi8>, %[[ALL:.*]]: memref<5120xi8>)
// CHECK-NOT:   memref.alloc
// CHECK:       %[[STATE:.*]] = memref.view %[[LAST]]
// CHECK:       linalg.generic {{.*}} outs(%[[STATE]]
// CHECK:       scf.for %[[I:.*]] =
// CHECK-NOT:     iter_args
// CHECK:         %[[OFFSET:.*]] = arith.muli %[[I]], %c512
// CHECK:         %[[ROW:.*]] = memref.view %[[ALL]][%[[OFFSET]]]
// CHECK:         linalg.generic {{.*}} ins(%[[STATE]] : {{.*}} outs(%[[ROW]]
// CHECK:         linalg.generic {{.*}} ins(%[[ROW]] : {{.*}} outs(%[[STATE]]
func.func @main(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<10x8x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  %ys = tensor.empty() : tensor<10x8x16xf32>
  %r:2 = scf.for %i = %c0 to %c10 step %c1 iter_args(%c = %x, %y = %ys) -> (tensor<8x16xf32>, tensor<10x8x16xf32>) {
    %e = tensor.empty() : tensor<8x16xf32>
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%c : tensor<8x16xf32>) outs(%e : tensor<8x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %q = arith.addf %a, %a : f32
      linalg.yield %q : f32
    } -> tensor<8x16xf32>
    %stacked = tensor.insert_slice %next into %y[%i, 0, 0] [1, 8, 16] [1, 1, 1] : tensor<8x16xf32> into tensor<10x8x16xf32>
    scf.yield %next, %stacked : tensor<8x16xf32>, tensor<10x8x16xf32>
  }
  return %r#0, %r#1 : tensor<8x16xf32>, tensor<10x8x16xf32>
}
