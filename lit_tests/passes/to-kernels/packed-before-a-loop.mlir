// RUN: %astra-opt %s --astra-to-kernels | %filecheck %s

// An operand of products that does not change in a loop is packed before it, once; one that changes is packed inside,
// and so is what few iterations use.

module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func @often
  // CHECK:         %[[PACKED:.*]] = "astra.kernel_call"(%arg0, %{{.*}}) {callee = @[[PACK:astra_pack_[0-9a-f]+]], num_outs = 1 : i64} : (tensor<256x256xf32>, tensor<65536xf32>) -> tensor<65536xf32>
  // CHECK-NEXT:    "astra.scan"
  // CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[H:[a-z0-9]*]]: tensor<64x256xf32>):
  // CHECK:         "astra.kernel_call"(%[[H]], %[[PACKED]], %{{.*}}) {callee = @astra_dot_
  // CHECK-NOT:     astra_pack_
  // CHECK:         "astra.yield"
  func.func @often(%w: tensor<256x256xf32>, %h: tensor<64x256xf32>) -> tensor<64x256xf32> {
    %0 = "astra.scan"(%h) ({
    ^bb0(%i: tensor<i32>, %state: tensor<64x256xf32>):
      %1 = "astra.dot_general"(%state, %w) {
        lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 1>
      } : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
      "astra.yield"(%1) : (tensor<64x256xf32>) -> ()
    }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<64x256xf32>) -> tensor<64x256xf32>
    return %0 : tensor<64x256xf32>
  }

  // CHECK-LABEL: func.func @twice
  // CHECK-NOT:     astra_pack_
  // CHECK:         return
  func.func @twice(%w: tensor<256x256xf32>, %h: tensor<64x256xf32>) -> tensor<64x256xf32> {
    %0 = "astra.scan"(%h) ({
    ^bb0(%i: tensor<i32>, %state: tensor<64x256xf32>):
      %1 = "astra.dot_general"(%state, %w) {
        lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 1>
      } : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
      "astra.yield"(%1) : (tensor<64x256xf32>) -> ()
    }) {num_carries = 1 : i64, reverse = false, trip_count = 2 : i64} : (tensor<64x256xf32>) -> tensor<64x256xf32>
    return %0 : tensor<64x256xf32>
  }

  // CHECK-LABEL: func.func @changing
  // CHECK-NOT:     astra_pack_
  // CHECK:         return
  func.func @changing(%ws: tensor<9x256x256xf32>, %h: tensor<64x256xf32>) -> tensor<64x256xf32> {
    %0 = "astra.scan"(%h, %ws) ({
    ^bb0(%i: tensor<i32>, %state: tensor<64x256xf32>, %w: tensor<256x256xf32>):
      %1 = "astra.dot_general"(%state, %w) {
        lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 1>
      } : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
      "astra.yield"(%1) : (tensor<64x256xf32>) -> ()
    }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<64x256xf32>, tensor<9x256x256xf32>) -> tensor<64x256xf32>
    return %0 : tensor<64x256xf32>
  }
}
