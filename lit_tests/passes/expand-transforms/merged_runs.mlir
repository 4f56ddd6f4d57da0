// The value of a function and its derivative run its loop, and its branches, once.
// RUN: %astra-opt %s --astra-expand-transforms | %filecheck %s

// One loop forward, with the residual beside the results, one back.
// CHECK-LABEL: func.func @loop
// CHECK:         %[[F:.*]]:3 = "astra.scan"(%arg0)
// CHECK:           %[[T:.*]] = "astra.tanh"
// CHECK:           %[[N:.*]] = "astra.multiply"(%[[T]], %arg0)
// CHECK:           %[[D:.*]] = "astra.add"
// CHECK:           "astra.yield"(%[[N]], %[[D]], %[[T]])
// CHECK:         %[[B:.*]] = "astra.scan"({{.*}}%[[F]]#2)
// CHECK:           reverse = true
// CHECK-NOT:     "astra.scan"
// CHECK:         return %[[F]]#0, %[[F]]#1
func.func @loop(%x: tensor<2xf32>, %c: tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>) {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<3x2xf32>} : () -> tensor<3x2xf32>
  %y:2 = func.call @f(%x) : (tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>)
  %d:3 = "astra.vjp"(%x, %c, %zero) {argnums = array<i64: 0>, callee = @f, zero_cotangents = array<i64: 1>}
      : (tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>)
  return %y#0, %y#1, %d#2 : tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>
}
func.func private @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>) {
  %0:2 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %s: tensor<2xf32>):
    %1 = "astra.tanh"(%s) : (tensor<2xf32>) -> tensor<2xf32>
    %2 = "astra.multiply"(%1, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %3 = "astra.add"(%s, %s) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%2, %3) : (tensor<2xf32>, tensor<2xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<3x2xf32>
}

// Loops that carry different values stay apart.
// CHECK-LABEL: func.func @apart
// CHECK:         "astra.scan"
// CHECK:         "astra.scan"
func.func @apart(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0:2 = "astra.jvp"(%x, %x) {argnums = array<i64: 0>, callee = @doubled} : (tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %1 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %s: tensor<2xf32>):
    %2 = "astra.sine"(%s) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%2) : (tensor<2xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return %0#0, %1 : tensor<2xf32>, tensor<2xf32>
}
func.func private @doubled(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %s: tensor<2xf32>):
    %1 = "astra.cosine"(%s) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%1) : (tensor<2xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Branches of one predicate with a result in common become one.
// CHECK-LABEL: func.func @branches
// CHECK:         %[[I:.*]]:2 = "astra.if"(%arg1)
// CHECK-NOT:     "astra.if"
// CHECK:         %[[P:.*]] = "astra.multiply"(%[[I]]#0, %[[I]]#1)
// CHECK:         return %[[I]]#0, %[[P]]
func.func @branches(%x: tensor<2xf32>, %p: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "astra.if"(%p) ({
    %1 = "astra.sine"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%1) : (tensor<2xf32>) -> ()
  }, {
    %1 = "astra.cosine"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%1) : (tensor<2xf32>) -> ()
  }) : (tensor<i1>) -> tensor<2xf32>
  %2:2 = "astra.if"(%p) ({
    %1 = "astra.sine"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    %3 = "astra.tanh"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%3, %1) : (tensor<2xf32>, tensor<2xf32>) -> ()
  }, {
    %1 = "astra.cosine"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%x, %1) : (tensor<2xf32>, tensor<2xf32>) -> ()
  }) : (tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>)
  %4 = "astra.multiply"(%2#1, %2#0) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %4 : tensor<2xf32>, tensor<2xf32>
}

// A loop that uses what the other gives cannot be merged into it.
// CHECK-LABEL: func.func @between
// CHECK-COUNT-2: "astra.scan"
func.func @between(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>) {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %s: tensor<2xf32>):
    %1 = "astra.sine"(%s) : (tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%1) : (tensor<2xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  %2:2 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %s: tensor<2xf32>):
    %1 = "astra.sine"(%s) : (tensor<2xf32>) -> tensor<2xf32>
    %3 = "astra.multiply"(%s, %0) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    "astra.yield"(%1, %3) : (tensor<2xf32>, tensor<2xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>)
  return %2#0, %2#1 : tensor<2xf32>, tensor<3x2xf32>
}
