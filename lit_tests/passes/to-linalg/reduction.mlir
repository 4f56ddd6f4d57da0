// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @sum
// CHECK: %[[INIT:.*]] = linalg.fill
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<4x8xf32>) outs(%[[INIT]] : tensor<4xf32>)
// CHECK: arith.addf %{{.*}}, %{{.*}} fastmath<reassoc> : f32
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @sum(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %c = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce"(%x, %c) ({}) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// An initial value that is not neutral is taken in afterwards.
// CHECK-LABEL: func.func @sum_from
// CHECK: %[[INIT:.*]] = arith.constant 0 : i32
// CHECK: linalg.fill ins(%[[INIT]]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]
func.func @sum_from(%x: tensor<4x8xi32>, %c: tensor<i32>) -> tensor<4xi32> {
  %0 = "astra.reduce"(%x, %c) ({}) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x8xi32>, tensor<i32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// Sums of half-width floats accumulate in f32.
// CHECK-LABEL: func.func @half_sum
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<4x8xf16>) outs(%{{.*}} : tensor<4xf32>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<4xf16>)
func.func @half_sum(%x: tensor<4x8xf16>) -> tensor<4xf16> {
  %c = "astra.constant"() {value = dense<0.0> : tensor<f16>} : () -> tensor<f16>
  %0 = "astra.reduce"(%x, %c) ({}) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x8xf16>, tensor<f16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// The extreme value, then the lowest index that holds it.
// CHECK-LABEL: func.func @argmax
// CHECK: %[[M:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<4x8xf32>)
// CHECK: arith.maximumf
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg0, %[[M]] : tensor<4x8xf32>, tensor<4xf32>)
// CHECK: linalg.index 1
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpf uno
// CHECK: arith.minsi
func.func @argmax(%x: tensor<4x8xf32>) -> tensor<4xi32> {
  %i = "astra.iota"() {dimension = 1} : () -> tensor<4x8xi32>
  %v = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %z = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %0:2 = "astra.reduce"(%x, %i, %v, %z) ({}) {dimensions = array<i64: 1>, kind = "argmax"} : (tensor<4x8xf32>, tensor<4x8xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
  return %0#1 : tensor<4xi32>
}

// CHECK-LABEL: func.func @custom
// CHECK: %[[C:.*]] = tensor.extract %arg1[] : tensor<f32>
// CHECK: linalg.generic
// CHECK: %[[M:.*]] = arith.mulf %{{.*}}, %[[C]] : f32
// CHECK-NEXT: %[[A:.*]] = arith.addf %{{.*}}, %[[M]] : f32
// CHECK-NEXT: linalg.yield %[[A]]
func.func @custom(%x: tensor<8xf32>, %c: tensor<f32>) -> tensor<f32> {
  %0 = "astra.reduce"(%x, %c) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.multiply"(%b, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.add"(%a, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0>, kind = "custom"} : (tensor<8xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// The window's extent comes from an unused operand.
// CHECK-LABEL: func.func @window
// CHECK: %[[P:.*]] = tensor.insert_slice %arg0 into %{{.*}}[1] [8] [1] : tensor<8xf32> into tensor<10xf32>
// CHECK: %[[W:.*]] = tensor.empty() : tensor<3xi1>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[P]], %[[W]] : tensor<10xf32>, tensor<3xi1>)
// CHECK: arith.maximumf
func.func @window(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce_window"(%x, %c) ({}) {window_dimensions = array<i64: 3>, window_strides = array<i64: 1>, base_dilations = array<i64: 1>, window_dilations = array<i64: 1>, padding = array<i64: 1, 1>, kind = "maximum"} : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
