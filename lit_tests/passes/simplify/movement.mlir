// Chains of reshapes, transposes and broadcasts become one, and what can be computed on fewer elements is.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @chains
// CHECK-NEXT:    %[[T:.*]] = "astra.transpose"(%arg0) {permutation = array<i64: 2, 1, 0>}
// CHECK-NEXT:    %[[R:.*]] = "astra.reshape"(%arg0) : (tensor<2x3x4xf32>) -> tensor<24xf32>
// CHECK-NEXT:    return %arg0, %[[T]], %[[R]]
func.func @chains(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<4x3x2xf32>, tensor<24xf32>) {
  %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = "astra.transpose"(%0) {permutation = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  %2 = "astra.transpose"(%0) {permutation = array<i64: 1, 0, 2>} : (tensor<3x4x2xf32>) -> tensor<4x3x2xf32>
  %3 = "astra.reshape"(%x) : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %4 = "astra.reshape"(%3) : (tensor<6x4xf32>) -> tensor<24xf32>
  return %1, %2, %4 : tensor<2x3x4xf32>, tensor<4x3x2xf32>, tensor<24xf32>
}

// A mean with kept dimensions, subtracted: nothing of size 1 is left, and the division is done before spreading.
// CHECK-LABEL: func.func @centered
// CHECK:         %[[SUM:.*]] = "astra.reduce"(%arg0
// CHECK:         %[[MEAN:.*]] = "astra.divide"(%[[SUM]], {{.*}}) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
// CHECK-NEXT:    %[[SPREAD:.*]] = "astra.broadcast"(%[[MEAN]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x5xf32>
// CHECK-NEXT:    "astra.subtract"(%arg0, %[[SPREAD]])
func.func @centered(%x: tensor<8x5xf32>) -> tensor<8x5xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %five = "astra.constant"() {value = dense<5.0> : tensor<f32>} : () -> tensor<f32>
  %sum = "astra.reduce"(%x, %zero) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<8x5xf32>, tensor<f32>) -> tensor<8xf32>
  %kept = "astra.broadcast"(%sum) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x1xf32>
  %count = "astra.broadcast"(%five) {dimensions = array<i64>} : (tensor<f32>) -> tensor<8x1xf32>
  %mean = "astra.divide"(%kept, %count) : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xf32>
  %spread = "astra.broadcast"(%mean) {dimensions = array<i64: 0, 1>} : (tensor<8x1xf32>) -> tensor<8x5xf32>
  %0 = "astra.subtract"(%x, %spread) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// CHECK-LABEL: func.func @scalars
// CHECK-NEXT:    %[[S:.*]] = "astra.add"(%arg0, %arg1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK-NEXT:    "astra.broadcast"(%[[S]])
func.func @scalars(%a: tensor<f32>, %b: tensor<f32>) -> tensor<9x9xf32> {
  %0 = "astra.broadcast"(%a) {dimensions = array<i64>} : (tensor<f32>) -> tensor<9x9xf32>
  %1 = "astra.broadcast"(%b) {dimensions = array<i64>} : (tensor<f32>) -> tensor<9x9xf32>
  %2 = "astra.add"(%0, %1) : (tensor<9x9xf32>, tensor<9x9xf32>) -> tensor<9x9xf32>
  return %2 : tensor<9x9xf32>
}

// A reshape that mixes dimensions and a transpose that moves them stay.
// CHECK-LABEL: func.func @kept
// CHECK-NEXT:    "astra.transpose"
// CHECK-NEXT:    "astra.reshape"
func.func @kept(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "astra.reshape"(%0) : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// Dynamic dimensions: what depends on sizes stays.
// CHECK-LABEL: func.func @dynamic
// CHECK-NEXT:    "astra.broadcast"(%arg0, %arg1)
func.func @dynamic(%x: tensor<?xf32>, %shape: tensor<2xi32>) -> tensor<?x?xf32> {
  %0 = "astra.broadcast"(%x, %shape) {dimensions = array<i64: 1>} : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
