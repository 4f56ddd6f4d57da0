// Numbers in groups become those of participants; small sums are added by each device, large ones in parts.
// RUN: %astra-opt %s --astra-expand-collectives | %filecheck %s

// CHECK-LABEL: module attributes
module attributes {mhlo.num_partitions = 2 : i32, mhlo.num_replicas = 2 : i32} {

// Without a channel the numbers are replicas', and each partition has groups of its own.
// CHECK-LABEL: func.func @small
// CHECK-NEXT: %[[V0:.*]] = "astra.exchange"(%arg0) {groups = dense<{{\[}}[0, 2], [1, 3]]> : tensor<2x2xi64>, kind = "gather"} : (tensor<8xf32>) -> tensor<2x8xf32>
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<-0.000000e+00> : tensor<f32>}
// CHECK-NEXT: "astra.reduce"(%[[V0]], %[[V1]]) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "add"}
func.func @small(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.all_reduce"(%x) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @large
// CHECK: "astra.exchange"(%{{.*}}) {groups = dense<{{\[}}[0, 1, 2, 3]]> : tensor<1x4xi64>, kind = "all_to_all"} : (tensor<4x4096xf32>)
// CHECK: "astra.reduce"
// CHECK: "astra.exchange"(%{{.*}}) {groups = dense<{{\[}}[0, 1, 2, 3]]> : tensor<1x4xi64>, kind = "gather"} : (tensor<4096xf32>)
func.func @large(%x: tensor<128x128xf32>) -> tensor<128x128xf32> {
  %0 = "astra.all_reduce"(%x) ({}) {channel = array<i64: 1, 1>, kind = "add", replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>,
      use_global_device_ids = true} : (tensor<128x128xf32>) -> tensor<128x128xf32>
  return %0 : tensor<128x128xf32>
}

// Of partitions, since there is a channel.
// CHECK-LABEL: func.func @permute
// CHECK-NEXT: "astra.exchange"(%arg0) {groups = dense<{{\[}}[0, 1, 2, 3]]> : tensor<1x4xi64>, kind = "permute", pairs = dense<{{\[}}[0, 1], [2, 3]]> : tensor<2x2xi64>}
func.func @permute(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.collective_permute"(%x) {channel = array<i64: 1, 1>, source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @broadcast
// CHECK-NEXT: "astra.exchange"(%arg0) {groups = dense<{{\[}}[2, 0], [3, 1]]> : tensor<2x2xi64>, kind = "broadcast"}
func.func @broadcast(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.collective_broadcast"(%x) {replica_groups = dense<[[1, 0]]> : tensor<1x2xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @identities
// CHECK-NEXT: %[[V0:.*]] = "astra.participant"() : () -> tensor<i64>
// CHECK: "astra.divide"(%[[V0]]
// CHECK: "astra.remainder"
func.func @identities() -> (tensor<ui32>, tensor<ui32>) {
  %0 = "astra.replica_id"() : () -> tensor<ui32>
  %1 = "astra.partition_id"() : () -> tensor<ui32>
  return %0, %1 : tensor<ui32>, tensor<ui32>
}

}
