// Calls inside regions are inlined, and a body that has regions is copied with the values they capture.
// RUN: %astra-opt %s --astra-inline | %filecheck %s

// CHECK-LABEL: func.func public @main
// CHECK:         %[[A:.*]] = "astra.add"(%arg0, %arg0)
// CHECK:         "astra.if"(%arg1) ({
// CHECK:           %[[B:.*]] = "astra.add"(%[[A]], %[[A]])
// CHECK:           "astra.if"(%arg1) ({
// CHECK:             "astra.add"(%[[B]], %[[B]])
// CHECK:           }, {
// CHECK-NEXT:        "astra.yield"(%[[B]])
// CHECK-NOT:     call
func.func public @main(%x: tensor<f32>, %p: tensor<i1>) -> (tensor<f32>, tensor<f32>) {
  %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.if"(%p) ({
    %2 = func.call @chosen(%p, %0) : (tensor<i1>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }, {
    %2 = func.call @chosen(%p, %x) : (tensor<i1>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
func.func private @chosen(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.if"(%p) ({
    %2 = func.call @double(%0) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }, {
    "astra.yield"(%0) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return %1 : tensor<f32>
}
func.func private @double(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
