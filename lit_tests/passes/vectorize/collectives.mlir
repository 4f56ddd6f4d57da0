// The batch is one more dimension of what is sent.
// RUN: %astra-opt %s --astra-vectorize | %filecheck %s

// CHECK-LABEL: func.func @batched
// CHECK-NEXT: %[[V0:.*]] = "astra.all_gather"(%arg0) {all_gather_dim = 1 : i64, {{.*}}} : (tensor<3x4x2xf32>) -> tensor<3x8x2xf32>
// CHECK-NEXT: %[[V1:.*]] = "astra.all_reduce"(%[[V0]]) ({
// CHECK: "astra.exchange"(%{{.*}}) {{.*}} : (tensor<3x8x2xf32>) -> tensor<2x3x8x2xf32>
func.func @batched(%x: tensor<3x4x2xf32>) -> tensor<3x2x8x2xf32> {
  %0 = "astra.vmap"(%x) {callee = @f, in_axes = array<i64: 0>, out_axes = array<i64: 0>, axis_size = 3 : i64}
      : (tensor<3x4x2xf32>) -> tensor<3x2x8x2xf32>
  return %0 : tensor<3x2x8x2xf32>
}

func.func private @f(%x: tensor<4x2xf32>) -> tensor<2x8x2xf32> {
  %0 = "astra.all_gather"(%x) {all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<4x2xf32>) -> tensor<8x2xf32>
  %1 = "astra.all_reduce"(%0) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %2 = "astra.exchange"(%1) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"}
      : (tensor<8x2xf32>) -> tensor<2x8x2xf32>
  return %2 : tensor<2x8x2xf32>
}
