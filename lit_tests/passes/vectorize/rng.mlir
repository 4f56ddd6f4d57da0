// Random numbers with parameters for each application are standard numbers, scaled and shifted.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<8xf32>, %[[A1:[a-z0-9]+]]: tensor<f32>) -> tensor<8x4xf32>
// CHECK: %[[V0:[a-z0-9]+]] = "astra.constant"() {value = dense<4> : tensor<1xi64>} : () -> tensor<1xi64>
// CHECK: %[[V1:[a-z0-9]+]] = "astra.constant"() {value = dense<8> : tensor<1xi64>} : () -> tensor<1xi64>
// CHECK: %[[V2:[a-z0-9]+]] = "astra.concatenate"(%[[V1]], %[[V0]]) {dimension = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
// CHECK: %[[V3:[a-z0-9]+]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>} : () -> tensor<f32>
// CHECK: %[[V4:[a-z0-9]+]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>} : () -> tensor<f32>
// CHECK: %[[V5:[a-z0-9]+]] = "astra.rng"(%[[V3]], %[[V4]], %[[V2]]) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<8x4xf32>
// CHECK: %[[V6:[a-z0-9]+]] = "astra.broadcast"(%[[A0]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V7:[a-z0-9]+]] = "astra.broadcast"(%[[A1]]) {dimensions = array<i64>} : (tensor<f32>) -> tensor<8xf32>
// CHECK: %[[V8:[a-z0-9]+]] = "astra.broadcast"(%[[V7]]) {dimensions = array<i64: 0>} : (tensor<8xf32>) -> tensor<8x4xf32>
// CHECK: %[[V9:[a-z0-9]+]] = "astra.subtract"(%[[V8]], %[[V6]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK: %[[V10:[a-z0-9]+]] = "astra.multiply"(%[[V5]], %[[V9]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK: %[[V11:[a-z0-9]+]] = "astra.add"(%[[V6]], %[[V10]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK: return %[[V11]] : tensor<8x4xf32>
func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<4xf32> {
  %n = "astra.constant"() {value = dense<[4]> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "astra.rng"(%a, %b, %n) {distribution = "UNIFORM"} : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
