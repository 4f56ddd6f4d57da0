// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @if(
// CHECK: "astra.if"(%arg0) ({
// CHECK: }) : (tensor<i1>) -> tensor<f32>
func.func @if(%predicate: tensor<i1>) {
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%a) : (tensor<f32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @while(
// CHECK: "astra.while"(%arg0) ({
// CHECK: }) : (tensor<i32>) -> tensor<i32>
func.func @while(%init: tensor<i32>) {
  %result = "astra.while"(%init) ({
  ^condition(%i: tensor<i32>):
    %limit = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
    %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%less) : (tensor<i1>) -> ()
  }, {
  ^body(%i: tensor<i32>):
    %next = "astra.add"(%i, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%next) : (tensor<i32>) -> ()
  }) : (tensor<i32>) -> tensor<i32>
  return
}

// CHECK-LABEL: func.func @scan(
// CHECK: "astra.scan"(%arg0, %arg1) ({
// CHECK: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
func.func @scan(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

// CHECK-LABEL: func.func @yield(
// CHECK: "astra.if"(%arg0) ({
// CHECK: }) : (tensor<i1>) -> tensor<i32>
func.func @yield(%predicate: tensor<i1>) {
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
    "astra.yield"(%a) : (tensor<i32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
    "astra.yield"(%b) : (tensor<i32>) -> ()
  }) : (tensor<i1>) -> tensor<i32>
  return
}

// CHECK-LABEL: func.func @fori_loop(
// CHECK: "astra.scan"(%arg0) ({
// CHECK: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<f32>) -> tensor<f32>
func.func @fori_loop(%a: tensor<f32>) {
  %r = "astra.scan"(%a) ({
  ^bb0(%i: tensor<i64>, %c: tensor<f32>):
    %n = "astra.add"(%c, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%n) : (tensor<f32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<f32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @map(
// CHECK: "astra.scan"(%arg0) ({
// CHECK: }) {num_carries = 0 : i64, reverse = true, trip_count = 10 : i64} : (tensor<10x4xf32>) -> tensor<10x4xf32>
func.func @map(%x: tensor<10x4xf32>) {
  %r = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %c: tensor<4xf32>):
    %n = "astra.sine"(%c) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%n) : (tensor<4xf32>) -> ()
  }) {num_carries = 0 : i64, reverse = true, trip_count = 10 : i64} : (tensor<10x4xf32>) -> tensor<10x4xf32>
  return
}

// CHECK-LABEL: func.func @no_results(
// CHECK: "astra.if"(%arg0) ({
// CHECK: }) : (tensor<i1>) -> ()
func.func @no_results(%p: tensor<i1>) {
  "astra.if"(%p) ({
    "astra.yield"() : () -> ()
  }, {
    "astra.yield"() : () -> ()
  }) : (tensor<i1>) -> ()
  return
}
