// Communication between devices; combiners become kinds, and of several operands each has an operation of its own.
// RUN: %astra-opt %s --astra-import | %filecheck %s
// RUN: %astra-opt %s --astra-import --astra-export | %filecheck %s --check-prefix=EXPORT

// CHECK-LABEL: func.func @all_reduce
// CHECK-NEXT: "astra.all_reduce"(%arg0) ({
// CHECK-NEXT: }) {channel = array<i64: 1, 1>, kind = "add", replica_groups = dense<{{\[}}[0, 1], [2, 3]]> : tensor<2x2xi64>, use_global_device_ids = true}
// CHECK-NEXT: "astra.all_reduce"(%arg1) ({
// EXPORT-LABEL: func.func @all_reduce
// EXPORT-NEXT: "stablehlo.all_reduce"(%arg0) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>, replica_groups = dense<{{\[}}[0, 1], [2, 3]]> : tensor<2x2xi64>, use_global_device_ids}> ({
// EXPORT: stablehlo.add
func.func @all_reduce(%x: tensor<4xf32>, %y: tensor<2xf32>) -> (tensor<4xf32>, tensor<2xf32>) {
  %0:2 = "stablehlo.all_reduce"(%x, %y) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>,
      replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>, use_global_device_ids}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<4xf32>, tensor<2xf32>) -> (tensor<4xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<2xf32>
}

// CHECK-LABEL: func.func @moves
// CHECK-NEXT: %[[V0:.*]] = "astra.all_to_all"(%arg0) {channel = array<i64: 2, 1>, concat_dimension = 1 : i64, replica_groups = dense<{{\[}}[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64, split_dimension = 0 : i64}
// CHECK-NEXT: %[[V1:.*]] = "astra.collective_permute"(%[[V0]]) {source_target_pairs = dense<{{\[}}[0, 1]]> : tensor<1x2xi64>}
// CHECK-NEXT: "astra.partition_id"() : () -> tensor<ui32>
// EXPORT-LABEL: func.func @moves
// EXPORT-NEXT: %[[V0:.*]] = "stablehlo.all_to_all"(%arg0) <{channel_handle = #stablehlo.channel_handle<handle = 2, type = 1>, concat_dimension = 1 : i64, replica_groups = dense<{{\[}}[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64, split_dimension = 0 : i64}>
// EXPORT-NEXT: "stablehlo.collective_permute"(%[[V0]]) <{source_target_pairs = dense<{{\[}}[0, 1]]> : tensor<1x2xi64>}>
// EXPORT-NEXT: stablehlo.partition_id : tensor<ui32>
func.func @moves(%x: tensor<4x4xf32>) -> (tensor<2x8xf32>, tensor<ui32>) {
  %0 = "stablehlo.all_to_all"(%x) <{channel_handle = #stablehlo.channel_handle<handle = 2, type = 1>,
      concat_dimension = 1 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, split_count = 2 : i64,
      split_dimension = 0 : i64}> : (tensor<4x4xf32>) -> tensor<2x8xf32>
  %1 = "stablehlo.collective_permute"(%0) <{source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>}>
      : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = stablehlo.partition_id : tensor<ui32>
  return %1, %2 : tensor<2x8xf32>, tensor<ui32>
}
