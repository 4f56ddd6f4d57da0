// A branch with a while loop is entered only if an application takes it, and the loop starts only for those that do: it
// need not end for the others.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,0,-1 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<8xi1>, %[[A1:[a-z0-9]+]]: tensor<i32>, %[[A2:[a-z0-9]+]]: tensor<i32>) -> tensor<8xi32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.reduce"(%[[A0]], %[[V0]]) ({
// SHARED: }) {dimensions = array<i64: 0>, kind = "or"} : (tensor<8xi1>, tensor<i1>) -> tensor<i1>
// SHARED: %[[V2:[a-z0-9]+]] = "astra.if"(%[[V1]]) ({
// SHARED: %[[V6:[a-z0-9]+]] = "astra.while"(%[[A1]]) ({
// SHARED: ^bb0(%[[A3:[a-z0-9]+]]: tensor<i32>):
// SHARED: %[[V7:[a-z0-9]+]] = "astra.compare"(%[[A3]], %[[A2]]) {compare_type = "SIGNED", direction = "LT"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
// SHARED: "astra.yield"(%[[V7]]) : (tensor<i1>) -> ()
// SHARED: }, {
// SHARED: ^bb0(%[[A3]]: tensor<i32>):
// SHARED: %[[V7]] = "astra.add"(%[[A3]], %[[A2]]) : (tensor<i32>, tensor<i32>) -> tensor<i32>
// SHARED: "astra.yield"(%[[V7]]) : (tensor<i32>) -> ()
// SHARED: }) : (tensor<i32>) -> tensor<i32>
// SHARED: "astra.yield"(%[[V6]]) : (tensor<i32>) -> ()
// SHARED: }, {
// SHARED: %[[V6]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// SHARED: "astra.yield"(%[[V6]]) : (tensor<i32>) -> ()
// SHARED: }) : (tensor<i1>) -> tensor<i32>
// SHARED: %[[V3:[a-z0-9]+]] = "astra.broadcast"(%[[V2]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// SHARED: %[[V4:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// SHARED: %[[V5:[a-z0-9]+]] = "astra.select"(%[[A0]], %[[V3]], %[[V4]]) : (tensor<8xi1>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// SHARED: return %[[V5]] : tensor<8xi32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<8xi1>, %[[A1:[a-z0-9]+]]: tensor<8xi32>, %[[A2:[a-z0-9]+]]: tensor<i32>) -> tensor<8xi32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// EACH: %[[V1:[a-z0-9]+]] = "astra.reduce"(%[[A0]], %[[V0]]) ({
// EACH: }) {dimensions = array<i64: 0>, kind = "or"} : (tensor<8xi1>, tensor<i1>) -> tensor<i1>
// EACH: %[[V2:[a-z0-9]+]] = "astra.if"(%[[V1]]) ({
// EACH: %[[V4:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V5:[a-z0-9]+]] = "astra.compare"(%[[A1]], %[[V4]]) {compare_type = "SIGNED", direction = "LT"} : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
// EACH: %[[V6:[a-z0-9]+]] = "astra.and"(%[[V5]], %[[A0]]) : (tensor<8xi1>, tensor<8xi1>) -> tensor<8xi1>
// EACH: %[[V7:[a-z0-9]+]]:2 = "astra.while"(%[[V6]], %[[A1]]) ({
// EACH: ^bb0(%[[A3:[a-z0-9]+]]: tensor<8xi1>, %[[A4:[a-z0-9]+]]: tensor<8xi32>):
// EACH: %[[V8:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// EACH: %[[V9:[a-z0-9]+]] = "astra.reduce"(%[[A3]], %[[V8]]) ({
// EACH: }) {dimensions = array<i64: 0>, kind = "or"} : (tensor<8xi1>, tensor<i1>) -> tensor<i1>
// EACH: "astra.yield"(%[[V9]]) : (tensor<i1>) -> ()
// EACH: }, {
// EACH: ^bb0(%[[A3]]: tensor<8xi1>, %[[A4]]: tensor<8xi32>):
// EACH: %[[V8]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V9]] = "astra.add"(%[[A4]], %[[V8]]) : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// EACH: %[[V10:[a-z0-9]+]] = "astra.select"(%[[A3]], %[[V9]], %[[A4]]) : (tensor<8xi1>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// EACH: %[[V11:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V12:[a-z0-9]+]] = "astra.compare"(%[[V10]], %[[V11]]) {compare_type = "SIGNED", direction = "LT"} : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
// EACH: %[[V13:[a-z0-9]+]] = "astra.and"(%[[V12]], %[[A3]]) : (tensor<8xi1>, tensor<8xi1>) -> tensor<8xi1>
// EACH: "astra.yield"(%[[V13]], %[[V10]]) : (tensor<8xi1>, tensor<8xi32>) -> ()
// EACH: }) : (tensor<8xi1>, tensor<8xi32>) -> (tensor<8xi1>, tensor<8xi32>)
// EACH: "astra.yield"(%[[V7]]#1) : (tensor<8xi32>) -> ()
// EACH: }, {
// EACH: %[[V4]] = "astra.constant"() {value = dense<0> : tensor<8xi32>} : () -> tensor<8xi32>
// EACH: "astra.yield"(%[[V4]]) : (tensor<8xi32>) -> ()
// EACH: }) : (tensor<i1>) -> tensor<8xi32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.select"(%[[A0]], %[[V2]], %[[A1]]) : (tensor<8xi1>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// EACH: return %[[V3]] : tensor<8xi32>
func.func @main(%p: tensor<i1>, %x: tensor<i32>, %n: tensor<i32>) -> tensor<i32> {
  %0 = "astra.if"(%p) ({
    %m = "astra.while"(%x) ({
    ^condition(%i: tensor<i32>):
      %more = "astra.compare"(%i, %n) {direction = "LT", compare_type = "SIGNED"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
      "astra.yield"(%more) : (tensor<i1>) -> ()
    }, {
    ^body(%i: tensor<i32>):
      %next = "astra.add"(%i, %n) : (tensor<i32>, tensor<i32>) -> tensor<i32>
      "astra.yield"(%next) : (tensor<i32>) -> ()
    }) : (tensor<i32>) -> tensor<i32>
    "astra.yield"(%m) : (tensor<i32>) -> ()
  }, {
    "astra.yield"(%x) : (tensor<i32>) -> ()
  }) : (tensor<i1>) -> tensor<i32>
  return %0 : tensor<i32>
}
