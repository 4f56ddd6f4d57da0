// What a sort moves along is left out where nothing uses it; what is compared stays.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @sorted
// CHECK-NEXT:    %[[S:.*]]:2 = "astra.sort"(%arg0, %arg2) ({
// CHECK-NEXT:    }) {dimension = 0 : i64, is_stable = true, kind = "descending", num_keys = 1 : i64}
// CHECK-NEXT:    return %[[S]]#1
func.func @sorted(%a: tensor<4xf32>, %b: tensor<4xi32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0:3 = "astra.sort"(%a, %b, %c) ({
  }) {dimension = 0 : i64, is_stable = true, kind = "descending", num_keys = 1 : i64}
      : (tensor<4xf32>, tensor<4xi32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi32>, tensor<4xf32>)
  return %0#2 : tensor<4xf32>
}

// CHECK-LABEL: func.func @compared
// CHECK-NEXT:    %[[S:.*]]:2 = "astra.sort"(%arg1, %arg2) ({
// CHECK-NEXT:    ^bb0(%[[C:.*]]: tensor<i32>, %[[D:.*]]: tensor<i32>, %{{.*}}: tensor<f32>, %{{.*}}: tensor<f32>):
// CHECK-NEXT:      %[[P:.*]] = "astra.compare"(%[[C]], %[[D]])
// CHECK-NEXT:      "astra.yield"(%[[P]])
// CHECK:         return %[[S]]#1
func.func @compared(%x: tensor<4xf32>, %y: tensor<4xi32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  %0:3 = "astra.sort"(%x, %y, %z) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>, %e: tensor<f32>, %f: tensor<f32>):
    %p = "astra.compare"(%c, %d) {compare_type = "SIGNED", direction = "LT"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%p) : (tensor<i1>) -> ()
  }) {dimension = 0 : i64, is_stable = true, kind = "custom"}
      : (tensor<4xf32>, tensor<4xi32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi32>, tensor<4xf32>)
  return %0#2 : tensor<4xf32>
}
