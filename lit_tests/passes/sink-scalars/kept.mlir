// A scalar that the host needs, for a condition, stays outside.
// RUN: %astra-opt %s --astra-sink-scalars --canonicalize | %filecheck %s
// CHECK-LABEL: func.func @main(
// CHECK-NEXT: %[[S:.*]] = tensor.extract %arg0[] : tensor<i1>
// CHECK-NEXT: scf.if %[[S]]
func.func @main(%s: tensor<i1>, %x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %element = tensor.extract %s[] : tensor<i1>
  %z = scf.if %element -> (tensor<8xf32>) {
    %a = tensor.empty() : tensor<8xf32>
    %b = linalg.copy ins(%x : tensor<8xf32>) outs(%a : tensor<8xf32>) -> tensor<8xf32>
    scf.yield %b : tensor<8xf32>
  } else {
    scf.yield %y : tensor<8xf32>
  }
  return %z : tensor<8xf32>
}
