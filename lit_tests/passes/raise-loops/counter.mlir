// The counter's other uses become start + step * index, and its final value is known.
// RUN: %astra-opt %s --astra-raise-loops | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[END:.*]] = "astra.constant"() {value = dense<14> : tensor<i32>}
// CHECK-DAG:     %[[START:.*]] = "astra.constant"() {value = dense<2> : tensor<i32>}
// CHECK-DAG:     %[[STEP:.*]] = "astra.constant"() {value = dense<3> : tensor<i32>}
// CHECK:         %[[S:.*]] = "astra.scan"(%arg0) ({
// CHECK-NEXT:    ^bb0(%[[I:.*]]: tensor<i32>, %[[SUM:.*]]: tensor<i32>):
// CHECK-NEXT:      %[[SCALED:.*]] = "astra.multiply"(%[[I]], %[[STEP]])
// CHECK-NEXT:      %[[VALUE:.*]] = "astra.add"(%[[SCALED]], %[[START]])
// CHECK-NEXT:      %[[NEXT:.*]] = "astra.add"(%[[SUM]], %[[VALUE]])
// CHECK-NEXT:      "astra.yield"(%[[NEXT]])
// CHECK-NEXT:    }) {num_carries = 1 : i64, reverse = false, trip_count = 4 : i64}
// CHECK-NEXT:    return %[[END]], %[[S]]
func.func @main(%sum: tensor<i32>) -> (tensor<i32>, tensor<i32>) {
  %start = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
  %bound = "astra.constant"() {value = dense<12> : tensor<i32>} : () -> tensor<i32>
  %step = "astra.constant"() {value = dense<3> : tensor<i32>} : () -> tensor<i32>
  %r:2 = "astra.while"(%start, %sum) ({
  ^bb0(%i: tensor<i32>, %s: tensor<i32>):
    %more = "astra.compare"(%bound, %i) {direction = "GT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %s: tensor<i32>):
    %t = "astra.add"(%s, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %j = "astra.add"(%i, %step) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%j, %t) : (tensor<i32>, tensor<i32>) -> ()
  }) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
  return %r#0, %r#1 : tensor<i32>, tensor<i32>
}

// A row that is read and carried on as it is.
// CHECK-LABEL: func.func @last_row
// CHECK:         %[[S:.*]] = "astra.scan"(%arg0, %arg1) ({
// CHECK-NOT:       astra.dynamic_slice
// CHECK:         return %[[S]]
func.func @last_row(%row: tensor<1x4xf32>, %xs: tensor<5x4xf32>) -> tensor<1x4xf32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %0 = "astra.scan"(%row) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<1x4xf32>):
    %x = "astra.dynamic_slice"(%xs, %i, %zero) {slice_sizes = array<i64: 1, 4>}
        : (tensor<5x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
    "astra.yield"(%x) : (tensor<1x4xf32>) -> ()
  }) {trip_count = 5 : i64, num_carries = 1 : i64, reverse = false} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}
