// RUN: %astra-opt %s --astra-to-linalg --pass-pipeline="builtin.module(func.func(linalg-fuse-elementwise-ops),canonicalize)" | %filecheck %s

// Elementwise fusion must not repeat expensive producers: they stay behind a barrier where an outer loop would.

// CHECK-LABEL: func.func @broadcast_over_rows
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[B:.*]] = "astra.optimization_barrier"(%[[E]])
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[B]] : tensor<1024x64xf32>, tensor<64xf32>)
func.func @broadcast_over_rows(%b: tensor<64xf32>, %x: tensor<1024x64xf32>) -> tensor<1024x64xf32> {
  %0 = "astra.exponential"(%b) : (tensor<64xf32>) -> tensor<64xf32>
  %1 = "astra.broadcast"(%0) {dimensions = array<i64: 1>} : (tensor<64xf32>) -> tensor<1024x64xf32>
  %2 = "astra.multiply"(%x, %1) : (tensor<1024x64xf32>, tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %2 : tensor<1024x64xf32>
}

// A chain counts as a whole.
// CHECK-LABEL: func.func @chain
// CHECK: "astra.optimization_barrier"
func.func @chain(%b: tensor<64xf32>, %x: tensor<1024x64xf32>) -> tensor<1024x64xf32> {
  %0 = "astra.exponential"(%b) : (tensor<64xf32>) -> tensor<64xf32>
  %1 = "astra.add"(%0, %b) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %2 = "astra.broadcast"(%1) {dimensions = array<i64: 1>} : (tensor<64xf32>) -> tensor<1024x64xf32>
  %3 = "astra.multiply"(%x, %2) : (tensor<1024x64xf32>, tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %3 : tensor<1024x64xf32>
}

// What only the inner loop repeats is invariant there.
// CHECK-LABEL: func.func @broadcast_within_rows
// CHECK-NOT: "astra.optimization_barrier"
// CHECK: math.rsqrt
// CHECK-NEXT: arith.mulf
func.func @broadcast_within_rows(%b: tensor<1024xf32>, %x: tensor<1024x64xf32>) -> tensor<1024x64xf32> {
  %0 = "astra.rsqrt"(%b) : (tensor<1024xf32>) -> tensor<1024xf32>
  %1 = "astra.broadcast"(%0) {dimensions = array<i64: 0>} : (tensor<1024xf32>) -> tensor<1024x64xf32>
  %2 = "astra.multiply"(%x, %1) : (tensor<1024x64xf32>, tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %2 : tensor<1024x64xf32>
}

// Cheap producers are fused.
// CHECK-LABEL: func.func @cheap
// CHECK-NOT: "astra.optimization_barrier"
// CHECK: arith.addf
// CHECK-NEXT: arith.mulf
func.func @cheap(%b: tensor<64xf32>, %x: tensor<1024x64xf32>) -> tensor<1024x64xf32> {
  %0 = "astra.add"(%b, %b) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %1 = "astra.broadcast"(%0) {dimensions = array<i64: 1>} : (tensor<64xf32>) -> tensor<1024x64xf32>
  %2 = "astra.multiply"(%x, %1) : (tensor<1024x64xf32>, tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %2 : tensor<1024x64xf32>
}

// Operands of a contraction are read many times; what is read once per element goes in.
// CHECK-LABEL: func.func @contraction
// CHECK: math.tanh
// CHECK: "astra.optimization_barrier"
// CHECK: linalg.generic
// CHECK: arith.negf
// CHECK-NEXT: arith.mulf
func.func @contraction(%b: tensor<64xf32>, %x: tensor<64x64xf32>) -> tensor<64xf32> {
  %0 = "astra.tanh"(%b) : (tensor<64xf32>) -> tensor<64xf32>
  %1 = "astra.negate"(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = "astra.dot_general"(%1, %0) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<64x64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %2 : tensor<64xf32>
}

// A barrier of the program stays one: what is computed from the value behind it is not merged with what is computed
// from the value itself, which would have to be kept until then.
// CHECK-LABEL: func.func @second_run(
// CHECK:         %[[FIRST:.*]] = linalg.generic
// CHECK:         %[[BEHIND:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK:         %[[SECOND:.*]] = linalg.generic {{.*}} ins(%[[BEHIND]] :
// CHECK:         return %[[FIRST]], %[[SECOND]]
func.func @second_run(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = "astra.tanh"(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.optimization_barrier"(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.tanh"(%1) : (tensor<8xf32>) -> tensor<8xf32>
  return %0, %2 : tensor<8xf32>, tensor<8xf32>
}
