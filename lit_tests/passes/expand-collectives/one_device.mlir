// Without other devices nothing is sent.
// RUN: %astra-opt %s --astra-expand-collectives | %filecheck %s

// CHECK-LABEL: func.func @all
// CHECK-NEXT: return %arg0
func.func @all(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.all_reduce"(%x) ({}) {kind = "add", replica_groups = dense<0> : tensor<1x1xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.all_gather"(%0) {all_gather_dim = 0 : i64, replica_groups = dense<0> : tensor<1x1xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.collective_permute"(%1) {source_target_pairs = dense<0> : tensor<1x2xi64>}
      : (tensor<8xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}
