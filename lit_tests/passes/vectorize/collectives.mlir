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

// CHECK-LABEL: func.func @others
// CHECK-NEXT: %[[V0:.*]] = "astra.reduce_scatter"(%arg0) ({
// CHECK-NEXT: }) {kind = "add", {{.*}}, scatter_dimension = 1 : i64} : (tensor<3x4x2xf32>) -> tensor<3x2x2xf32>
// CHECK-NEXT: %[[V1:.*]] = "astra.all_to_all"(%[[V0]]) {concat_dimension = 2 : i64, {{.*}}, split_count = 2 : i64, split_dimension = 1 : i64} : (tensor<3x2x2xf32>) -> tensor<3x1x4xf32>
// CHECK-NEXT: %[[V2:.*]] = "astra.collective_permute"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.collective_broadcast"(%[[V2]]) {{.*}} : (tensor<3x1x4xf32>) -> tensor<3x1x4xf32>
// CHECK-NEXT: return %[[V3]]
func.func @others(%x: tensor<3x4x2xf32>) -> tensor<3x1x4xf32> {
  %0 = "astra.vmap"(%x) {callee = @g, in_axes = array<i64: 0>, out_axes = array<i64: 0>, axis_size = 3 : i64}
      : (tensor<3x4x2xf32>) -> tensor<3x1x4xf32>
  return %0 : tensor<3x1x4xf32>
}

func.func private @g(%x: tensor<4x2xf32>) -> tensor<1x4xf32> {
  %0 = "astra.reduce_scatter"(%x) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>,
      scatter_dimension = 0 : i64} : (tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = "astra.all_to_all"(%0) {concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>,
      split_count = 2 : i64, split_dimension = 0 : i64} : (tensor<2x2xf32>) -> tensor<1x4xf32>
  %2 = "astra.collective_permute"(%1) {source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %3 = "astra.collective_broadcast"(%2) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<1x4xf32>) -> tensor<1x4xf32>
  return %3 : tensor<1x4xf32>
}
