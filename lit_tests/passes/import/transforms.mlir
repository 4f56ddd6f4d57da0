// Custom calls @astra.* become the operations that they stand for; functions only they name are imported and stay.
// RUN: %astra-opt %s --astra-import --astra-inline | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    %[[A:.*]] = "astra.stop_gradient"(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[B:.*]] = "astra.custom_jvp"(%[[A]]) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[C:.*]] = "astra.checkpoint"(%[[B]]) {callee = @f, policy = "dots"} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    return %[[C]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @astra.stop_gradient(%x) {api_version = 4 : i32, backend_config = {}}
      : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @astra.custom_jvp(%0) {
    api_version = 4 : i32, called_computations = [@f, @f_jvp], backend_config = {symbols = ["callee", "jvp"]}
  } : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.custom_call @astra.checkpoint(%1) {
    api_version = 4 : i32, called_computations = [@f], backend_config = {symbols = ["callee"], policy = "dots"}
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: func.func private @f(
// CHECK-NEXT:    "astra.sine"(%arg0)
// CHECK-LABEL: func.func private @f_jvp(
// CHECK:         "astra.custom_jvp"(%arg0) {callee = @f, jvp = @f_jvp}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.sine %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f_jvp(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.custom_call @astra.custom_jvp(%x) {
    api_version = 4 : i32, called_computations = [@f, @f_jvp], backend_config = {symbols = ["callee", "jvp"]}
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %dx : tensor<4xf32>, tensor<4xf32>
}

// Arrays of integers in the three ways in which StableHLO files write them; a portable artifact makes tensors of them.
// CHECK-LABEL: func.func @arrays(
// CHECK-COUNT-3: "astra.vmap"(%arg0) {axis_size = 4 : i64, callee = @scalar, in_axes = array<i64: 0>, out_axes = array<i64: 0>}
func.func @arrays(%x: tensor<4xf32>) {
  %0 = stablehlo.custom_call @astra.vmap(%x) {
    called_computations = [@scalar],
    backend_config = {symbols = ["callee"], axis_size = 4 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>},
    api_version = 4 : i32
  } : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stablehlo.custom_call @astra.vmap(%x) {
    called_computations = [@scalar],
    backend_config = {symbols = ["callee"], axis_size = 4 : i64, in_axes = [0], out_axes = [0 : i32]},
    api_version = 4 : i32
  } : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.custom_call @astra.vmap(%x) {
    called_computations = [@scalar],
    backend_config = {
      symbols = ["callee"], axis_size = 4 : i64, in_axes = dense<0> : tensor<1xi64>, out_axes = dense<0> : tensor<1xi64>
    },
    api_version = 4 : i32
  } : (tensor<4xf32>) -> tensor<4xf32>
  return
}
func.func private @scalar(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
