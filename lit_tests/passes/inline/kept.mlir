// Public functions stay, as do declarations with their calls, and functions that another operation refers to.
// RUN: %astra-opt %s --astra-inline | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %[[A:.*]] = call @outside(%arg0)
// CHECK-NEXT:    %[[B:.*]] = "astra.add"(%[[A]], %[[A]])
// CHECK-NEXT:    "astra.kernel_call"(%[[B]], %[[B]])
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @outside(%x) : (tensor<f32>) -> tensor<f32>
  %1 = call @double(%0) : (tensor<f32>) -> tensor<f32>
  %2 = "astra.kernel_call"(%1, %1) {callee = @kernel, num_outs = 1 : i64} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}
// CHECK: func.func private @outside
func.func private @outside(tensor<f32>) -> tensor<f32>
// CHECK-NOT: @unused
func.func private @unused(tensor<f32>) -> tensor<f32>
// CHECK: func.func @double
func.func @double(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// CHECK: func.func private @kernel
func.func private @kernel(%in: memref<f32>, %out: memref<f32>) {
  %0 = memref.load %in[] : memref<f32>
  memref.store %0, %out[] : memref<f32>
  return
}
