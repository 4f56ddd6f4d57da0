// Half of tanh + 1 is the logistic function.
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
