// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @custom_call(
// CHECK: "astra.custom_call"(%arg0) {call_target_name = "Qr", has_side_effect = false} : (tensor<4x4xf32>) -> tensor<4x4xf32>
// STABLEHLO-LABEL: func.func @custom_call(
// STABLEHLO: stablehlo.custom_call{{[^_a-z]}}
func.func @custom_call(%a: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %result = "astra.custom_call"(%a) {call_target_name = "Qr", has_side_effect = false}
      : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %result : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @optimization_barrier(
// CHECK: "astra.optimization_barrier"(%arg0, %arg1) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
// STABLEHLO-LABEL: func.func @optimization_barrier(
// STABLEHLO: stablehlo.optimization_barrier{{[^_a-z]}}
func.func @optimization_barrier(%a: tensor<4xf32>, %b: tensor<i32>) -> (tensor<4xf32>, tensor<i32>) {
  %x, %y = "astra.optimization_barrier"(%a, %b) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
  return %x, %y : tensor<4xf32>, tensor<i32>
}
