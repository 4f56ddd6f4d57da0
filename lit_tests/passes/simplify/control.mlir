// Branches and loops whose course is known, carries that do nothing, and work that need not be in the loop.
// RUN: %astra-opt %s --astra-simplify | %filecheck %s

// CHECK-LABEL: func.func @branches
// CHECK-NEXT:    %[[A:.*]] = "astra.add"(%arg1, %arg1)
// CHECK-NEXT:    %[[I:.*]] = "astra.if"(%arg0) ({
// CHECK-NEXT:      "astra.yield"(%[[A]])
// CHECK-NEXT:    }, {
// CHECK-NEXT:      "astra.yield"(%arg1)
// CHECK-NEXT:    }) : (tensor<i1>) -> tensor<f32>
// CHECK-NEXT:    return %[[A]], %[[I]], %arg1
func.func @branches(%p: tensor<i1>, %x: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %true = "astra.constant"() {value = dense<true> : tensor<i1>} : () -> tensor<i1>
  %0 = "astra.if"(%true) ({
    %2 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2) : (tensor<f32>) -> ()
  }, {
    "astra.yield"(%x) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  %1:3 = "astra.if"(%p) ({
    %2 = "astra.sine"(%x) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%0, %x, %2) : (tensor<f32>, tensor<f32>, tensor<f32>) -> ()
  }, {
    "astra.yield"(%x, %x, %x) : (tensor<f32>, tensor<f32>, tensor<f32>) -> ()
  }) : (tensor<i1>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %0, %1#0, %1#1 : tensor<f32>, tensor<f32>, tensor<f32>
}

// A carry that never changes, one that nothing depends on, and a product of unchanging values.
// CHECK-LABEL: func.func @carries
// CHECK-NEXT:    %[[E:.*]] = "astra.exponential"(%arg1)
// CHECK-NEXT:    %[[W:.*]] = "astra.while"(%arg0) ({
// CHECK-NEXT:    ^bb0(%[[C:.*]]: tensor<f32>):
// CHECK-NEXT:      "astra.compare"(%[[C]], %arg2)
// CHECK:           %[[N:.*]] = "astra.add"(%{{.*}}, %[[E]])
// CHECK-NEXT:      "astra.yield"(%[[N]])
// CHECK:         return %[[W]], %arg1
func.func @carries(%x: tensor<f32>, %y: tensor<f32>, %limit: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0:3 = "astra.while"(%x, %y, %x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>):
    %1 = "astra.compare"(%a, %limit) {direction = "LT", compare_type = "FLOAT"}
        : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>):
    %1 = "astra.exponential"(%b) : (tensor<f32>) -> tensor<f32>
    %2 = "astra.add"(%a, %1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %3 = "astra.multiply"(%c, %2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%2, %b, %3) : (tensor<f32>, tensor<f32>, tensor<f32>) -> ()
  }) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}

// A scan over a broadcast reads the one value; a result equal in all iterations is a broadcast; a broadcast stays
// in the loop that uses it, where it takes no memory.
// CHECK-LABEL: func.func @scan
// CHECK-NEXT:    %[[Y:.*]] = "astra.broadcast"(%arg1) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT:    %[[S:.*]] = "astra.scan"(%arg0) ({
// CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[N:.*]] = "astra.add"(%[[C]], %arg1)
// CHECK-NEXT:      %[[B:.*]] = "astra.broadcast"(%arg2)
// CHECK-NEXT:      %[[M:.*]] = "astra.multiply"(%[[N]], %[[B]])
// CHECK-NEXT:      "astra.yield"(%[[M]])
// CHECK-NEXT:    })
// CHECK-NEXT:    return %[[S]], %[[Y]]
func.func @scan(%c: tensor<4xf32>, %x: tensor<4xf32>, %s: tensor<f32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %xs = "astra.broadcast"(%x) {dimensions = array<i64: 1>} : (tensor<4xf32>) -> tensor<5x4xf32>
  %0:2 = "astra.scan"(%c, %xs) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>, %row: tensor<4xf32>):
    %1 = "astra.add"(%carry, %row) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %2 = "astra.broadcast"(%s) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
    %3 = "astra.multiply"(%1, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%3, %x) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 5 : i64, num_carries = 1 : i64, reverse = false}
    : (tensor<4xf32>, tensor<5x4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<5x4xf32>
}

// A call with a side effect stays in the loop, and the loop with it.
// CHECK-LABEL: func.func @effect
// CHECK:         "astra.scan"
// CHECK:           "astra.custom_call"
func.func @effect(%x: tensor<f32>) {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<f32>):
    "astra.custom_call"(%carry) {call_target_name = "print", has_side_effect = true} : (tensor<f32>) -> ()
    %1 = "astra.add"(%carry, %carry) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }) {trip_count = 5 : i64, num_carries = 1 : i64, reverse = false} : (tensor<f32>) -> tensor<f32>
  return
}

// A carry that takes over one that never changes never changes either, and so on.
// CHECK-LABEL: func.func @following
// CHECK-NEXT:    return %arg0, %arg0, %arg0
func.func @following(%x: tensor<f32>, %limit: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %0:3 = "astra.while"(%x, %x, %x) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>):
    %1 = "astra.compare"(%a, %limit) {direction = "LT", compare_type = "FLOAT"}
        : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>):
    "astra.yield"(%c, %b, %b) : (tensor<f32>, tensor<f32>, tensor<f32>) -> ()
  }) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %0#0, %0#1, %0#2 : tensor<f32>, tensor<f32>, tensor<f32>
}
