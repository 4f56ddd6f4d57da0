// A conformance program runs as it is: the exit code says whether its checks hold.
// RUN: %astra-run %s --function passes --target x86-64-v2 | %filecheck %s --check-prefix=PASSES
// RUN: not %astra-run %s --function fails --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=FAILS
// RUN: not %astra-run %s --function unknown --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=UNKNOWN
// RUN: not %astra-run %s --function called --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=CALLED
// RUN: not %astra-run %s --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=NONE

// PASSES: 3 checks passed
func.func @passes() -> tensor<2xf32> {
  %a = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = stablehlo.constant dense<[1.0, 2.0005]> : tensor<2xf32>
  %c = stablehlo.constant dense<[1.0, 2.0000002]> : tensor<2xf32>
  %d = stablehlo.add %a, %a : tensor<2xf32>
  %e = stablehlo.constant dense<[2.0, 4.0]> : tensor<2xf32>
  stablehlo.custom_call @check.expect_eq(%d, %e) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  stablehlo.custom_call @check.expect_almost_eq(%a, %b) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  stablehlo.custom_call @check.expect_close(%a, %c) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  return %a : tensor<2xf32>
}

// FAILS: astra_run_checks.mlir:{{[0-9]+}}:3: check.expect_eq: not equal: at [1]: 4.0 instead of 2.0
func.func @fails() {
  %a = stablehlo.constant dense<[0.0, 2.0]> : tensor<2xf32>
  %b = stablehlo.add %a, %a : tensor<2xf32>
  stablehlo.custom_call @check.expect_eq(%b, %a) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  return
}

// UNKNOWN: 'check.expect_nothing' is not a known check
func.func @unknown() {
  %a = stablehlo.constant dense<0.0> : tensor<f32>
  stablehlo.custom_call @check.expect_nothing(%a, %a) {has_side_effect = true} : (tensor<f32>, tensor<f32>) -> ()
  return
}

// CALLED: astra_run_checks.mlir:{{[0-9]+}}:3: check.expect_eq: not equal: at []: 1.0 instead of 2.0
func.func @called() {
  call @inner() : () -> ()
  return
}
func.func private @inner() {
  %a = stablehlo.constant dense<1.0> : tensor<f32>
  %b = stablehlo.constant dense<2.0> : tensor<f32>
  stablehlo.custom_call @check.expect_eq(%a, %b) {has_side_effect = true} : (tensor<f32>, tensor<f32>) -> ()
  return
}

// NONE: the program has no function @main (functions: @passes, @fails, @unknown, @called, @inner)
