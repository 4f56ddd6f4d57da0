// A destination that is read later is copied; an argument is never written.
// RUN: %astra-opt %s --astra-bufferize --canonicalize --cse | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<16xi8>, %[[V:.*]]: memref<4xi8>, %[[A:.*]]: memref<16xi8>, %[[B:.*]]: memref<16xi8>)
// CHECK-DAG:   %[[AV:.*]] = memref.view %[[A]]
// CHECK-DAG:   %[[XV:.*]] = memref.view %[[X]]
// CHECK:       linalg.generic {{.*}} ins(%[[XV]] {{.*}} outs(%[[AV]]
func.func @main(%x: tensor<4xf32>, %v: tensor<1xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = tensor.insert_slice %v into %x[0] [1] [1] : tensor<1xf32> into tensor<4xf32>
  %b = tensor.insert_slice %v into %a[2] [1] [1] : tensor<1xf32> into tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
