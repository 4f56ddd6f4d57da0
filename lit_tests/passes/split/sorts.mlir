// Tangents are sorted along with the values: the values alone are sorted in the first part, in the same order.
// RUN: %astra-opt %s --astra-split="fn=keys late=1 results=1" | %filecheck %s
// RUN: %astra-opt %s --astra-split="fn=compared late=2 results=2" | %filecheck %s --check-prefix=CUSTOM
// RUN: not %astra-opt %s --astra-split="fn=needed late=1 results=1" 2>&1 | %filecheck %s --check-prefix=NEEDED

// CHECK-LABEL: func.func @keys_early(%arg0: tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[S:.*]] = "astra.sort"(%arg0) ({
// CHECK-NEXT:    }) {{.*}}is_stable = true
// CHECK-NEXT:    return %[[S]]
// CHECK-LABEL: func.func @keys_late(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[L:.*]]:2 = "astra.sort"(%arg0, %arg1) ({
// CHECK-NEXT:    }) {{.*}}is_stable = true
// CHECK-NEXT:    return %[[L]]#1
func.func @keys(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.sort"(%x, %t) ({
  }) {dimension = 0 : i64, is_stable = false, kind = "ascending", num_keys = 1 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// CUSTOM-LABEL: func.func @compared_early(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>)
// CUSTOM-NEXT:    %[[S:.*]]:2 = "astra.sort"(%arg0, %arg1) ({
// CUSTOM-NEXT:    ^bb0(%{{.*}}: tensor<f32>, %{{.*}}: tensor<f32>, %[[A:.*]]: tensor<f32>, %[[B:.*]]: tensor<f32>):
// CUSTOM-NEXT:      "astra.compare"(%[[A]], %[[B]])
// CUSTOM:         return %[[S]]#0, %[[S]]#1
// CUSTOM-LABEL: func.func @compared_late(
// CUSTOM:         %[[L:.*]]:2 = "astra.sort"(%arg1, %arg2) ({
// CUSTOM-NEXT:    ^bb0(%[[C:.*]]: tensor<f32>, %[[D:.*]]: tensor<f32>, %{{.*}}: tensor<f32>, %{{.*}}: tensor<f32>):
// CUSTOM-NEXT:      "astra.compare"(%[[C]], %[[D]])
// CUSTOM:         return %[[L]]#1
func.func @compared(%x: tensor<4xf32>, %y: tensor<4xf32>, %t: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.sort"(%x, %y, %t) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>, %e: tensor<f32>, %f: tensor<f32>):
    %p = "astra.compare"(%c, %d) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%p) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// What is compared matters for the order of everything.
// NEEDED: result 0 depends on an argument that only the second part has
func.func @needed(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.sort"(%x, %t) ({
  }) {dimension = 0 : i64, is_stable = true, kind = "ascending", num_keys = 2 : i64}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
