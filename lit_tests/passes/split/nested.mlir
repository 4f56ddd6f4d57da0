// Loops, branches and sorts in a loop lose their tangents in the first part, too.
// RUN: %astra-opt %s --astra-split="fn=main late=2 results=1" | %filecheck %s

// CHECK-LABEL: func.func @main_early(%arg0: tensor<4xf32>, %arg1: tensor<i1>) -> tensor<4xf32>
// CHECK-NEXT:    %[[O:.*]] = "astra.scan"(%arg0) ({
// CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[I:.*]] = "astra.scan"(%[[C]]) ({
// CHECK-NEXT:      ^bb0(%{{.*}}: tensor<i32>, %[[D:.*]]: tensor<4xf32>):
// CHECK-NEXT:        %[[S:.*]] = "astra.sine"(%[[D]])
// CHECK-NEXT:        "astra.yield"(%[[S]])
// CHECK:           %[[B:.*]] = "astra.if"(%arg1) ({
// CHECK-NEXT:        %[[K:.*]] = "astra.sort"(%[[I]]) ({
// CHECK-NEXT:        })
// CHECK-NEXT:        "astra.yield"(%[[K]])
// CHECK-NEXT:      }, {
// CHECK-NEXT:        "astra.yield"(%[[I]])
// CHECK-NEXT:      })
// CHECK-NEXT:      "astra.yield"(%[[B]])
// CHECK:         return %[[O]]
// The second part has both, in one loop of each kind.
// CHECK-LABEL: func.func @main_late(
// CHECK-COUNT-2: "astra.scan"(%{{[^,)]*}}, %{{[^,)]*}}) ({
// CHECK:         "astra.sort"(%{{[^,)]*}}, %{{[^,)]*}}) ({
// CHECK-NOT:     astra.scan
// CHECK:         return
func.func @main(%x: tensor<4xf32>, %p: tensor<i1>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.scan"(%x, %t) ({
  ^bb0(%i: tensor<i32>, %c: tensor<4xf32>, %u: tensor<4xf32>):
    %1:2 = "astra.scan"(%c, %u) ({
    ^bb0(%j: tensor<i32>, %d: tensor<4xf32>, %v: tensor<4xf32>):
      %s = "astra.sine"(%d) : (tensor<4xf32>) -> tensor<4xf32>
      %k = "astra.cosine"(%d) : (tensor<4xf32>) -> tensor<4xf32>
      %w = "astra.multiply"(%v, %k) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      "astra.yield"(%s, %w) : (tensor<4xf32>, tensor<4xf32>) -> ()
    }) {trip_count = 3 : i64, num_carries = 2 : i64, reverse = false}
        : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    %2:2 = "astra.if"(%p) ({
      %3:2 = "astra.sort"(%1#0, %1#1) ({
      }) {dimension = 0 : i64, is_stable = true, kind = "ascending", num_keys = 1 : i64}
          : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
      "astra.yield"(%3#0, %3#1) : (tensor<4xf32>, tensor<4xf32>) -> ()
    }, {
      "astra.yield"(%1#0, %1#1) : (tensor<4xf32>, tensor<4xf32>) -> ()
    }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>)
    "astra.yield"(%2#0, %2#1) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 5 : i64, num_carries = 2 : i64, reverse = false}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
