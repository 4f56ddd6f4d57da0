// The value of a function and its derivative, asked for separately, run the function's loops once: the scan that stacks
// residuals gives the value, too.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// CHECK-LABEL: func.func @loop
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.scan"(%arg0) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.sine"(%[[V2]])
// CHECK-NEXT:   "astra.yield"(%[[V3]], %[[V2]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<f32>) -> (tensor<f32>, tensor<9xf32>)
// CHECK-NEXT: %[[V4:.*]] = "astra.scan"(%arg1, %[[V0]]#1) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V5:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.cosine"(%[[V5]])
// CHECK-NEXT:   %[[V6:.*]] = "astra.multiply"(%[[V2]], %[[V3]])
// CHECK-NEXT:   "astra.yield"(%[[V6]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = true, trip_count = 9 : i64} : (tensor<f32>, tensor<9xf32>) -> tensor<f32>
// CHECK-NEXT: return %[[V0]]#0, %[[V4]] : tensor<f32>, tensor<f32>
func.func @loop(%x: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = call @iterated(%x) : (tensor<f32>) -> tensor<f32>
  %1:2 = "astra.vjp"(%x, %c) {callee = @iterated, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0, %1#1 : tensor<f32>, tensor<f32>
}
func.func private @iterated(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %1 = "astra.sine"(%a) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
