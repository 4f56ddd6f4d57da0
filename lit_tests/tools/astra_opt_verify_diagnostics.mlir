// RUN: %astra-opt %s --split-input-file --verify-diagnostics
// RUN: not %astra-opt %s --split-input-file 2>&1 | %filecheck %s

// CHECK: astra_opt_verify_diagnostics.mlir:10:15: error: use of value '%0' expects different type
// CHECK: astra_opt_verify_diagnostics.mlir:17:8: error: op requires the same element type
func.func @type_of_result(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-note@below {{prior use here}}
  %0 = "stablehlo.abs"(%a) : (tensor<2xf32>) -> tensor<3xf32>
  // expected-error@+1 {{use of value '%0' expects different type}}
  func.return %0 : tensor<2xf32>
}

// -----

func.func @type_of_operands(%a: tensor<2xf32>, %b: tensor<2xi32>) -> tensor<2xf32> {
  // expected-error-re@+1 {{requires the same {{[a-z]+}} type}}
  %0 = "stablehlo.add"(%a, %b) : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
