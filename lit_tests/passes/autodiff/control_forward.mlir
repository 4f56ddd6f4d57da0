// Forward mode of control flow: tangents are carried, read, stacked and given beside the values.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// Both branches give the tangent; a branch whose value does not vary gives zeros.
// CHECK-LABEL: func.func @if
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<4xf32>}
// CHECK-NEXT: %[[V1:.*]]:2 = "astra.if"(%arg0) ({
// CHECK-NEXT:   %[[V2:.*]] = "astra.exponential"(%arg1)
// CHECK-NEXT:   %[[V3:.*]] = "astra.multiply"(%arg2, %[[V2]])
// CHECK-NEXT:   "astra.yield"(%[[V2]], %[[V3]])
// CHECK-NEXT: }, {
// CHECK-NEXT:   %[[V2:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK-NEXT:   "astra.yield"(%[[V0]], %[[V2]])
// CHECK-NEXT: }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT: return %[[V1]]#0, %[[V1]]#1 : tensor<4xf32>, tensor<4xf32>
func.func @if(%p: tensor<i1>, %x: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = "astra.jvp"(%p, %x, %t) {callee = @choice, argnums = array<i64: 1>}
      : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @choice(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %one = "astra.constant"() {value = dense<1.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "astra.if"(%p) ({
    %1 = "astra.exponential"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%1) : (tensor<4xf32>) -> ()
  }, {
    "astra.yield"(%one) : (tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The carry varies because of what is read, so that its first tangent is zero; a counter and an integer input stay.
// CHECK-LABEL: func.func @scan
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]]:3 = "astra.scan"(%arg0, %[[V0]], %arg1, %arg2, %arg3) ({
// CHECK-NEXT: ^bb0(%[[V2:.*]]: tensor<i32>, %[[V3:.*]]: tensor<f32>, %[[V4:.*]]: tensor<f32>, %[[V5:.*]]: tensor<f32>, %[[V6:.*]]: tensor<i32>, %[[V7:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V8:.*]] = "astra.convert"(%[[V6]])
// CHECK-NEXT:   %[[V9:.*]] = "astra.multiply"(%[[V5]], %[[V8]])
// CHECK-NEXT:   %[[V10:.*]] = "astra.multiply"(%[[V7]], %[[V8]])
// CHECK-NEXT:   %[[V11:.*]] = "astra.add"(%[[V3]], %[[V9]])
// CHECK-NEXT:   %[[V12:.*]] = "astra.add"(%[[V4]], %[[V10]])
// CHECK-NEXT:   %[[V13:.*]] = "astra.cosine"(%[[V11]])
// CHECK-NEXT:   %[[V14:.*]] = "astra.multiply"(%[[V12]], %[[V13]])
// CHECK-NEXT:   "astra.yield"(%[[V11]], %[[V12]], %[[V14]])
// CHECK-NEXT: }) {num_carries = 2 : i64, reverse = false, trip_count = 5 : i64} : (tensor<f32>, tensor<f32>, tensor<5xf32>, tensor<5xi32>, tensor<5xf32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
// CHECK-NEXT: return %[[V1]]#1, %[[V1]]#2 : tensor<f32>, tensor<5xf32>
func.func @scan(%c: tensor<f32>, %xs: tensor<5xf32>, %ns: tensor<5xi32>, %t: tensor<5xf32>)
    -> (tensor<f32>, tensor<5xf32>) {
  %0:4 = "astra.jvp"(%c, %xs, %ns, %t) {callee = @sums, argnums = array<i64: 1>}
      : (tensor<f32>, tensor<5xf32>, tensor<5xi32>, tensor<5xf32>)
      -> (tensor<f32>, tensor<5xf32>, tensor<f32>, tensor<5xf32>)
  return %0#2, %0#3 : tensor<f32>, tensor<5xf32>
}
func.func private @sums(%c: tensor<f32>, %xs: tensor<5xf32>, %ns: tensor<5xi32>) -> (tensor<f32>, tensor<5xf32>) {
  %0:2 = "astra.scan"(%c, %xs, %ns) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<f32>, %x: tensor<f32>, %n: tensor<i32>):
    %m = "astra.convert"(%n) : (tensor<i32>) -> tensor<f32>
    %1 = "astra.multiply"(%x, %m) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.add"(%carry, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %3 = "astra.sine"(%2) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%2, %3) : (tensor<f32>, tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 5 : i64}
      : (tensor<f32>, tensor<5xf32>, tensor<5xi32>) -> (tensor<f32>, tensor<5xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<5xf32>
}

// A value from outside varies: its tangent is used in the body as the value is. A carry that it does not reach has none.
// CHECK-LABEL: func.func @captured
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]]:2 = "astra.scan"(%arg1, %[[V0]]) ({
// CHECK-NEXT: ^bb0(%[[V2:.*]]: tensor<i32>, %[[V3:.*]]: tensor<f32>, %[[V4:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V5:.*]] = "astra.multiply"(%[[V3]], %arg0)
// CHECK-NEXT:   %[[V6:.*]] = "astra.multiply"(%[[V4]], %arg0)
// CHECK-NEXT:   %[[V7:.*]] = "astra.multiply"(%arg2, %[[V3]])
// CHECK-NEXT:   %[[V8:.*]] = "astra.add"(%[[V6]], %[[V7]])
// CHECK-NEXT:   "astra.yield"(%[[V5]], %[[V8]])
// CHECK-NEXT: }) {num_carries = 2 : i64, reverse = true, trip_count = 3 : i64} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
// CHECK-NEXT: return %[[V1]]#1, %[[V0]] : tensor<f32>, tensor<f32>
func.func @captured(%w: tensor<f32>, %c: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:4 = "astra.jvp"(%w, %c, %t) {callee = @powers, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
  return %0#2, %0#3 : tensor<f32>, tensor<f32>
}
func.func private @powers(%w: tensor<f32>, %c: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:2 = "astra.scan"(%c, %c) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>, %b: tensor<f32>):
    %1 = "astra.multiply"(%a, %w) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.sine"(%b) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%1, %2) : (tensor<f32>, tensor<f32>) -> ()
  }) {num_carries = 2 : i64, reverse = true, trip_count = 3 : i64} : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}

// The condition ignores tangents.
// CHECK-LABEL: func.func @while
// CHECK-NEXT: %[[V0:.*]]:2 = "astra.while"(%arg0, %arg2) ({
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<f32>, %[[V2:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.compare"(%[[V1]], %arg1) {compare_type = "FLOAT", direction = "LT"}
// CHECK-NEXT:   "astra.yield"(%[[V3]])
// CHECK-NEXT: }, {
// CHECK-NEXT: ^bb0(%[[V1:.*]]: tensor<f32>, %[[V2:.*]]: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.multiply"(%[[V1]], %[[V1]])
// CHECK-NEXT:   %[[V4:.*]] = "astra.multiply"(%[[V2]], %[[V1]])
// CHECK-NEXT:   %[[V5:.*]] = "astra.add"(%[[V4]], %[[V4]])
// CHECK-NEXT:   "astra.yield"(%[[V3]], %[[V5]])
// CHECK-NEXT: }) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
// CHECK-NEXT: return %[[V0]]#1 : tensor<f32>
func.func @while(%x: tensor<f32>, %limit: tensor<f32>, %t: tensor<f32>) -> tensor<f32> {
  %0:2 = "astra.jvp"(%x, %limit, %t) {callee = @squares, argnums = array<i64: 0>}
      : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
func.func private @squares(%x: tensor<f32>, %limit: tensor<f32>) -> tensor<f32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %0:2 = "astra.while"(%zero, %x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %more = "astra.compare"(%a, %limit) {compare_type = "FLOAT", direction = "LT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %b = "astra.multiply"(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%j, %b) : (tensor<i32>, tensor<f32>) -> ()
  }) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
