// Bits of each application are those of its own state, one generator after the other; numbers are scaled afterwards.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<8x2xui64>) -> tensor<8x4xui32>
// CHECK: %[[V0:[a-z0-9]+]]:2 = "astra.scan"(%[[A0]]) ({
// CHECK: ^bb0(%[[A1:[a-z0-9]+]]: tensor<i64>, %[[A2:[a-z0-9]+]]: tensor<2xui64>):
// CHECK: %[[V1:[a-z0-9]+]]:2 = "astra.rng_bit_generator"(%[[A2]]) {algorithm = "THREE_FRY"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
// CHECK: "astra.yield"(%[[V1]]#0, %[[V1]]#1) : (tensor<2xui64>, tensor<4xui32>) -> ()
// CHECK: }) {num_carries = 0 : i64, reverse = false, trip_count = 8 : i64} : (tensor<8x2xui64>) -> (tensor<8x2xui64>, tensor<8x4xui32>)
// CHECK: return %[[V0]]#1 : tensor<8x4xui32>
func.func @main(%s: tensor<2xui64>) -> tensor<4xui32> {
  %0, %1 = "astra.rng_bit_generator"(%s) {algorithm = "THREE_FRY"} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
  return %1 : tensor<4xui32>
}
