// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @all_gather_1(%x: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'all_gather_dim' is 2, which is not a dimension of operand 'operand', tensor<2x3xf32> (C1)}}
  %0 = "astra.all_gather"(%x) {all_gather_dim = 2 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

func.func @all_gather_2(%x: tensor<2x3xf32>) {
  // expected-error@below {{result must be a multiple of 2 times 2 along dimension 0, but is tensor<6x3xf32> (C6)}}
  %0 = "astra.all_gather"(%x) {all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<6x3xf32>
  return
}

func.func @all_gather_3(%x: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'replica_groups' repeats a member or has a negative one: [[0, 0]] (C2)}}
  %0 = "astra.all_gather"(%x) {all_gather_dim = 0 : i64, replica_groups = dense<0> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

func.func @all_reduce_1(%x: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'kind' must be one of add, multiply, maximum, minimum, and, or, xor, custom, but is 'mean'}}
  %0 = "astra.all_reduce"(%x) ({}) {kind = "mean", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @all_reduce_2(%x: tensor<2x3xf32>) {
  // expected-error@below {{the computation region must not be empty (C5)}}
  %0 = "astra.all_reduce"(%x) ({}) {kind = "custom", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @reduce_scatter_1(%x: tensor<4x3xf32>) {
  // expected-error@below {{the operand must be a multiple of 2 times 3 along dimension 0, but is tensor<4x3xf32> (C8)}}
  %0 = "astra.reduce_scatter"(%x) ({}) {kind = "add", replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, scatter_dimension = 0 : i64}
      : (tensor<4x3xf32>) -> tensor<3x3xf32>
  return
}

func.func @all_to_all_1(%x: tensor<3x3xf32>) {
  // expected-error@below {{dimension 0 of tensor<3x3xf32> is not a multiple of 2 (C2)}}
  %0 = "astra.all_to_all"(%x) {concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64, split_dimension = 0 : i64}
      : (tensor<3x3xf32>) -> tensor<2x6xf32>
  return
}

func.func @collective_permute_1(%x: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'source_target_pairs' repeats a target or has a negative one: [1, 1] (C3)}}
  %0 = "astra.collective_permute"(%x) {source_target_pairs = dense<[[0, 1], [1, 1]]> : tensor<2x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @exchange_1(%x: tensor<2x3xf32>) {
  // expected-error@below {{attribute 'pairs' belongs to the kind 'permute'}}
  %0 = "astra.exchange"(%x) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "permute"}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

func.func @exchange_2(%x: tensor<3xf32>) {
  // expected-error@below {{the operand must have 2 pieces, but is tensor<3xf32>}}
  %0 = "astra.exchange"(%x) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "all_to_all"}
      : (tensor<3xf32>) -> tensor<3xf32>
  return
}

func.func @collective_broadcast_1(%x: tensor<2x3xf32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<2x3xi32> (C3)}}
  %0 = "astra.collective_broadcast"(%x) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}
      : (tensor<2x3xf32>) -> tensor<2x3xi32>
  return
}

func.func @partition_id_1() {
  // expected-error@below {{result must be ui32, but is tensor<i32>}}
  %0 = "astra.partition_id"() : () -> tensor<i32>
  return
}

func.func @replica_id_1() {
  // expected-error@below {{result must be ui32, but is tensor<i64>}}
  %0 = "astra.replica_id"() : () -> tensor<i64>
  return
}

func.func @participant_1() {
  // expected-error@below {{result must be i64, but is tensor<ui32>}}
  %0 = "astra.participant"() : () -> tensor<ui32>
  return
}
