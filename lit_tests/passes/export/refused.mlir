// What only exists late in code generation has no StableHLO form.
// RUN: not %astra-opt %s --astra-export 2>&1 | %filecheck %s

// CHECK: refused.mlir:8:8: 'astra.kernel_call' cannot be converted: StableHLO has no counterpart of it; export before the passes that make such operations
func.func private @k(%x: memref<4xf32>, %y: memref<4xf32>)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %0 = "astra.kernel_call"(%x, %e) {callee = @k, num_outs = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
