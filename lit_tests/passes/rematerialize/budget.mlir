// Within a budget the exponential, which waits for the last product, is computed a second time, behind a barrier.
// RUN: %astra-opt %s --astra-rematerialize="budget=4000" | %filecheck %s
// RUN: %astra-opt %s --astra-rematerialize | %filecheck %s --check-prefix=PREDICTED

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:[^:]*]]: tensor<16x16xf32>, %[[W:[^:]*]]: tensor<16x16xf32>)
// CHECK-SAME: astra.predicted_peak_bytes = 3072
// CHECK: %[[E:.*]] = "astra.exponential"(%[[X]])
// CHECK: %[[A:.*]] = "astra.dot_general"(%[[E]], %[[W]])
// CHECK: %[[B:.*]] = "astra.dot_general"(%[[A]], %[[W]])
// CHECK: %[[C:.*]] = "astra.dot_general"(%[[B]], %[[A]])
// CHECK: %[[BEHIND:.*]] = "astra.optimization_barrier"(%[[X]])
// CHECK: %[[AGAIN:.*]] = "astra.exponential"(%[[BEHIND]])
// CHECK: "astra.dot_general"(%[[C]], %[[AGAIN]])

// PREDICTED: astra.predicted_peak_bytes = 4096
// PREDICTED: astra.exponential
// PREDICTED-NOT: astra.exponential
// PREDICTED-NOT: optimization_barrier
func.func @main(%x: tensor<16x16xf32>, %w: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %e = "astra.exponential"(%x) : (tensor<16x16xf32>) -> tensor<16x16xf32>
  %a = "astra.dot_general"(%e, %w)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %b = "astra.dot_general"(%a, %w)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %c = "astra.dot_general"(%b, %a)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %d = "astra.dot_general"(%c, %e)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return %d : tensor<16x16xf32>
}
