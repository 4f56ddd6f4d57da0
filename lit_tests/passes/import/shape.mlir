// Shape operations keep their attributes; what has its bounds as operands keeps them unless they are constant.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @static
// CHECK-NEXT: "astra.iota"() {dimension = 1 : i64} : () -> tensor<2x3xi32>
// CHECK-NEXT: "astra.broadcast"(%arg0) {dimensions = array<i64: 1>} : (tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: "astra.broadcast"(%arg0) {dimensions = array<i64: 1>} : (tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: "astra.reshape"({{.*}}) : (tensor<2x3xf32>) -> tensor<6xf32>
// CHECK-NEXT: "astra.transpose"({{.*}}) {permutation = array<i64: 1, 0>}
// CHECK-NEXT: "astra.slice"({{.*}}) {limit_indices = array<i64: 2, 3>, start_indices = array<i64: 0, 1>, strides = array<i64: 1, 2>}
// CHECK-NEXT: "astra.pad"(%arg0, %arg1) {high = array<i64: 2>, interior = array<i64: 1>, low = array<i64: -1>}
// CHECK-NEXT: "astra.concatenate"(%arg0, %arg0) {dimension = 0 : i64}
// CHECK-NEXT: "astra.reverse"(%arg0) {dimensions = array<i64: 0>}
func.func @static(%x: tensor<3xf32>, %v: tensor<f32>) {
  %0 = stablehlo.iota dim = 1 : tensor<2x3xi32>
  %1 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.broadcast %x, sizes = [2] : (tensor<3xf32>) -> tensor<2x3xf32>
  %3 = stablehlo.reshape %1 : (tensor<2x3xf32>) -> tensor<6xf32>
  %4 = stablehlo.transpose %1, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %5 = stablehlo.slice %1 [0:2, 1:3:2] : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %6 = stablehlo.pad %x, %v, low = [-1], high = [2], interior = [1] : (tensor<3xf32>, tensor<f32>) -> tensor<6xf32>
  %7 = stablehlo.concatenate %x, %x, dim = 0 : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
  %8 = stablehlo.reverse %x, dims = [0] : tensor<3xf32>
  return
}

// CHECK-LABEL: func.func @dynamic
// CHECK-NEXT: "astra.iota"(%arg1) {dimension = 0 : i64} : (tensor<2xi64>) -> tensor<?x?xf32>
// CHECK-NEXT: "astra.broadcast"(%arg0, %arg1) {dimensions = array<i64: 1>} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
// CHECK-NEXT: "astra.reshape"(%arg0, %arg1) : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
// CHECK-NEXT: "astra.slice"(%arg0, %arg2, %arg2, %arg2) : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
// CHECK-NEXT: "astra.get_dimension_size"(%arg0) {dimension = 0 : i64} : (tensor<?xf32>) -> tensor<i32>
func.func @dynamic(%x: tensor<?xf32>, %s: tensor<2xi64>, %b: tensor<1xi64>) {
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<2xi64>) -> tensor<?x?xf32>
  %1 = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [1] : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %2 = stablehlo.dynamic_reshape %x, %s : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %3 = stablehlo.real_dynamic_slice %x, %b, %b, %b : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  %4 = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
  return
}

// CHECK-LABEL: func.func @constant_bounds
// CHECK: "astra.slice"(%arg0) {limit_indices = array<i64: 3>, start_indices = array<i64: 1>, strides = array<i64: 1>}
// CHECK: "astra.pad"(%arg0, %arg1) {high = array<i64: 3>, interior = array<i64: 1>, low = array<i64: 1>}
func.func @constant_bounds(%x: tensor<4xf32>, %v: tensor<f32>) {
  %0 = stablehlo.constant dense<1> : tensor<1xi64>
  %1 = stablehlo.constant dense<3> : tensor<1xi64>
  %2 = stablehlo.real_dynamic_slice %x, %0, %1, %0 : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  %3 = stablehlo.dynamic_pad %x, %v, %0, %1, %0 : (tensor<4xf32>, tensor<f32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<11xf32>
  return
}

// Large constants are resources: they are not printed, and not copied by any pass.
// CHECK-LABEL: func.func @large_constant
// CHECK-NEXT: "astra.constant"() {value = dense_resource<{{.*}}> : tensor<33xi8>}
// CHECK-NEXT: "astra.constant"() {value = dense<1> : tensor<1000xi8>}
func.func @large_constant() {
  %0 = stablehlo.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]> : tensor<33xi8>
  %1 = stablehlo.constant dense<1> : tensor<1000xi8>
  return
}
