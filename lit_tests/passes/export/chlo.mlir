// erf and top_k are CHLO operations, or with an option written out in StableHLO.
// RUN: %astra-opt %s --astra-export | %filecheck %s
// RUN: %astra-opt %s --astra-export=pure-stablehlo | %filecheck %s --check-prefix=PURE

// CHECK-LABEL: func.func @main
// CHECK-NEXT: chlo.erf %arg0
// CHECK-NEXT: chlo.top_k(%0, k = 2)
// PURE-LABEL: func.func @main
// PURE-NOT: chlo.
// PURE: "stablehlo.sort"
// PURE-NOT: chlo.
// PURE: return
func.func @main(%x: tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
  %0 = "astra.erf"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1:2 = "astra.top_k"(%0) {k = 2 : i64, largest = true} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>)
  return %1#0, %1#1 : tensor<2xf32>, tensor<2xi32>
}

// CHLO has no top_k of the smallest.
// CHECK-LABEL: func.func @smallest
// CHECK: "stablehlo.sort"
// CHECK: stablehlo.slice
func.func @smallest(%x: tensor<4xf32>) -> tensor<2xf32> {
  %0:2 = "astra.top_k"(%x) {k = 2 : i64, largest = false} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>)
  return %0#0 : tensor<2xf32>
}
