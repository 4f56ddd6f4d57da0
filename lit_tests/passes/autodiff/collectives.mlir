// What is sent is linear; its transpose sends the other way.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// CHECK-LABEL: func.func @reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.collective_permute"(%arg1) {source_target_pairs = dense<{{\[}}[1, 0]]> : tensor<1x2xi64>}
// CHECK-NEXT: %[[V1:.*]] = "astra.all_to_all"(%[[V0]]) {concat_dimension = 0 : i64, {{.*}} split_dimension = 1 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.all_gather"(%[[V1]]) {all_gather_dim = 0 : i64
// CHECK-NEXT: %[[V3:.*]] = "astra.reduce_scatter"(%[[V2]]) ({
// CHECK-NEXT: }) {kind = "add", replica_groups = dense<{{\[}}[0, 1]]> : tensor<1x2xi64>, scatter_dimension = 1 : i64}
// CHECK-NEXT: %[[V4:.*]] = "astra.all_reduce"(%[[V3]]) ({
// CHECK: return %[[V4]]
func.func @reverse(%x: tensor<8x2xf32>, %c: tensor<2x8xf32>) -> tensor<8x2xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<8x2xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8x2xf32>)
  return %0#1 : tensor<8x2xf32>
}

// CHECK-LABEL: func.func @forward
// CHECK-NEXT: %[[V0:.*]] = "astra.all_reduce"(%arg1) ({
// CHECK: "astra.all_gather"(%[[V0]])
func.func @forward(%x: tensor<8x2xf32>, %dx: tensor<8x2xf32>) -> tensor<2x8xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @f, argnums = array<i64: 0>}
      : (tensor<8x2xf32>, tensor<8x2xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>)
  return %0#1 : tensor<2x8xf32>
}

func.func private @f(%x: tensor<8x2xf32>) -> tensor<2x8xf32> {
  %0 = "astra.all_reduce"(%x) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<8x2xf32>) -> tensor<8x2xf32>
  %1 = "astra.all_gather"(%0) {all_gather_dim = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<8x2xf32>) -> tensor<8x4xf32>
  %2 = "astra.reduce_scatter"(%1) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>,
      scatter_dimension = 0 : i64} : (tensor<8x4xf32>) -> tensor<4x4xf32>
  %3 = "astra.all_to_all"(%2) {concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>,
      split_count = 2 : i64, split_dimension = 0 : i64} : (tensor<4x4xf32>) -> tensor<2x8xf32>
  %4 = "astra.collective_permute"(%3) {source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// The number of a device is no function of data; what a group gets from its first member is differentiated as that part of
// what is gathered, and a maximum as one of what is gathered.
// CHECK-LABEL: func.func @gathered
// CHECK: %[[G0:.*]] = "astra.all_gather"(%{{.*}}) {all_gather_dim = 0 : i64, channel = array<i64: 1, 1>, {{.*}}, use_global_device_ids = true} : (tensor<1x2xf32>) -> tensor<2x2xf32>
// CHECK: "astra.reduce"(%[[G0]], %{{.*}}) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "maximum"}
// CHECK-NOT: "astra.collective_broadcast"
// CHECK: %[[C:.*]] = "astra.pad"
// CHECK: "astra.reduce_scatter"(%[[C]]) ({
// CHECK-NEXT: }) {{.*}}kind = "add"
func.func @gathered(%x: tensor<2xf32>, %c: tensor<2xf32>) -> tensor<2xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @g, argnums = array<i64: 0>}
      : (tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return %0#1 : tensor<2xf32>
}

func.func private @g(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "astra.all_reduce"(%x) ({}) {kind = "maximum", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "astra.collective_broadcast"(%0) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "astra.partition_id"() : () -> tensor<ui32>
  %3 = "astra.replica_id"() : () -> tensor<ui32>
  %4 = "astra.add"(%2, %3) : (tensor<ui32>, tensor<ui32>) -> tensor<ui32>
  %5 = "astra.convert"(%4) : (tensor<ui32>) -> tensor<f32>
  %6 = "astra.participant"() : () -> tensor<i64>
  %7 = "astra.convert"(%6) : (tensor<i64>) -> tensor<f32>
  %8 = "astra.add"(%5, %7) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %9 = "astra.broadcast"(%8) {dimensions = array<i64>} : (tensor<f32>) -> tensor<2xf32>
  %10 = "astra.multiply"(%1, %9) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %10 : tensor<2xf32>
}

// CHECK-LABEL: func.func @sent
// CHECK: "astra.exchange"(%arg1) {groups
func.func @sent(%x: tensor<2xf32>, %dx: tensor<2xf32>) -> tensor<2x2xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @h, argnums = array<i64: 0>}
      : (tensor<2xf32>, tensor<2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>)
  return %0#1 : tensor<2x2xf32>
}

func.func private @h(%x: tensor<2xf32>) -> tensor<2x2xf32> {
  %0 = "astra.exchange"(%x) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"}
      : (tensor<2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
