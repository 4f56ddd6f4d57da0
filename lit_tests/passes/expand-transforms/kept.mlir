// A program without transformations is left as it is, its private functions and repeated work included.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK: call @f
// CHECK: call @f
// CHECK: func.func private @f
func.func @main(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  %1 = call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
