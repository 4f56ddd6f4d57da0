// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// What a scan gathers of products is added to in place; so is the product that is the first of two terms.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @gathered
  // CHECK:         "astra.scan"
  // CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[SUM:[a-z0-9]*]]: tensor<256x256xf32>, %[[A:[a-z0-9]*]]: tensor<64x256xf32>):
  // CHECK-NOT:     astra.add
  // CHECK:         %[[NEXT:.*]] = "astra.kernel_call"(%[[A]], %[[A]], %[[SUM]]) {{{.*}}num_outs = 1 : i64}
  // CHECK-NEXT:    "astra.yield"(%[[NEXT]])
  func.func @gathered(%zero: tensor<256x256xf32>, %xs: tensor<9x64x256xf32>) -> tensor<256x256xf32> {
    %0 = "astra.scan"(%zero, %xs) ({
    ^bb0(%i: tensor<i32>, %sum: tensor<256x256xf32>, %a: tensor<64x256xf32>):
      %1 = "astra.dot_general"(%a, %a) {
        lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 0>
      } : (tensor<64x256xf32>, tensor<64x256xf32>) -> tensor<256x256xf32>
      %2 = "astra.add"(%sum, %1) : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
      "astra.yield"(%2) : (tensor<256x256xf32>) -> ()
    }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<256x256xf32>, tensor<9x64x256xf32>) -> tensor<256x256xf32>
    return %0 : tensor<256x256xf32>
  }

  // CHECK-LABEL: func.func @two
  // CHECK:         %[[FIRST:.*]] = "astra.kernel_call"(%arg0, %arg0, %{{.*}})
  // CHECK:         %[[SECOND:.*]] = "astra.kernel_call"(%arg1, %arg1, %[[FIRST]]
  // CHECK-NEXT:    return %[[SECOND]]
  func.func @two(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
    %0 = "astra.dot_general"(%a, %a) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %1 = "astra.dot_general"(%b, %b) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %2 = "astra.add"(%0, %1) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %2 : tensor<64x64xf32>
  }

  // Where the old sum is needed, or is an argument, the kernel reads it where it is.
  // CHECK-LABEL: func.func @kept
  // CHECK:         %[[OUT:.*]] = tensor.empty()
  // CHECK-NEXT:    "astra.kernel_call"(%arg0, %arg0, %arg0, %[[OUT]])
  func.func @kept(%a: tensor<64x64xf32>) -> tensor<64x64xf32> {
    %0 = "astra.dot_general"(%a, %a) {
      lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
      lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
    } : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %1 = "astra.add"(%0, %a) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %1 : tensor<64x64xf32>
  }
}
