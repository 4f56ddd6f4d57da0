// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @custom_call(
// CHECK: "astra.custom_call"(%arg0) {call_target_name = "Qr", has_side_effect = false} : (tensor<4x4xf32>) -> tensor<4x4xf32>
func.func @custom_call(%a: tensor<4x4xf32>) {
  %result = "astra.custom_call"(%a) {call_target_name = "Qr", has_side_effect = false}
      : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// CHECK-LABEL: func.func @optimization_barrier(
// CHECK: "astra.optimization_barrier"(%arg0, %arg1) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
func.func @optimization_barrier(%a: tensor<4xf32>, %b: tensor<i32>) {
  %x, %y = "astra.optimization_barrier"(%a, %b) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
  return
}

// CHECK-LABEL: func.func @side_effect(
// CHECK: "astra.custom_call"(%arg0) {backend_config = {x = 1 : i64}, call_target_name = "print", has_side_effect = true} : (tensor<4xf32>) -> ()
func.func @side_effect(%a: tensor<4xf32>) {
  "astra.custom_call"(%a) {backend_config = {x = 1 : i64}, call_target_name = "print", has_side_effect = true} : (tensor<4xf32>) -> ()
  return
}
