// Reverse mode of control flow: the forward operation gives residuals beside its results, a second one runs backwards.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// Each branch keeps one value; both lie in one slot. What the other branch's argument gets is zero.
// CHECK-LABEL: func.func @if
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.if"(%arg0) ({
// CHECK-NEXT:   %[[V1:.*]] = "astra.sine"(%arg1)
// CHECK-NEXT:   %[[V2:.*]] = "astra.sine"(%[[V1]])
// CHECK-NEXT:   "astra.yield"(%[[V2]], %[[V1]])
// CHECK-NEXT: }, {
// CHECK-NEXT:   %[[V1:.*]] = "astra.log_plus_one"(%arg2)
// CHECK-NEXT:   %[[V2:.*]] = "astra.cosine"(%[[V1]])
// CHECK-NEXT:   "astra.yield"(%[[V2]], %[[V1]])
// CHECK-NEXT: }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT: %[[V3:.*]]:2 = "astra.if"(%arg0) ({
// CHECK-NEXT:   %[[V1:.*]] = "astra.cosine"(%[[V0]]#1)
// CHECK-NEXT:   %[[V2:.*]] = "astra.multiply"(%arg3, %[[V1]])
// CHECK-NEXT:   %[[V4:.*]] = "astra.cosine"(%arg1)
// CHECK-NEXT:   %[[V5:.*]] = "astra.multiply"(%[[V2]], %[[V4]])
// CHECK-NEXT:   %[[V6:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT:   "astra.yield"(%[[V5]], %[[V6]])
// CHECK-NEXT: }, {
// CHECK-NEXT:   %[[V1:.*]] = "astra.sine"(%[[V0]]#1)
// CHECK-NEXT:   %[[V2:.*]] = "astra.multiply"(%arg3, %[[V1]])
// CHECK-NEXT:   %[[V4:.*]] = "astra.negate"(%[[V2]])
// CHECK-NEXT:   %[[V5:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT:   %[[V6:.*]] = "astra.add"(%arg2, %[[V5]])
// CHECK-NEXT:   %[[V7:.*]] = "astra.divide"(%[[V4]], %[[V6]])
// CHECK-NEXT:   %[[V8:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT:   "astra.yield"(%[[V8]], %[[V7]])
// CHECK-NEXT: }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT: return %[[V0]]#0, %[[V3]]#0, %[[V3]]#1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
func.func @if(%p: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "astra.vjp"(%p, %x, %y, %c) {callee = @choice, argnums = array<i64: 1, 2>}
      : (tensor<i1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @choice(%p: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.if"(%p) ({
    %1 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = "astra.sine"(%1) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%2) : (tensor<4xf32>) -> ()
  }, {
    %1 = "astra.log_plus_one"(%y) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = "astra.cosine"(%1) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%2) : (tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// h' = tanh(h w + x): the reverse scan runs the other way, reads the stacked h and tanh, sums up the cotangent of w and
// stacks that of x. The sum in tanh's argument and 1 - tanh are not kept.
// CHECK-LABEL: func.func @scan
// CHECK-NEXT: %[[V0:.*]]:3 = "astra.scan"(%arg0, %arg2) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V3:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V4:.*]] = "astra.multiply"(%[[V2]], %arg1)
// CHECK-NEXT:   %[[V5:.*]] = "astra.add"(%[[V4]], %[[V3]])
// CHECK-NEXT:   %[[V6:.*]] = "astra.tanh"(%[[V5]])
// CHECK-NEXT:   "astra.yield"(%[[V6]], %[[V2]], %[[V6]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = false, trip_count = 5 : i64} : (tensor<f32>, tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>, tensor<5xf32>)
// CHECK-NEXT: %[[V7:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V8:.*]]:3 = "astra.scan"(%arg3, %[[V7]], %[[V0]]#1, %[[V0]]#2) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V3:.*]]: tensor<f32>, %[[V9:.*]]: tensor<f32>, %[[V10:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V4:.*]] = "astra.multiply"(%[[V2]], %[[V10]])
// CHECK-NEXT:   %[[V5:.*]] = "astra.add"(%[[V2]], %[[V4]])
// CHECK-NEXT:   %[[V6:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT:   %[[V11:.*]] = "astra.subtract"(%[[V6]], %[[V10]])
// CHECK-NEXT:   %[[V12:.*]] = "astra.multiply"(%[[V5]], %[[V11]])
// CHECK-NEXT:   %[[V13:.*]] = "astra.multiply"(%[[V12]], %arg1)
// CHECK-NEXT:   %[[V14:.*]] = "astra.multiply"(%[[V12]], %[[V9]])
// CHECK-NEXT:   %[[V15:.*]] = "astra.add"(%[[V3]], %[[V14]])
// CHECK-NEXT:   "astra.yield"(%[[V13]], %[[V15]], %[[V12]])
// CHECK-NEXT: }) {num_carries = 2 : i64, reverse = true, trip_count = 5 : i64} : (tensor<f32>, tensor<f32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
// CHECK-NEXT: return %[[V8]]#0, %[[V8]]#1, %[[V8]]#2 : tensor<f32>, tensor<f32>, tensor<5xf32>
func.func @scan(%h: tensor<f32>, %w: tensor<f32>, %xs: tensor<5xf32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>) {
  %0:4 = "astra.vjp"(%h, %w, %xs, %c) {callee = @recurrence, argnums = array<i64: 0, 1, 2>}
      : (tensor<f32>, tensor<f32>, tensor<5xf32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<5xf32>)
  return %0#1, %0#2, %0#3 : tensor<f32>, tensor<f32>, tensor<5xf32>
}
func.func private @recurrence(%h: tensor<f32>, %w: tensor<f32>, %xs: tensor<5xf32>) -> tensor<f32> {
  %0 = "astra.scan"(%h, %xs) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<f32>, %x: tensor<f32>):
    %1 = "astra.multiply"(%carry, %w) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.add"(%1, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %3 = "astra.tanh"(%2) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%3) : (tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 5 : i64} : (tensor<f32>, tensor<5xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// What depends on inputs and the counter alone is computed again: nothing is stacked. The counter runs backwards.
// CHECK-LABEL: func.func @recomputed
// CHECK-NEXT: %[[V0:.*]] = "astra.scan"(%arg2, %arg3, %arg1) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V3:.*]]: tensor<f32>, %[[V4:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V5:.*]] = "astra.constant"() {value = dense<4> : tensor<i32>}
// CHECK-NEXT:   %[[V6:.*]] = "astra.subtract"(%[[V5]], %[[V1]])
// CHECK-NEXT:   %[[V7:.*]] = "astra.convert"(%[[V6]])
// CHECK-NEXT:   %[[V8:.*]] = "astra.multiply"(%[[V4]], %[[V7]])
// CHECK-NEXT:   %[[V9:.*]] = "astra.multiply"(%[[V2]], %[[V8]])
// CHECK-NEXT:   %[[V10:.*]] = "astra.add"(%[[V3]], %[[V9]])
// CHECK-NEXT:   "astra.yield"(%[[V10]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = true, trip_count = 5 : i64} : (tensor<f32>, tensor<5xf32>, tensor<5xf32>) -> tensor<f32>
// CHECK-NEXT: return %[[V0]] : tensor<f32>
func.func @recomputed(%h: tensor<f32>, %xs: tensor<5xf32>, %c: tensor<f32>, %d: tensor<5xf32>) -> tensor<f32> {
  %0:3 = "astra.vjp"(%h, %xs, %c, %d) {callee = @weighted, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<5xf32>, tensor<f32>, tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>, tensor<f32>)
  return %0#2 : tensor<f32>
}
func.func private @weighted(%h: tensor<f32>, %xs: tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>) {
  %0:2 = "astra.scan"(%h, %xs) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<f32>, %x: tensor<f32>):
    %1 = "astra.convert"(%i) : (tensor<i32>) -> tensor<f32>
    %2 = "astra.multiply"(%x, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %3 = "astra.multiply"(%carry, %2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%3, %carry) : (tensor<f32>, tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 5 : i64} : (tensor<f32>, tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<5xf32>
}

// Nested: what the inner scan stacks is stacked once more by the outer one.
// CHECK-LABEL: func.func @nested
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.scan"(%arg0) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]]:2 = "astra.scan"(%[[V2]], %arg1) ({
// CHECK-NEXT:   ^bb0(%[[V4:.*]]: tensor<i32>, %[[V5:.*]]: tensor<f32>, %[[V6:.*]]: tensor<f32>):
// CHECK-NEXT:     %[[V7:.*]] = "astra.sine"(%[[V5]])
// CHECK-NEXT:     %[[V8:.*]] = "astra.multiply"(%[[V7]], %[[V6]])
// CHECK-NEXT:     "astra.yield"(%[[V8]], %[[V5]])
// CHECK-NEXT:   }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
// CHECK-NEXT:   "astra.yield"(%[[V3]]#0, %[[V3]]#1)
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = false, trip_count = 4 : i64} : (tensor<f32>) -> (tensor<f32>, tensor<4x3xf32>)
// CHECK-NEXT: %[[V9:.*]] = "astra.scan"(%arg2, %[[V0]]#1) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<i32>, %[[V2:.*]]: tensor<f32>, %[[V4:.*]]: tensor<3xf32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.scan"(%[[V2]], %arg1, %[[V4]]) ({
// CHECK-NEXT:   ^bb0(%[[V5:.*]]: tensor<i32>, %[[V6:.*]]: tensor<f32>, %[[V10:.*]]: tensor<f32>, %[[V11:.*]]: tensor<f32>):
// CHECK-NEXT:     %[[V7:.*]] = "astra.multiply"(%[[V6]], %[[V10]])
// CHECK-NEXT:     %[[V8:.*]] = "astra.cosine"(%[[V11]])
// CHECK-NEXT:     %[[V12:.*]] = "astra.multiply"(%[[V7]], %[[V8]])
// CHECK-NEXT:     "astra.yield"(%[[V12]])
// CHECK-NEXT:   }) {num_carries = 1 : i64, reverse = true, trip_count = 3 : i64} : (tensor<f32>, tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
// CHECK-NEXT:   "astra.yield"(%[[V3]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = true, trip_count = 4 : i64} : (tensor<f32>, tensor<4x3xf32>) -> tensor<f32>
// CHECK-NEXT: return %[[V9]] : tensor<f32>
func.func @nested(%h: tensor<f32>, %xs: tensor<3xf32>, %c: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.vjp"(%h, %xs, %c) {callee = @two_loops, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<3xf32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @two_loops(%h: tensor<f32>, %xs: tensor<3xf32>) -> tensor<f32> {
  %0 = "astra.scan"(%h) ({
  ^bb0(%i: tensor<i32>, %outer: tensor<f32>):
    %1 = "astra.scan"(%outer, %xs) ({
    ^bb0(%j: tensor<i32>, %inner: tensor<f32>, %x: tensor<f32>):
      %2 = "astra.sine"(%inner) : (tensor<f32>) -> tensor<f32>
      %3 = "astra.multiply"(%2, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "astra.yield"(%3) : (tensor<f32>) -> ()
    }) {num_carries = 1 : i64, reverse = false, trip_count = 3 : i64} : (tensor<f32>, tensor<3xf32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 4 : i64} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
