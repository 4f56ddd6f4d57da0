// What fits into the budget stays as it is, and so does what nothing can make smaller; a loop is not run again.
// RUN: %astra-opt %s --astra-rematerialize="budget=1000000" | %filecheck %s
// RUN: %astra-opt %s --astra-rematerialize="budget=0" | %filecheck %s
// RUN: not %astra-opt %s --astra-rematerialize="budget=-2" 2>&1 | %filecheck %s --check-prefix=BUDGET

// BUDGET: astra-rematerialize: budget -2 is negative

// CHECK-LABEL: func.func @main
// CHECK-SAME: astra.predicted_peak_bytes = 48
// CHECK: %[[S:.*]] = "astra.scan"
// CHECK: "astra.sort"(%[[S]])
// CHECK: "astra.add"
// CHECK-NOT: astra.scan
// CHECK: return
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %c: tensor<4xf32>):
    %n = "astra.sine"(%c) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%n) : (tensor<4xf32>) -> ()
  }) {trip_count = 3 : i64, num_carries = 1 : i64, reverse = false} : (tensor<4xf32>) -> tensor<4xf32>
  %a = "astra.sort"(%s) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4xf32>) -> tensor<4xf32>
  %b = "astra.reverse"(%a) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
  %c = "astra.add"(%b, %s) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = "astra.add"(%c, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %d : tensor<4xf32>
}
