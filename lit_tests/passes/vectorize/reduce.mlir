// Reductions keep the batch. An initial value of each application is combined with the result: of the kind's identity, or of
// a reduction pair by pair.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1,-1 axis-size=8" | %filecheck %s --check-prefix=SHARED
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=1,0 axis-size=8" | %filecheck %s --check-prefix=EACH

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<f32>) -> tensor<8x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.reduce"(%[[A0]], %[[A1]]) ({
// SHARED: }) {dimensions = array<i64: 0>, kind = "maximum"} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<8x5xf32>
// SHARED: return %[[V0]] : tensor<8x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x5xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.reduce"(%[[A0]], %[[V1]]) ({
// EACH: }) {dimensions = array<i64: 0>, kind = "maximum"} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<8x5xf32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.maximum"(%[[V0]], %[[V2]]) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
// EACH: return %[[V3]] : tensor<8x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<f32>) -> tensor<5xf32> {
  %0 = "astra.reduce"(%x, %i) ({}) {dimensions = array<i64: 0>, kind = "maximum"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// SHARED-LABEL: func.func @main(
// SHARED-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<f32>) -> tensor<8x5xf32>
// SHARED: %[[V0:[a-z0-9]+]] = "astra.reduce"(%[[A0]], %[[A1]]) ({
// SHARED: ^bb0(%[[A2:[a-z0-9]+]]: tensor<f32>, %[[A3:[a-z0-9]+]]: tensor<f32>):
// SHARED: %[[V1:[a-z0-9]+]] = "astra.add"(%[[A2]], %[[A3]]) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// SHARED: "astra.yield"(%[[V1]]) : (tensor<f32>) -> ()
// SHARED: }) {dimensions = array<i64: 0>, kind = "custom"} : (tensor<4x8x5xf32>, tensor<f32>) -> tensor<8x5xf32>
// SHARED: return %[[V0]] : tensor<8x5xf32>
// EACH-LABEL: func.func @main(
// EACH-SAME: %[[A0:[a-z0-9]+]]: tensor<4x8x5xf32>, %[[A1:[a-z0-9]+]]: tensor<8xf32>) -> tensor<8x5xf32>
// EACH: %[[V0:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x5xf32>
// EACH: %[[V1:[a-z0-9]+]] = "astra.transpose"(%[[A0]]) {permutation = array<i64: 1, 0, 2>} : (tensor<4x8x5xf32>) -> tensor<8x4x5xf32>
// EACH: %[[V2:[a-z0-9]+]] = "astra.transpose"(%[[V1]]) {permutation = array<i64: 0, 2, 1>} : (tensor<8x4x5xf32>) -> tensor<8x5x4xf32>
// EACH: %[[V3:[a-z0-9]+]] = "astra.slice"(%[[V2]]) {limit_indices = array<i64: 8, 5, 4>, start_indices = array<i64: 0, 0, 0>, strides = array<i64: 1, 1, 2>} : (tensor<8x5x4xf32>) -> tensor<8x5x2xf32>
// EACH: %[[V4:[a-z0-9]+]] = "astra.slice"(%[[V2]]) {limit_indices = array<i64: 8, 5, 4>, start_indices = array<i64: 0, 0, 1>, strides = array<i64: 1, 1, 2>} : (tensor<8x5x4xf32>) -> tensor<8x5x2xf32>
// EACH: %[[V5:[a-z0-9]+]] = "astra.reshape"(%[[V3]]) : (tensor<8x5x2xf32>) -> tensor<80xf32>
// EACH: %[[V6:[a-z0-9]+]] = "astra.reshape"(%[[V4]]) : (tensor<8x5x2xf32>) -> tensor<80xf32>
// EACH: %[[V7:[a-z0-9]+]] = "astra.add"(%[[V5]], %[[V6]]) : (tensor<80xf32>, tensor<80xf32>) -> tensor<80xf32>
// EACH: %[[V8:[a-z0-9]+]] = "astra.reshape"(%[[V7]]) : (tensor<80xf32>) -> tensor<8x5x2xf32>
// EACH: %[[V9:[a-z0-9]+]] = "astra.slice"(%[[V8]]) {limit_indices = array<i64: 8, 5, 2>, start_indices = array<i64: 0, 0, 0>, strides = array<i64: 1, 1, 2>} : (tensor<8x5x2xf32>) -> tensor<8x5x1xf32>
// EACH: %[[V10:[a-z0-9]+]] = "astra.slice"(%[[V8]]) {limit_indices = array<i64: 8, 5, 2>, start_indices = array<i64: 0, 0, 1>, strides = array<i64: 1, 1, 2>} : (tensor<8x5x2xf32>) -> tensor<8x5x1xf32>
// EACH: %[[V11:[a-z0-9]+]] = "astra.reshape"(%[[V9]]) : (tensor<8x5x1xf32>) -> tensor<40xf32>
// EACH: %[[V12:[a-z0-9]+]] = "astra.reshape"(%[[V10]]) : (tensor<8x5x1xf32>) -> tensor<40xf32>
// EACH: %[[V13:[a-z0-9]+]] = "astra.add"(%[[V11]], %[[V12]]) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
// EACH: %[[V14:[a-z0-9]+]] = "astra.reshape"(%[[V13]]) : (tensor<40xf32>) -> tensor<8x5x1xf32>
// EACH: %[[V15:[a-z0-9]+]] = "astra.reshape"(%[[V14]]) : (tensor<8x5x1xf32>) -> tensor<8x5xf32>
// EACH: %[[V16:[a-z0-9]+]] = "astra.reshape"(%[[V0]]) : (tensor<8x5xf32>) -> tensor<40xf32>
// EACH: %[[V17:[a-z0-9]+]] = "astra.reshape"(%[[V15]]) : (tensor<8x5xf32>) -> tensor<40xf32>
// EACH: %[[V18:[a-z0-9]+]] = "astra.add"(%[[V16]], %[[V17]]) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
// EACH: %[[V19:[a-z0-9]+]] = "astra.reshape"(%[[V18]]) : (tensor<40xf32>) -> tensor<8x5xf32>
// EACH: return %[[V19]] : tensor<8x5xf32>
func.func @main(%x: tensor<4x5xf32>, %i: tensor<f32>) -> tensor<5xf32> {
  %0 = "astra.reduce"(%x, %i) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "astra.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%s) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0>, kind = "custom"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
