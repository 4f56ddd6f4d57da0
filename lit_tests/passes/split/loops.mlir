// A loop that carries values and their tangents runs in both parts: in the first one without the tangents.
// RUN: %astra-opt %s --astra-split="fn=main late=1 results=1" | %filecheck %s

// CHECK-LABEL: func.func @main_early(
// CHECK: "astra.scan"(%{{[^,]*}}) ({
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<4xf32>):
// CHECK-NEXT: %[[S:.*]] = "astra.sine"(%[[C]])
// CHECK-NEXT: "astra.yield"(%[[S]])
// CHECK: return
// CHECK-LABEL: func.func @main_late(
// CHECK: "astra.scan"(%{{[^,]*}}, %{{[^,]*}}) ({
// CHECK: "astra.cosine"
// CHECK: return
func.func @main(%x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.scan"(%x, %t) ({
  ^bb0(%i: tensor<i32>, %c: tensor<4xf32>, %d: tensor<4xf32>):
    %s = "astra.sine"(%c) : (tensor<4xf32>) -> tensor<4xf32>
    %k = "astra.cosine"(%c) : (tensor<4xf32>) -> tensor<4xf32>
    %e = "astra.multiply"(%d, %k) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%s, %e) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 5 : i64, num_carries = 2 : i64, reverse = false}
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
