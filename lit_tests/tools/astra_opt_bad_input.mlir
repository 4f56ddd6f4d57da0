// Bad input gives a message that names the place, and a non-zero exit code.
// RUN: not %astra-opt %s 2>&1 | %filecheck %s
// RUN: head -c 1000 %s | not %astra-opt 2>&1 | %filecheck %s --check-prefix=TRUNCATED
// RUN: not %astra-opt %s --astra-imprt 2>&1 | %filecheck %s --check-prefix=PASS
// RUN: not %astra-opt %s --pass-pipeline="builtin.module(cse,nothing)" 2>&1 | %filecheck %s --check-prefix=UPSTREAM
// RUN: not %astra-opt %s.missing 2>&1 | %filecheck %s --check-prefix=MISSING

// CHECK: astra_opt_bad_input.mlir:{{[0-9]+}}:8: error: 'stablehlo.add' op requires the same shape
// TRUNCATED: <stdin>:{{[0-9]+}}:{{[0-9]+}}: error:
// PASS: astra-opt: error: no pass, pipeline or option '--astra-imprt'; did you mean '--astra-import'?
// UPSTREAM: astra-opt: error: no pass, pipeline or option '--nothing'
// MISSING: astra-opt: error: cannot read '{{.*}}.missing': No such file or directory

func.func @wrong(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<2xf32> {
  %0 = "stablehlo.add"(%a, %b) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
