// CHLO's erf and top_k are kept, broadcasting ones are written out, others become what StableHLO has.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @kept
// CHECK-NEXT: "astra.erf"(%arg0)
// CHECK-NEXT: "astra.top_k"({{.*}}) {k = 2 : i64, largest = true}
// CHECK-NEXT: "astra.multiply"(%arg0, %arg0)
func.func @kept(%x: tensor<4xf32>) {
  %0 = chlo.erf %x : tensor<4xf32> -> tensor<4xf32>
  %1, %2 = chlo.top_k(%0, k = 2) : tensor<4xf32> -> (tensor<2xf32>, tensor<2xi32>)
  %3 = chlo.square %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @broadcasting
// CHECK-NEXT: %[[B:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<3x4xf32>
// CHECK-NEXT: "astra.add"(%arg0, %[[B]])
func.func @broadcasting(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = chlo.broadcast_add %x, %y : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @written_out
// CHECK-NOT: {{chlo|stablehlo}}
// CHECK: "astra.exponential"
// CHECK: return
func.func @written_out(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = chlo.sinh %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
