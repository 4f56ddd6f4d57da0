// Reverse mode of while loops: a scan of as many iterations as there are at most, in which those after the last do nothing.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s
// RUN: %astra-opt %s --astra-autodiff="while-bound=6" | %filecheck %s --check-prefix=STATED

// The counter in the condition says 20. A loop that would go on gives NaN, so that a bound too low is seen.
// STATED-LABEL: func.func @counted
// STATED:         trip_count = 6 : i64
// STATED:         trip_count = 6 : i64
// CHECK-LABEL: func.func @counted
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0> : tensor<i32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1> : tensor<i32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.constant"() {value = dense<20> : tensor<i32>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V4:.*]]:4 = "astra.scan"(%[[V0]], %arg0) ({
// CHECK-NEXT: ^bb0(%[[V5:.*]]: tensor<i32>, %[[V6:.*]]: tensor<i32>, %[[V7:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V8:.*]] = "astra.compare"(%[[V6]], %[[V2]]) {compare_type = "SIGNED", direction = "LT"}
// CHECK-NEXT:   %[[V9:.*]] = "astra.compare"(%[[V7]], %[[V3]]) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT:   %[[V10:.*]] = "astra.and"(%[[V8]], %[[V9]])
// CHECK-NEXT:   %[[V11:.*]]:2 = "astra.if"(%[[V10]]) ({
// CHECK-NEXT:     %[[V12:.*]] = "astra.add"(%[[V6]], %[[V1]])
// CHECK-NEXT:     %[[V13:.*]] = "astra.sine"(%[[V7]])
// CHECK-NEXT:     "astra.yield"(%[[V12]], %[[V13]])
// CHECK-NEXT:   }, {
// CHECK-NEXT:     "astra.yield"(%[[V6]], %[[V7]])
// CHECK-NEXT:   }) : (tensor<i1>) -> (tensor<i32>, tensor<f32>)
// CHECK-NEXT:   "astra.yield"(%[[V11]]#0, %[[V11]]#1, %[[V7]], %[[V10]])
// CHECK-NEXT: }) {num_carries = 2 : i64, reverse = false, trip_count = 20 : i64} : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>, tensor<20xf32>, tensor<20xi1>)
// CHECK-NEXT: %[[V14:.*]] = "astra.compare"(%[[V4]]#0, %[[V2]]) {compare_type = "SIGNED", direction = "LT"}
// CHECK-NEXT: %[[V15:.*]] = "astra.compare"(%[[V4]]#1, %[[V3]]) {compare_type = "FLOAT", direction = "GT"}
// CHECK-NEXT: %[[V16:.*]] = "astra.and"(%[[V14]], %[[V15]])
// CHECK-NEXT: %[[V17:.*]] = "astra.constant"() {value = dense<0x7FC00000> : tensor<f32>}
// CHECK-NEXT: %[[V18:.*]] = "astra.select"(%[[V16]], %[[V17]], %[[V3]])
// CHECK-NEXT: %[[V19:.*]] = "astra.multiply"(%[[V4]]#1, %[[V18]])
// CHECK-NEXT: %[[V20:.*]] = "astra.multiply"(%arg1, %[[V18]])
// CHECK-NEXT: %[[V21:.*]] = "astra.scan"(%[[V20]], %[[V4]]#2, %[[V4]]#3) ({
// CHECK-NEXT: ^bb0(%[[V5:.*]]: tensor<i32>, %[[V6:.*]]: tensor<f32>, %[[V7:.*]]: tensor<f32>, %[[V22:.*]]: tensor<i1>):
// CHECK-NEXT:   %[[V8:.*]] = "astra.if"(%[[V22]]) ({
// CHECK-NEXT:     %[[V9:.*]] = "astra.cosine"(%[[V7]])
// CHECK-NEXT:     %[[V10:.*]] = "astra.multiply"(%[[V6]], %[[V9]])
// CHECK-NEXT:     "astra.yield"(%[[V10]])
// CHECK-NEXT:   }, {
// CHECK-NEXT:     "astra.yield"(%[[V6]])
// CHECK-NEXT:   }) : (tensor<i1>) -> tensor<f32>
// CHECK-NEXT:   "astra.yield"(%[[V8]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = true, trip_count = 20 : i64} : (tensor<f32>, tensor<20xf32>, tensor<20xi1>) -> tensor<f32>
// CHECK-NEXT: return %[[V19]], %[[V21]] : tensor<f32>, tensor<f32>
func.func @counted(%x: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @halves, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
func.func private @halves(%x: tensor<f32>) -> tensor<f32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %most = "astra.constant"() {value = dense<20> : tensor<i32>} : () -> tensor<i32>
  %small = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0:2 = "astra.while"(%zero, %x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %1 = "astra.compare"(%i, %most) {compare_type = "SIGNED", direction = "LT"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %2 = "astra.compare"(%a, %small) {compare_type = "FLOAT", direction = "GT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %3 = "astra.and"(%1, %2) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    "astra.yield"(%3) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %b = "astra.sine"(%a) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%j, %b) : (tensor<i32>, tensor<f32>) -> ()
  }) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
