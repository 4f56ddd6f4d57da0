// Transformations in StableHLO are custom calls: a batch of gradients, and the bound of a loop as an option.
// RUN: %astra-opt %s --astra-expand-transforms="while-bound=5" --astra-export | %filecheck %s

// CHECK-LABEL: func.func public @main
// CHECK-NEXT:    %[[C:.*]] = stablehlo.cosine %arg0 : tensor<8xf32>
// CHECK-NEXT:    return %[[C]] : tensor<8xf32>
func.func public @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = stablehlo.custom_call @astra.vmap(%x)
      {api_version = 4 : i32, called_computations = [@gradient],
       backend_config = {symbols = ["callee"], axis_size = 8 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 0>}}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @gradient(%x: tensor<f32>) -> tensor<f32> {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %0:2 = stablehlo.custom_call @astra.vjp(%x, %one)
      {api_version = 4 : i32, called_computations = [@sine],
       backend_config = {symbols = ["callee"], argnums = array<i64: 0>}}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @sine(%x: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.sine %x : tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func public @loop
// CHECK-COUNT-2: stablehlo.while
// CHECK-NOT:     stablehlo.while
func.func public @loop(%x: tensor<f32>) -> tensor<f32> {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %0:2 = stablehlo.custom_call @astra.vjp(%x, %one)
      {api_version = 4 : i32, called_computations = [@roots],
       backend_config = {symbols = ["callee"], argnums = array<i64: 0>}}
      : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @roots(%x: tensor<f32>) -> tensor<f32> {
  %two = stablehlo.constant dense<2.0> : tensor<f32>
  %0 = stablehlo.while(%a = %x) : tensor<f32>
  cond {
    %1 = stablehlo.compare GT, %a, %two : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.sqrt %a : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }
  return %0 : tensor<f32>
}
