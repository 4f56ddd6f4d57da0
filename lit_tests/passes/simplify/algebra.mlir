// Identities that hold for every operand, and those that do not for floats and so stay.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @identities
// CHECK-NEXT:    return %arg0, %arg1
func.func @identities(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xi32>) {
  %one = "astra.constant"() {value = dense<1.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %minus_zero = "astra.constant"() {value = dense<-0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "astra.multiply"(%one, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.add"(%0, %minus_zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.negate"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.negate"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %zero = "astra.constant"() {value = dense<0> : tensor<4xi32>} : () -> tensor<4xi32>
  %4 = "astra.add"(%i, %zero) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %5 = "astra.subtract"(%4, %4) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %6 = "astra.or"(%i, %5) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %3, %6 : tensor<4xf32>, tensor<4xi32>
}

// x + 0.0 changes -0.0, x * 0.0 and x - x are not zero for infinities, x == x is false for NaN.
// CHECK-LABEL: func.func @not_identities
// CHECK:         "astra.add"
// CHECK:         "astra.multiply"
// CHECK:         "astra.subtract"
// CHECK:         "astra.compare"
func.func @not_identities(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "astra.add"(%x, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.multiply"(%x, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.subtract"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.compare"(%x, %x) {direction = "EQ", compare_type = "FLOAT"}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>
}

// A division by a power of two is a product, by anything else it stays.
// CHECK-LABEL: func.func @divisions
// CHECK-DAG:     %[[EIGHTH:.*]] = "astra.constant"() {value = dense<1.250000e-01>
// CHECK-DAG:     %[[THREE:.*]] = "astra.constant"() {value = dense<3.000000e+00>
// CHECK-DAG:     "astra.multiply"(%arg0, %[[EIGHTH]])
// CHECK-DAG:     "astra.divide"(%arg0, %[[THREE]])
func.func @divisions(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %eight = "astra.constant"() {value = dense<8.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %three = "astra.constant"() {value = dense<3.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "astra.divide"(%x, %eight) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.divide"(%x, %three) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @selections
// CHECK-NEXT:    %[[S:.*]] = "astra.select"(%arg0, %arg2, %arg1)
// CHECK-NEXT:    return %arg1, %[[S]], %arg0
func.func @selections(%p: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  %true = "astra.constant"() {value = dense<true> : tensor<4xi1>} : () -> tensor<4xi1>
  %false = "astra.constant"() {value = dense<false> : tensor<4xi1>} : () -> tensor<4xi1>
  %0 = "astra.select"(%true, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = "astra.not"(%p) : (tensor<4xi1>) -> tensor<4xi1>
  %1 = "astra.select"(%n, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.select"(%p, %true, %false) : (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xi1>
}

// A decomposition of matrices without elements, with NaN where it fails: LAPACK refuses it.
// CHECK-LABEL: func.func @selection_without_elements
// CHECK-NEXT:    %[[E:.*]] = "astra.constant"
// CHECK-NEXT:    return %[[E]]
func.func @selection_without_elements(%ok: tensor<2x0xi1>, %x: tensor<2x0xf32>, %y: tensor<2x0xf32>) -> tensor<2x0xf32> {
  %values = "astra.custom_call"(%x) {call_target_name = "f", has_side_effect = false}
      : (tensor<2x0xf32>) -> tensor<2x0xf32>
  %0 = "astra.select"(%ok, %values, %y) : (tensor<2x0xi1>, tensor<2x0xf32>, tensor<2x0xf32>) -> tensor<2x0xf32>
  return %0 : tensor<2x0xf32>
}

// A conversion that loses nothing is left out; one that rounds stays.
// CHECK-LABEL: func.func @conversions
// CHECK-NEXT:    %[[H:.*]] = "astra.convert"(%arg0) : (tensor<4xf32>) -> tensor<4xbf16>
// CHECK-NEXT:    %[[R:.*]] = "astra.convert"(%[[H]]) : (tensor<4xbf16>) -> tensor<4xf32>
// CHECK-NEXT:    return %arg0, %[[R]]
func.func @conversions(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.convert"(%x) : (tensor<4xf32>) -> tensor<4xf64>
  %1 = "astra.convert"(%0) : (tensor<4xf64>) -> tensor<4xf32>
  %2 = "astra.convert"(%x) : (tensor<4xf32>) -> tensor<4xbf16>
  %3 = "astra.convert"(%2) : (tensor<4xbf16>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf32>, tensor<4xf32>
}
