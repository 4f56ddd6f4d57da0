// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// Broadcasts, transposes, reversals, unit dimensions and iotas are read through maps and indices.

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[BACK:.*]] = affine_map<(d0, d1) -> (d0, -d1 + 7)>

// CHECK-LABEL: func.func @broadcast_of_unit_dimension
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[ID]], #[[ID]]], {{.*}} ins(%arg0, %arg1 : tensor<4xf32>, tensor<4x8xf32>)
func.func @broadcast_of_unit_dimension(%x: tensor<4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.reshape"(%x) : (tensor<4xf32>) -> tensor<4x1xf32>
  %1 = "astra.broadcast"(%0) {dimensions = array<i64: 0, 1>} : (tensor<4x1xf32>) -> tensor<4x8xf32>
  %2 = "astra.subtract"(%1, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @broadcast_of_scalar
// CHECK: %[[C:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<4x8xf32>)
// CHECK: arith.mulf %{{.*}}, %[[C]] : f32
func.func @broadcast_of_scalar(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.broadcast"(%c) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4x8xf32>
  %1 = "astra.multiply"(%x, %0) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @transpose_and_reverse
// CHECK: linalg.generic {indexing_maps = [#[[SWAP]], #[[BACK]], #[[ID]]], {{.*}} ins(%arg0, %arg1 : tensor<8x4xf32>, tensor<4x8xf32>)
func.func @transpose_and_reverse(%x: tensor<8x4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = "astra.reverse"(%y) {dimensions = array<i64: 1>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "astra.add"(%0, %1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// A transpose that is read twice is made once.
// CHECK-LABEL: func.func @shared_transpose
// CHECK: %[[T:.*]] = linalg.generic {indexing_maps = [#[[SWAP]], #[[ID]]]
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ID]]], {{.*}} ins(%[[T]] :
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ID]]], {{.*}} ins(%[[T]] :
func.func @shared_transpose(%x: tensor<8x4xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = "astra.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = "astra.negate"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "astra.abs"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: func.func @iota
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<4x8xf32>)
// CHECK: %[[I:.*]] = linalg.index 1 : index
// CHECK-NEXT: arith.index_cast %[[I]] : index to i32
func.func @iota(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.iota"() {dimension = 1} : () -> tensor<4x8xi32>
  %1 = "astra.convert"(%0) : (tensor<4x8xi32>) -> tensor<4x8xf32>
  %2 = "astra.add"(%x, %1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @reshape
// CHECK: %[[M:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1]] : tensor<2x6xf32> into tensor<12xf32>
// CHECK: tensor.expand_shape %[[M]] {{\[\[}}0, 1]] output_shape [3, 4] : tensor<12xf32> into tensor<3x4xf32>
func.func @reshape(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %0 = "astra.reshape"(%x) : (tensor<2x6xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @constants
// CHECK: arith.constant dense<[-1, 1]> : tensor<2xi8>
// CHECK: linalg.fill
func.func @constants() -> (tensor<2xui8>, tensor<3xf32>) {
  %0 = "astra.constant"() {value = dense<[255, 1]> : tensor<2xui8>} : () -> tensor<2xui8>
  %1 = "astra.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  return %0, %1 : tensor<2xui8>, tensor<3xf32>
}
