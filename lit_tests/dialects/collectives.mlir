// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @all_gather(
// CHECK: "astra.all_gather"(%arg0) {all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<2x3xf32>) -> tensor<4x3xf32>
func.func @all_gather(%x: tensor<2x3xf32>) {
  %0 = "astra.all_gather"(%x) {all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// CHECK-LABEL: func.func @all_reduce(
// CHECK: "astra.all_reduce"(%arg0) ({
// CHECK-NEXT: }) {channel = array<i64: 1, 1>, kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, use_global_device_ids = true} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @all_reduce(%x: tensor<2x3xf32>) {
  %0 = "astra.all_reduce"(%x) ({}) {channel = array<i64: 1, 1>, kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, use_global_device_ids = true}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @reduce_scatter(
// CHECK: "astra.reduce_scatter"(%arg0) ({
// CHECK-NEXT: }) {kind = "maximum", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, scatter_dimension = 0 : i64} : (tensor<4x3xf32>) -> tensor<2x3xf32>
func.func @reduce_scatter(%x: tensor<4x3xf32>) {
  %0 = "astra.reduce_scatter"(%x) ({}) {kind = "maximum", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, scatter_dimension = 0 : i64}
      : (tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @all_to_all(
// CHECK: "astra.all_to_all"(%arg0) {concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64, split_dimension = 0 : i64} : (tensor<4x3xf32>) -> tensor<2x6xf32>
func.func @all_to_all(%x: tensor<4x3xf32>) {
  %0 = "astra.all_to_all"(%x) {concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64, split_dimension = 0 : i64}
      : (tensor<4x3xf32>) -> tensor<2x6xf32>
  return
}

// CHECK-LABEL: func.func @collective_permute(
// CHECK: "astra.collective_permute"(%arg0) {source_target_pairs = dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @collective_permute(%x: tensor<2x3xf32>) {
  %0 = "astra.collective_permute"(%x) {source_target_pairs = dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @collective_broadcast(
// CHECK: "astra.collective_broadcast"(%arg0) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @collective_broadcast(%x: tensor<2x3xf32>) {
  %0 = "astra.collective_broadcast"(%x) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @exchange(
// CHECK: "astra.exchange"(%arg0) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"} : (tensor<3xf32>) -> tensor<2x3xf32>
func.func @exchange(%x: tensor<3xf32>) {
  %0 = "astra.exchange"(%x) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"}
      : (tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func.func @replica_id(
// CHECK: "astra.replica_id"() : () -> tensor<ui32>
func.func @replica_id() {
  %0 = "astra.replica_id"() : () -> tensor<ui32>
  return
}

// CHECK-LABEL: func.func @partition_id(
// CHECK: "astra.partition_id"() : () -> tensor<ui32>
func.func @partition_id() {
  %0 = "astra.partition_id"() : () -> tensor<ui32>
  return
}

// CHECK-LABEL: func.func @participant(
// CHECK: "astra.participant"() : () -> tensor<i64>
func.func @participant() {
  %0 = "astra.participant"() : () -> tensor<i64>
  return
}
