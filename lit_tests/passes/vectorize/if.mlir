// A branch on a shared predicate is still a branch, with both regions giving the batch at one place; on one of each
// application both regions are computed.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1,-1 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<i1>, %[[A1:[a-z0-9]+]]: tensor<4x8xf32>, %[[A2:[a-z0-9]+]]: tensor<4xf32>) -> tensor<8x4xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.if"(%[[A0]]) ({
// SHARED: %[[V2:[a-z0-9]+]] = "astra.add"(%[[A1]], %[[A1]]) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
// SHARED: "astra.yield"(%[[V2]]) : (tensor<4x8xf32>) -> ()
// SHARED: }, {
// SHARED: %[[V2]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4x8xf32>
// SHARED: "astra.yield"(%[[V2]]) : (tensor<4x8xf32>) -> ()
// SHARED: }) : (tensor<i1>) -> tensor<4x8xf32>
// SHARED: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]) {permutation = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
// SHARED: return %[[V1]] : tensor<8x4xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<8xi1>, %[[A1:[a-z0-9]+]]: tensor<4xf32>, %[[A2:[a-z0-9]+]]: tensor<4xf32>) -> tensor<8x4xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.add"(%[[A1]], %[[A1]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[V0]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 0>} : (tensor<8xi1>) -> tensor<8x4xi1>
// EACH: %[[V4:[a-z0-9]+]] = "astra.select"(%[[V3]], %[[V1]], %[[V2]]) : (tensor<8x4xi1>, tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// EACH: return %[[V4]] : tensor<8x4xf32>
func.func @main(%p: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.if"(%p) ({
    %a = "astra.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%a) : (tensor<4xf32>) -> ()
  }, {
    "astra.yield"(%y) : (tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
