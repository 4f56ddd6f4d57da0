// Upstream passes run as flags in their order, with options; function passes are nested by themselves.
// RUN: %astra-opt %s --cse --canonicalize="max-iterations=3" | %filecheck %s
// RUN: %astra-opt --pass-pipeline="builtin.module(cse,func.func(canonicalize{max-iterations=3}))" < %s | %filecheck %s
// RUN: %astra-opt %s --cse --emit-bytecode | %astra-opt - | %filecheck %s
// RUN: %astra-opt %s --cse --chlo-legalize-to-stablehlo --mlir-print-ir-after-all 2>&1 | %filecheck %s --check-prefix=ALL
// RUN: %astra-opt %s --cse --canonicalize --mlir-print-ir-after=cse 2>&1 | %filecheck %s --check-prefix=ONE
// RUN: %astra-opt %s --cse --canonicalize --mlir-timing 2>&1 | %filecheck %s --check-prefix=TIME

// CHECK-LABEL: func.func @twice
// CHECK-NEXT: %[[SUM:.*]] = stablehlo.add %arg0, %arg0
// CHECK-NEXT: return %[[SUM]], %[[SUM]]

// ALL: IR Dump After cse
// ALL: IR Dump After chlo-legalize-to-stablehlo

// ONE: IR Dump After cse
// ONE-NOT: IR Dump After canonicalize

// TIME-DAG: Execution time report
// TIME-DAG: s ({{.*}}%)  cse
// TIME-DAG: s ({{.*}}%)  canonicalize
// TIME-DAG: (100.0%)  total
func.func @twice(%a: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = stablehlo.add %a, %a : tensor<2xf32>
  %1 = stablehlo.add %a, %a : tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}
