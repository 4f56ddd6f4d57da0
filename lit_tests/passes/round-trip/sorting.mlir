// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @sort(
// CHECK: "astra.sort"(%arg0, %arg1) ({
// CHECK: }) {dimension = 1 : i64, is_stable = true, kind = "ascending", num_keys = 1 : i64} : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
// STABLEHLO-LABEL: func.func @sort(
// STABLEHLO: stablehlo.sort{{[^_a-z]}}
func.func @sort(%a: tensor<4x8xf32>, %b: tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>) {
  %keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
      : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
  return %keys, %values : tensor<4x8xf32>, tensor<4x8xi32>
}

// CHECK-LABEL: func.func @top_k(
// CHECK: "astra.top_k"(%arg0) {k = 3 : i64, largest = true} : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
// STABLEHLO-LABEL: func.func @top_k(
// STABLEHLO: chlo.top_k{{[^_a-z]}}
func.func @top_k(%operand: tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>) {
  %values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
      : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
  return %values, %indices : tensor<4x3xf32>, tensor<4x3xi32>
}
