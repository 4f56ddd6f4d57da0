// What an iteration stacks is computed in its slot of the stack, whose place is known when the body begins; what is
// read after that leaves the slot as it is.
// RUN: %astra-opt %s --astra-bufferize --canonicalize --cse | %filecheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %{{.*}}: memref<512xi8>, %{{.*}}: memref<512xi8>, %[[ALL:.*]]: memref<5120xi8>)
// CHECK:       scf.for %[[I:.*]] =
// CHECK:         %[[LAST:.*]] = arith.subi %{{.*}}, %[[I]]
// CHECK:         %[[OFFSET:.*]] = arith.muli %[[LAST]], %c512
// CHECK:         %[[ROW:.*]] = memref.view %[[ALL]][%[[OFFSET]]]
// CHECK:         linalg.generic {{.*}} outs(%[[ROW]]
// CHECK-NOT:     outs(%[[ROW]]
func.func @main(%x: tensor<128xf32>) -> (tensor<128xf32>, tensor<10x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %c10 = arith.constant 10 : index
  %ys = tensor.empty() : tensor<10x128xf32>
  %e = tensor.empty() : tensor<128xf32>
  %r:2 = scf.for %i = %c0 to %c10 step %c1 iter_args(%c = %x, %y = %ys) -> (tensor<128xf32>, tensor<10x128xf32>) {
    %square = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%c : tensor<128xf32>) outs(%e : tensor<128xf32>) {
    ^bb0(%a: f32, %o: f32):
      %q = arith.mulf %a, %a : f32
      linalg.yield %q : f32
    } -> tensor<128xf32>
    %last = arith.subi %c9, %i : index
    %stacked = tensor.insert_slice %square into %y[%last, 0] [1, 128] [1, 1] : tensor<128xf32> into tensor<10x128xf32>
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%c : tensor<128xf32>) outs(%square : tensor<128xf32>) {
    ^bb0(%a: f32, %o: f32):
      %q = arith.addf %a, %o : f32
      linalg.yield %q : f32
    } -> tensor<128xf32>
    scf.yield %next, %stacked : tensor<128xf32>, tensor<10x128xf32>
  }
  return %r#0, %r#1 : tensor<128xf32>, tensor<10x128xf32>
}
