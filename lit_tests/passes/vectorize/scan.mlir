// A scan has the iterations it had. A carry is batched where its initial value or what it becomes is, with the batch in
// front; stacked values are batched behind their leading dimension.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,0,-1 axis-size=8" | %filecheck %s --check-prefix=XS
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1,-1 out-axes=0,-1 axis-size=8" | %filecheck %s --check-prefix=CARRY
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=-1,-1,0 out-axes=-1,2 axis-size=8" | %filecheck %s --check-prefix=OUTSIDE

// XS-LABEL: func.func @main(
// XS-SAME: %[[A0:[a-z0-9]+]]: tensor<4xf32>, %[[A1:[a-z0-9]+]]: tensor<8x10x4xf32>, %[[A2:[a-z0-9]+]]: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x10x4xf32>)
// XS: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// XS: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[A1]]) {permutation = array<i64: 1, 0, 2>} : (tensor<8x10x4xf32>) -> tensor<10x8x4xf32>
// XS: %[[V2:[a-z0-9]+]]:2 = "astra.scan"(%[[V0]], %[[V1]]) ({
// XS: ^bb0(%[[A3:[a-z0-9]+]]: tensor<i32>, %[[A4:[a-z0-9]+]]: tensor<8x4xf32>, %[[A5:[a-z0-9]+]]: tensor<8x4xf32>):
// XS: %[[V4:[a-z0-9]+]] = "astra.add"(%[[A4]], %[[A5]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// XS: %[[V5:[a-z0-9]+]] = "astra.broadcast"(%[[A2]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// XS: %[[V6:[a-z0-9]+]] = "astra.multiply"(%[[A5]], %[[V5]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// XS: "astra.yield"(%[[V4]], %[[V6]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> ()
// XS: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<8x4xf32>, tensor<10x8x4xf32>) -> (tensor<8x4xf32>, tensor<10x8x4xf32>)
// XS: %[[V3:[a-z0-9]+]] = "astra.transpose"(%[[V2]]#1) {permutation = array<i64: 1, 0, 2>} : (tensor<10x8x4xf32>) -> tensor<8x10x4xf32>
// XS: return %[[V2]]#0, %[[V3]] : tensor<8x4xf32>, tensor<8x10x4xf32>
// CARRY-LABEL: func.func @main(
// CARRY-SAME: %[[A0:[a-z0-9]+]]: tensor<8x4xf32>, %[[A1:[a-z0-9]+]]: tensor<10x4xf32>, %[[A2:[a-z0-9]+]]: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<10x4xf32>)
// CARRY: %[[V0:[a-z0-9]+]]:2 = "astra.scan"(%[[A0]], %[[A1]]) ({
// CARRY: ^bb0(%[[A3:[a-z0-9]+]]: tensor<i32>, %[[A4:[a-z0-9]+]]: tensor<8x4xf32>, %[[A5:[a-z0-9]+]]: tensor<4xf32>):
// CARRY: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[A5]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// CARRY: %[[V2:[a-z0-9]+]] = "astra.add"(%[[A4]], %[[V1]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CARRY: %[[V3:[a-z0-9]+]] = "astra.multiply"(%[[A5]], %[[A2]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CARRY: "astra.yield"(%[[V2]], %[[V3]]) : (tensor<8x4xf32>, tensor<4xf32>) -> ()
// CARRY: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<8x4xf32>, tensor<10x4xf32>) -> (tensor<8x4xf32>, tensor<10x4xf32>)
// CARRY: return %[[V0]]#0, %[[V0]]#1 : tensor<8x4xf32>, tensor<10x4xf32>
// OUTSIDE-LABEL: func.func @main(
// OUTSIDE-SAME: %[[A0:[a-z0-9]+]]: tensor<4xf32>, %[[A1:[a-z0-9]+]]: tensor<10x4xf32>, %[[A2:[a-z0-9]+]]: tensor<8x4xf32>) -> (tensor<4xf32>, tensor<10x4x8xf32>)
// OUTSIDE: %[[V0:[a-z0-9]+]]:2 = "astra.scan"(%[[A0]], %[[A1]]) ({
// OUTSIDE: ^bb0(%[[A3:[a-z0-9]+]]: tensor<i32>, %[[A4:[a-z0-9]+]]: tensor<4xf32>, %[[A5:[a-z0-9]+]]: tensor<4xf32>):
// OUTSIDE: %[[V2:[a-z0-9]+]] = "astra.add"(%[[A4]], %[[A5]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// OUTSIDE: %[[V3:[a-z0-9]+]] = "astra.broadcast"(%[[A5]]) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<8x4xf32>
// OUTSIDE: %[[V4:[a-z0-9]+]] = "astra.multiply"(%[[V3]], %[[A2]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// OUTSIDE: "astra.yield"(%[[V2]], %[[V4]]) : (tensor<4xf32>, tensor<8x4xf32>) -> ()
// OUTSIDE: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x8x4xf32>)
// OUTSIDE: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[V0]]#1) {permutation = array<i64: 0, 2, 1>} : (tensor<10x8x4xf32>) -> tensor<10x4x8xf32>
// OUTSIDE: return %[[V0]]#0, %[[V1]] : tensor<4xf32>, tensor<10x4x8xf32>
func.func @main(%c: tensor<4xf32>, %xs: tensor<10x4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>) {
  %0, %1 = "astra.scan"(%c, %xs) ({
  ^body(%i: tensor<i32>, %h: tensor<4xf32>, %x: tensor<4xf32>):
    %s = "astra.add"(%h, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %t = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%s, %t) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false} : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return %0, %1 : tensor<4xf32>, tensor<10x4xf32>
}
