// A branch that changes an element does so in place, and one that changes nothing does nothing; the element that is read
// before, and used behind the update, is copied.
// RUN: %astra-opt %s --astra-bufferize --canonicalize --cse | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<4096xi8>, %[[P:.*]]: memref<10xi8>, %[[OUT:.*]]: memref<4096xi8>)
// CHECK:       scf.for
// CHECK:         %[[PLACE:.*]] = memref.view %[[OUT]]
// CHECK:         %[[COPY:.*]] = memref.alloc() {{.*}} : memref<4xi8>
// CHECK:         %[[OLD:.*]] = memref.view %[[COPY]]
// CHECK:         linalg.generic {{.*}} ins(%[[PLACE]] {{.*}} outs(%[[OLD]]
// CHECK:         scf.if
// CHECK-NEXT:      linalg.generic {{.*}} outs(%[[PLACE]] : memref<1xf32>)
// CHECK-NOT:     else
// CHECK:         memref.load %[[OLD]]
// CHECK-NOT:     memref.alloc
func.func @main(%x: tensor<1024xf32>, %p: tensor<10xi1>) -> tensor<1024xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  %zero = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %c10 step %c1 iter_args(%s = %x) -> (tensor<1024xf32>) {
    %old = tensor.extract_slice %s[%i] [1] [1] : tensor<1024xf32> to tensor<1xf32>
    %q = tensor.extract %p[%i] : tensor<10xi1>
    %changed = scf.if %q -> (tensor<1024xf32>) {
      %e = tensor.empty() : tensor<1xf32>
      %new = linalg.fill ins(%zero : f32) outs(%e : tensor<1xf32>) -> tensor<1xf32>
      %inserted = tensor.insert_slice %new into %s[%i] [1] [1] : tensor<1xf32> into tensor<1024xf32>
      scf.yield %inserted : tensor<1024xf32>
    } else {
      scf.yield %s : tensor<1024xf32>
    }
    %v = tensor.extract %old[%c0] : tensor<1xf32>
    %e = tensor.empty() : tensor<1xf32>
    %value = linalg.fill ins(%v : f32) outs(%e : tensor<1xf32>) -> tensor<1xf32>
    %next = tensor.insert_slice %value into %changed[%c0] [1] [1] : tensor<1xf32> into tensor<1024xf32>
    scf.yield %next : tensor<1024xf32>
  }
  return %r : tensor<1024xf32>
}
