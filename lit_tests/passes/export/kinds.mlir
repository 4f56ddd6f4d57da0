// Kinds become the regions that they stand for.
// RUN: %astra-opt %s --astra-export | %filecheck %s
// RUN: %astra-opt %s --astra-export --astra-import | %filecheck %s --check-prefix=AGAIN

// CHECK-LABEL: func.func @reduce
// CHECK: stablehlo.reduce(%arg0 init: %arg1) applies stablehlo.add across dimensions = [1]
// AGAIN-LABEL: func.func @reduce
// AGAIN: kind = "add"
func.func @reduce(%x: tensor<4x5xf32>, %i: tensor<f32>) -> tensor<4xf32> {
  %0 = "astra.reduce"(%x, %i) ({}) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @argmin
// CHECK: stablehlo.compare  LT
// CHECK: stablehlo.compare  NE
// AGAIN-LABEL: func.func @argmin
// AGAIN: kind = "argmin"
func.func @argmin(%x: tensor<8xf32>, %k: tensor<8xi32>, %i: tensor<f32>, %j: tensor<i32>) -> tensor<i32> {
  %0:2 = "astra.reduce"(%x, %k, %i, %j) ({}) {dimensions = array<i64: 0>, kind = "argmin"} : (tensor<8xf32>, tensor<8xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
  return %0#1 : tensor<i32>
}

// CHECK-LABEL: func.func @cumulative
// CHECK: stablehlo.constant dense<0xFF800000> : tensor<f32>
// CHECK: "stablehlo.reduce_window"(%arg0, {{.*}}padding = dense<{{\[\[}}0, 0], [0, 4]]> : tensor<2x2xi64>, {{.*}}window_dimensions = array<i64: 1, 5>
// CHECK: stablehlo.maximum
// CHECK: stablehlo.log_plus_one
// AGAIN-LABEL: func.func @cumulative
// AGAIN: {dimension = 1 : i64, kind = "maximum", reverse = true}
// AGAIN: {dimension = 0 : i64, kind = "logaddexp", reverse = false}
func.func @cumulative(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = "astra.cumulative"(%x) {dimension = 1 : i64, reverse = true, kind = "maximum"} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = "astra.cumulative"(%0) {dimension = 0 : i64, reverse = false, kind = "logaddexp"} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %1 : tensor<4x5xf32>
}

// CHECK-LABEL: func.func @scatter
// CHECK: "stablehlo.scatter"(%arg0, %arg1, %arg2) <{{{.*}}unique_indices = true
// CHECK: stablehlo.multiply
// AGAIN-LABEL: func.func @scatter
// AGAIN: kind = "multiply"
func.func @scatter(%x: tensor<5xf32>, %i: tensor<3x1xi32>, %u: tensor<3xf32>) -> tensor<5xf32> {
  %0 = "astra.scatter"(%x, %i, %u) ({}) {update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "multiply", unique_indices = true} : (tensor<5xf32>, tensor<3x1xi32>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// CHECK-LABEL: func.func @sort
// CHECK: "stablehlo.sort"(%arg0, %arg1) <{dimension = 0 : i64, is_stable = true}>
// CHECK: stablehlo.compare  LT, {{.*}} SIGNED
// CHECK: stablehlo.compare  LT, {{.*}} TOTALORDER
// AGAIN-LABEL: func.func @sort
// AGAIN: {dimension = 0 : i64, is_stable = true, kind = "ascending", num_keys = 2 : i64}
func.func @sort(%x: tensor<8xf32>, %k: tensor<8xi32>) -> tensor<8xi32> {
  %0:2 = "astra.sort"(%x, %k) ({}) {dimension = 0 : i64, is_stable = true, kind = "ascending", num_keys = 2 : i64} : (tensor<8xf32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>)
  return %0#1 : tensor<8xi32>
}

// CHECK-LABEL: func.func @select_and_scatter
// CHECK: "stablehlo.select_and_scatter"(%arg0, %arg1, %arg2)
// CHECK: stablehlo.compare  GE
// CHECK: stablehlo.add
func.func @select_and_scatter(%x: tensor<8xf32>, %s: tensor<4xf32>, %i: tensor<f32>) -> tensor<8xf32> {
  %0 = "astra.select_and_scatter"(%x, %s, %i) ({}, {}) {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>, padding = array<i64: 0, 0>, select_kind = "GE", scatter_kind = "add"} : (tensor<8xf32>, tensor<4xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
