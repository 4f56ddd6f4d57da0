// What is the same for all applications is copied as it is, loops included, and its results have no batch.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 out-axes=0,-1 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32>, %[[W:[a-z0-9]+]]: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
// CHECK-NEXT:    %[[S:[a-z0-9]+]] = "astra.scan"(%[[W]]) ({
// CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[H:[a-z0-9]+]]: tensor<4xf32>):
// CHECK-NEXT:      %[[D:[a-z0-9]+]] = "astra.add"(%[[H]], %[[W]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK:         }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[N:[a-z0-9]+]] = "astra.negate"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    return %[[N]], %[[S]]
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.scan"(%w) ({
  ^body(%i: tensor<i32>, %h: tensor<4xf32>):
    %d = "astra.add"(%h, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%d) : (tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.negate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}
