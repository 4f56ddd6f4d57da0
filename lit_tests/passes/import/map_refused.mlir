// The body of a map must be elementwise.
// RUN: not %astra-opt %s --astra-import 2>&1 | %filecheck %s

// CHECK: map_refused.mlir:8:10: 'stablehlo.iota' cannot be converted: the body of a map may only hold
func.func @main(%x: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "stablehlo.map"(%x) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<i32>):
    %r = stablehlo.iota dim = 0 : tensor<3xi32>
    stablehlo.return %a : tensor<i32>
  }) : (tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}
