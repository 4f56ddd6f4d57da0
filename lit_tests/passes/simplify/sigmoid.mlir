// Half of tanh + 1 is the logistic function, and so is the derivative of softplus.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @half
// CHECK-SAME: (%[[U:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[TWICE:.*]] = "astra.add"(%[[U]], %[[U]])
// CHECK-NEXT: %[[R:.*]] = "astra.logistic"(%[[TWICE]])
// CHECK-NEXT: return %[[R]]
func.func @half(%u: tensor<8xf32>) -> tensor<8xf32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %half = "astra.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.tanh"(%u) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.add"(%one, %0) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.multiply"(%half, %1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}

// CHECK-LABEL: func.func @gelu
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>, %[[U:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[TWICE:.*]] = "astra.add"(%[[U]], %[[U]])
// CHECK-NEXT: %[[S:.*]] = "astra.logistic"(%[[TWICE]])
// CHECK-NEXT: %[[R:.*]] = "astra.multiply"(%[[X]], %[[S]])
// CHECK-NEXT: return %[[R]]
func.func @gelu(%x: tensor<8xf32>, %u: tensor<8xf32>) -> tensor<8xf32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %half = "astra.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "astra.multiply"(%x, %half) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %0 = "astra.tanh"(%u) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.add"(%0, %one) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.multiply"(%y, %1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}

// What a gradient needs besides is computed once.
// CHECK-LABEL: func.func @kept
// CHECK: astra.tanh
// CHECK-NOT: astra.logistic
// CHECK: return
func.func @kept(%u: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %one = "astra.constant"() {value = dense<1.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %half = "astra.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.tanh"(%u) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.add"(%0, %one) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.multiply"(%1, %half) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %2, %0 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @softplus
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[R:.*]] = "astra.logistic"(%[[X]])
// CHECK-NEXT: return %[[R]]
func.func @softplus(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %infinity = "astra.constant"() {value = dense<0x7F800000> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.maximum"(%x, %zero) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.subtract"(%zero, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.compare"(%1, %1) {compare_type = "FLOAT", direction = "NE"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %3 = "astra.abs"(%1) : (tensor<8xf32>) -> tensor<8xf32>
  %4 = "astra.negate"(%3) : (tensor<8xf32>) -> tensor<8xf32>
  %5 = "astra.exponential"(%4) : (tensor<8xf32>) -> tensor<8xf32>
  %6 = "astra.log_plus_one"(%5) : (tensor<8xf32>) -> tensor<8xf32>
  %7 = "astra.add"(%0, %6) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %8 = "astra.select"(%2, %x, %7) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %9 = "astra.compare"(%8, %infinity) {compare_type = "FLOAT", direction = "EQ"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %10 = "astra.select"(%9, %zero, %8) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %11 = "astra.compare"(%x, %infinity) {compare_type = "FLOAT", direction = "EQ"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %12 = "astra.select"(%11, %zero, %x) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %13 = "astra.subtract"(%12, %10) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %14 = "astra.exponential"(%13) : (tensor<8xf32>) -> tensor<8xf32>
  return %14 : tensor<8xf32>
}

// Another constant is replaced than infinity: this is no derivative of softplus.
// CHECK-LABEL: func.func @clipped
// CHECK-NOT: astra.logistic
// CHECK: return
func.func @clipped(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %infinity = "astra.constant"() {value = dense<7.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %0 = "astra.maximum"(%x, %zero) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = "astra.subtract"(%zero, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = "astra.compare"(%1, %1) {compare_type = "FLOAT", direction = "NE"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %3 = "astra.abs"(%1) : (tensor<8xf32>) -> tensor<8xf32>
  %4 = "astra.negate"(%3) : (tensor<8xf32>) -> tensor<8xf32>
  %5 = "astra.exponential"(%4) : (tensor<8xf32>) -> tensor<8xf32>
  %6 = "astra.log_plus_one"(%5) : (tensor<8xf32>) -> tensor<8xf32>
  %7 = "astra.add"(%0, %6) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %8 = "astra.select"(%2, %x, %7) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %9 = "astra.compare"(%8, %infinity) {compare_type = "FLOAT", direction = "EQ"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %10 = "astra.select"(%9, %zero, %8) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %11 = "astra.compare"(%x, %infinity) {compare_type = "FLOAT", direction = "EQ"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %12 = "astra.select"(%11, %zero, %x) : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %13 = "astra.subtract"(%12, %10) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %14 = "astra.exponential"(%13) : (tensor<8xf32>) -> tensor<8xf32>
  return %14 : tensor<8xf32>
}
