// Calls are replaced by the bodies of their functions, and the functions disappear.
// RUN: %astra-opt %s --astra-inline | %filecheck %s

// CHECK-LABEL: func.func public @main
// CHECK-NEXT:    %[[A:.*]] = "astra.add"(%arg0, %arg0)
// CHECK-NEXT:    %[[B:.*]] = "astra.add"(%[[A]], %[[A]])
// CHECK-NEXT:    %[[C:.*]] = "astra.negate"(%[[B]])
// CHECK-NEXT:    return %[[C]], %[[A]]
func.func public @main(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
  %1 = call @double_negated(%0) : (tensor<f32>) -> tensor<f32>
  return %1, %0 : tensor<f32>, tensor<f32>
}

// CHECK-NOT: func.func private
func.func private @double_negated(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.negate"(%0) : (tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
func.func private @double(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @unused(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// A function that returns its arguments, some twice and none computed.
// CHECK-LABEL: func.func public @forwarded
// CHECK-NEXT:    return %arg1, %arg0, %arg1
func.func public @forwarded(%x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %0:3 = call @swap(%x, %y) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %0#0, %0#1, %0#2 : tensor<f32>, tensor<f32>, tensor<f32>
}
func.func private @swap(%x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  return %y, %x, %y : tensor<f32>, tensor<f32>, tensor<f32>
}
