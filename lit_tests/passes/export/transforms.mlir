// Transformations and calls with rules become custom calls @astra.*, which other tools keep and astra-import reads.
// RUN: %astra-opt %s --astra-export | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    %[[A:.*]] = stablehlo.custom_call @astra.stop_gradient(%arg0) {api_version = 4 : i32, backend_config = {symbols = []}} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[B:.*]] = stablehlo.custom_call @astra.custom_vjp(%[[A]]) {api_version = 4 : i32, backend_config = {symbols = ["callee", "forward", "backward"]}, called_computations = [@f, @f_fwd, @f_bwd]} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[C:.*]]:2 = stablehlo.custom_call @astra.vjp(%[[B]], %[[B]]) {api_version = 4 : i32, backend_config = {argnums = array<i64: 0>, symbols = ["callee"]}, called_computations = [@f]} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.stop_gradient"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.custom_vjp"(%0) {callee = @f, forward = @f_fwd, backward = @f_bwd} : (tensor<4xf32>) -> tensor<4xf32>
  %2:2 = "astra.vjp"(%1, %1) {callee = @f, argnums = array<i64: 0>}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %2#1 : tensor<4xf32>
}

// CHECK-LABEL: func.func private @f(
// CHECK-NEXT:    stablehlo.cosine %arg0
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.cosine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f_fwd(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}
func.func private @f_bwd(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  return %c : tensor<4xf32>
}
