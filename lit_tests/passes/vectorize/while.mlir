// A while whose end is the same for all carries batched values. One whose end differs goes on while any application does,
// and keeps the values of those that have ended.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<i32>, %[[A1:[a-z0-9]+]]: tensor<8x4xf32>) -> tensor<8x4xf32>
// SHARED: %[[V0:[a-z0-9]+]]:2 = "astra.while"(%[[A0]], %[[A1]]) ({
// SHARED: ^bb0(%[[A2:[a-z0-9]+]]: tensor<i32>, %[[A3:[a-z0-9]+]]: tensor<8x4xf32>):
// SHARED: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// SHARED: %[[V2:[a-z0-9]+]] = "astra.compare"(%[[A2]], %[[V1]]) {compare_type = "SIGNED", direction = "GT"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
// SHARED: "astra.yield"(%[[V2]]) : (tensor<i1>) -> ()
// SHARED: }, {
// SHARED: ^bb0(%[[A2]]: tensor<i32>, %[[A3]]: tensor<8x4xf32>):
// SHARED: %[[V1]] = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
// SHARED: %[[V2]] = "astra.subtract"(%[[A2]], %[[V1]]) : (tensor<i32>, tensor<i32>) -> tensor<i32>
// SHARED: %[[V3:[a-z0-9]+]] = "astra.add"(%[[A3]], %[[A3]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// SHARED: "astra.yield"(%[[V2]], %[[V3]]) : (tensor<i32>, tensor<8x4xf32>) -> ()
// SHARED: }) : (tensor<i32>, tensor<8x4xf32>) -> (tensor<i32>, tensor<8x4xf32>)
// SHARED: return %[[V0]]#1 : tensor<8x4xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<8xi32>, %[[A1:[a-z0-9]+]]: tensor<4xf32>) -> tensor<8x4xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.broadcast"(%[[V1]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.compare"(%[[A0]], %[[V2]]) {compare_type = "SIGNED", direction = "GT"} : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
// EACH: %[[V4:[a-z0-9]+]]:3 = "astra.while"(%[[V3]], %[[A0]], %[[V0]]) ({
// EACH: ^bb0(%[[A2:[a-z0-9]+]]: tensor<8xi1>, %[[A3:[a-z0-9]+]]: tensor<8xi32>, %[[A4:[a-z0-9]+]]: tensor<8x4xf32>):
// EACH: %[[V5:[a-z0-9]+]] = "astra.constant"() {value = dense<false> : tensor<i1>} : () -> tensor<i1>
// EACH: %[[V6:[a-z0-9]+]] = "astra.reduce"(%[[A2]], %[[V5]]) ({
// EACH: }) {dimensions = array<i64: 0>, kind = "or"} : (tensor<8xi1>, tensor<i1>) -> tensor<i1>
// EACH: "astra.yield"(%[[V6]]) : (tensor<i1>) -> ()
// EACH: }, {
// EACH: ^bb0(%[[A2]]: tensor<8xi1>, %[[A3]]: tensor<8xi32>, %[[A4]]: tensor<8x4xf32>):
// EACH: %[[V5]] = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
// EACH: %[[V6]] = "astra.broadcast"(%[[V5]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V7:[a-z0-9]+]] = "astra.subtract"(%[[A3]], %[[V6]]) : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// EACH: %[[V8:[a-z0-9]+]] = "astra.add"(%[[A4]], %[[A4]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// EACH: %[[V9:[a-z0-9]+]] = "astra.select"(%[[A2]], %[[V7]], %[[A3]]) : (tensor<8xi1>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
// EACH: %[[V10:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 0>} : (tensor<8xi1>) -> tensor<8x4xi1>
// EACH: %[[V11:[a-z0-9]+]] = "astra.select"(%[[V10]], %[[V8]], %[[A4]]) : (tensor<8x4xi1>, tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// EACH: %[[V12:[a-z0-9]+]] = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
// EACH: %[[V13:[a-z0-9]+]] = "astra.broadcast"(%[[V12]]) {dimensions = array<i64>} : (tensor<i32>) -> tensor<8xi32>
// EACH: %[[V14:[a-z0-9]+]] = "astra.compare"(%[[V9]], %[[V13]]) {compare_type = "SIGNED", direction = "GT"} : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
// EACH: "astra.yield"(%[[V14]], %[[V9]], %[[V11]]) : (tensor<8xi1>, tensor<8xi32>, tensor<8x4xf32>) -> ()
// EACH: }) : (tensor<8xi1>, tensor<8xi32>, tensor<8x4xf32>) -> (tensor<8xi1>, tensor<8xi32>, tensor<8x4xf32>)
// EACH: return %[[V4]]#2 : tensor<8x4xf32>
func.func @main(%n: tensor<i32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0, %1 = "astra.while"(%n, %x) ({
  ^condition(%i: tensor<i32>, %a: tensor<4xf32>):
    %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
    %more = "astra.compare"(%i, %zero) {direction = "GT", compare_type = "SIGNED"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^body(%i: tensor<i32>, %a: tensor<4xf32>):
    %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
    %next = "astra.subtract"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %b = "astra.add"(%a, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %b) : (tensor<i32>, tensor<4xf32>) -> ()
  }) : (tensor<i32>, tensor<4xf32>) -> (tensor<i32>, tensor<4xf32>)
  return %1 : tensor<4xf32>
}
