// Transposes are absorbed by contractions and reductions where the remaining dimensions keep their order.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @transposed_operand
// CHECK-NEXT:    "astra.dot_general"(%arg0, %arg1) {{.*}}lhs_contracting_dimensions = array<i64: 0>{{.*}}rhs_contracting_dimensions = array<i64: 1>
func.func @transposed_operand(%a: tensor<3x2xf32>, %b: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = "astra.transpose"(%a) {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %1 = "astra.transpose"(%b) {permutation = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %2 = "astra.dot_general"(%0, %1) {
    lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
    lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
  } : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @transposed_result
// CHECK-NEXT:    "astra.dot_general"(%arg1, %arg0)
// CHECK-NEXT:    return
func.func @transposed_result(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<4x2xf32> {
  %0 = "astra.dot_general"(%a, %b) {
    lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
    lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>
  } : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = "astra.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// Two free dimensions trade places: that is work for a transpose.
// CHECK-LABEL: func.func @free_dimensions
// CHECK:         "astra.transpose"
func.func @free_dimensions(%a: tensor<5x2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x5x4xf32> {
  %0 = "astra.transpose"(%a) {permutation = array<i64: 1, 0, 2>} : (tensor<5x2x3xf32>) -> tensor<2x5x3xf32>
  %1 = "astra.dot_general"(%0, %b) {
    lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
    lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 0>
  } : (tensor<2x5x3xf32>, tensor<3x4xf32>) -> tensor<2x5x4xf32>
  return %1 : tensor<2x5x4xf32>
}

// The maximum of repeated numbers is that number; a sum of floats is not their multiple.
// CHECK-LABEL: func.func @repeated
// CHECK-NOT:     kind = "maximum"
// CHECK:         kind = "add"
func.func @repeated(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %lowest = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.broadcast"(%x) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4x6xf32>
  %1 = "astra.reduce"(%0, %lowest) ({}) {dimensions = array<i64: 1>, kind = "maximum"}
      : (tensor<4x6xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = "astra.reduce"(%0, %zero) ({}) {dimensions = array<i64: 1>, kind = "add"}
      : (tensor<4x6xf32>, tensor<f32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}
