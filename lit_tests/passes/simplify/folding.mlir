// Functions of constants are constants; splats stay splats; large constants stay resources and are not folded.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @wrapping
// CHECK-DAG:     %[[SUM:.*]] = "astra.constant"() {value = dense<[-128, 3]> : tensor<2xi8>}
// CHECK-DAG:     %[[QUOTIENT:.*]] = "astra.constant"() {value = dense<[-1, 2]> : tensor<2xi8>}
// CHECK:         return %[[SUM]], %[[QUOTIENT]]
func.func @wrapping() -> (tensor<2xi8>, tensor<2xi8>) {
  %a = "astra.constant"() {value = dense<[127, 2]> : tensor<2xi8>} : () -> tensor<2xi8>
  %b = "astra.constant"() {value = dense<1> : tensor<2xi8>} : () -> tensor<2xi8>
  %c = "astra.constant"() {value = dense<[0, 1]> : tensor<2xi8>} : () -> tensor<2xi8>
  %0 = "astra.add"(%a, %b) : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  %1 = "astra.divide"(%a, %c) : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return %0, %1 : tensor<2xi8>, tensor<2xi8>
}

// CHECK-LABEL: func.func @splat
// CHECK-NEXT:    "astra.constant"() {value = dense<2.000000e+00> : tensor<1000x1000xf32>}
// CHECK-NEXT:    return
func.func @splat() -> tensor<1000x1000xf32> {
  %a = "astra.constant"() {value = dense<4.0> : tensor<f32>} : () -> tensor<f32>
  %b = "astra.broadcast"(%a) {dimensions = array<i64>} : (tensor<f32>) -> tensor<1000x1000xf32>
  %c = "astra.sqrt"(%b) : (tensor<1000x1000xf32>) -> tensor<1000x1000xf32>
  return %c : tensor<1000x1000xf32>
}

// Rounded to the element type once an operation: 256 + 1 is 256 in bf16.
// CHECK-LABEL: func.func @narrow
// CHECK-NEXT:    "astra.constant"() {value = dense<2.560000e+02> : tensor<bf16>}
func.func @narrow() -> tensor<bf16> {
  %a = "astra.constant"() {value = dense<256.0> : tensor<bf16>} : () -> tensor<bf16>
  %b = "astra.constant"() {value = dense<1.0> : tensor<bf16>} : () -> tensor<bf16>
  %0 = "astra.add"(%a, %b) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
  return %0 : tensor<bf16>
}

// What StableHLO leaves open is not decided here: 3e9 is no i32.
// CHECK-LABEL: func.func @out_of_range
// CHECK:         "astra.convert"
func.func @out_of_range() -> tensor<i32> {
  %a = "astra.constant"() {value = dense<3.0e9> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.convert"(%a) : (tensor<f32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// The wrapping of a negative index, where it cannot be negative.
// CHECK-LABEL: func.func @index
// CHECK-NEXT:    %[[I:.*]] = "astra.iota"
// CHECK-NEXT:    return %[[I]]
func.func @index() -> tensor<8xi32> {
  %i = "astra.iota"() {dimension = 0 : i64} : () -> tensor<8xi32>
  %zero = "astra.constant"() {value = dense<0> : tensor<8xi32>} : () -> tensor<8xi32>
  %n = "astra.constant"() {value = dense<8> : tensor<8xi32>} : () -> tensor<8xi32>
  %negative = "astra.compare"(%i, %zero) {direction = "LT", compare_type = "SIGNED"}
      : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %wrapped = "astra.add"(%i, %n) : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
  %0 = "astra.select"(%negative, %wrapped, %i) : (tensor<8xi1>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
  return %0 : tensor<8xi32>
}
