// What is cheap is computed again; a broadcast is kept as what it is made of; regions use residuals, too.
// RUN: %astra-opt %s --astra-split="fn=f late=1 results=1" | %filecheck %s

// CHECK-LABEL: func.func @f_early(%arg0: tensor<2xf32>, %arg1: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>)
// CHECK:         %[[E:.*]] = "astra.erf"(%arg0)
// CHECK-NOT:     "astra.broadcast"
// CHECK:         return %{{.*}}, %[[E]]

// CHECK-LABEL: func.func @f_late(%arg0: tensor<2xf32>, %arg1: tensor<i1>, %arg2: tensor<2xf32>, %arg3: tensor<3x2xf32>)
// CHECK:         "astra.broadcast"(%arg2)
// CHECK:         "astra.if"(%arg1)
// CHECK:           "astra.multiply"(%arg3, %
// CHECK:           "astra.add"(%arg3, %
func.func @f(%x: tensor<2xf32>, %c: tensor<3x2xf32>, %p: tensor<i1>) -> (tensor<2xf32>, tensor<3x2xf32>) {
  %0 = "astra.erf"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "astra.negate"(%0) : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "astra.broadcast"(%0) {dimensions = array<i64: 1>} : (tensor<2xf32>) -> tensor<3x2xf32>
  %3 = "astra.if"(%p) ({
    %4 = "astra.multiply"(%c, %2) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
    "astra.yield"(%4) : (tensor<3x2xf32>) -> ()
  }, {
    %5 = "astra.add"(%c, %2) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
    "astra.yield"(%5) : (tensor<3x2xf32>) -> ()
  }) : (tensor<i1>) -> tensor<3x2xf32>
  return %1, %3 : tensor<2xf32>, tensor<3x2xf32>
}
