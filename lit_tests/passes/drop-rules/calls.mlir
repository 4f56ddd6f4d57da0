// Calls with rules become calls of what they compute; the functions of the rules go.
// RUN: %astra-opt %s --astra-drop-rules | %filecheck %s
// RUN: %astra-opt %s --astra-drop-rules --astra-inline | %filecheck %s --check-prefix=INLINED

// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    %[[A:.*]] = call @f(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[B:.*]] = call @g(%[[A]]) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[C:.*]] = call @f(%[[B]]) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[D:.*]] = call @g(%[[C]]) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    return %[[D]] : tensor<4xf32>
// INLINED-LABEL: func.func @main(
// INLINED-NEXT:    %[[A:.*]] = "astra.sine"(%arg0)
// INLINED-NEXT:    %[[B:.*]] = "astra.sine"(%[[A]])
// INLINED-NEXT:    %[[C:.*]] = "astra.sine"(%[[B]])
// INLINED-NEXT:    %[[D:.*]] = "astra.sine"(%[[C]])
// INLINED-NEXT:    return %[[D]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.stop_gradient"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.custom_vjp"(%1) {callee = @g, forward = @g_fwd, backward = @g_bwd} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.custom_vmap"(%2) {callee = @f, rule = "f 0"} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "astra.checkpoint"(%3) {callee = @g} : (tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// A solve is a call of the solver, with its constants and the right-hand side.
// CHECK-LABEL: func.func @linear_solve(
// CHECK-NEXT:    %[[X:.*]] = call @divide(%arg1, %arg2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @linear_solve(%a: tensor<4xf32>, %b: tensor<4xf32>, %right: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.linear_solve"(%a, %b, %right) {matvec = @multiply, solve = @divide, const_counts = array<i64: 1, 0, 1, 0>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Rules in regions are dropped as well.
// CHECK-LABEL: func.func @region(
// CHECK-NEXT:    "astra.if"
// CHECK-NEXT:      call @f(%arg1)
func.func @region(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.if"(%p) ({
    %1 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%1) : (tensor<4xf32>) -> ()
  }, {
    "astra.yield"(%x) : (tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK: func.func private @f(
// CHECK: func.func private @g(
// CHECK-NOT: @f_jvp
// CHECK-NOT: @g_fwd
// CHECK: func.func private @divide(
// INLINED-NOT: private
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f_jvp(%x: tensor<4xf32>, %dx: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %dx : tensor<4xf32>, tensor<4xf32>
}
func.func private @g_fwd(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}
func.func private @g_bwd(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  return %c : tensor<4xf32>
}
func.func private @multiply(%a: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.multiply"(%a, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @divide(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.divide"(%b, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
