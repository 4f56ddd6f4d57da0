// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @sort(
// CHECK: "astra.sort"(%arg0, %arg1) ({
// CHECK: }) {dimension = 1 : i64, is_stable = true, kind = "ascending"} : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
func.func @sort(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) {
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return
}

// CHECK-LABEL: func.func @top_k(
// CHECK: "astra.top_k"(%arg0) {k = 3 : i64, largest = true} : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
func.func @top_k(%operand: tensor<4x8xf32>) {
  %values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
      : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
  return
}

// CHECK-LABEL: func.func @custom_sort(
// CHECK: "astra.sort"(%arg0, %arg1) ({
// CHECK: }) {dimension = 0 : i64, is_stable = false, kind = "custom"} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
func.func @custom_sort(%a: tensor<8xf32>, %b: tensor<8xi32>) {
  %r:2 = "astra.sort"(%a, %b) ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>, %i: tensor<i32>, %j: tensor<i32>):
    %s = "astra.compare"(%i, %j) {compare_type = "SIGNED", direction = "GT"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%s) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = false, kind = "custom"} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
  return
}

// CHECK-LABEL: func.func @two_keys(
// CHECK: "astra.sort"(%arg0, %arg1) ({
// CHECK: }) {dimension = 0 : i64, is_stable = true, kind = "descending", num_keys = 2 : i64} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
func.func @two_keys(%a: tensor<8xf32>, %b: tensor<8xi32>) {
  %r:2 = "astra.sort"(%a, %b) ({
  }) {dimension = 0 : i64, is_stable = true, kind = "descending", num_keys = 2 : i64} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
  return
}
