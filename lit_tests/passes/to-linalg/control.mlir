// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @if
// CHECK: %[[P:.*]] = tensor.extract %arg0[] : tensor<i1>
// CHECK: %[[R:.*]]:2 = scf.if %[[P]] -> (f32, tensor<4xf32>) {
// CHECK: scf.yield %{{.*}}, %{{.*}} : f32, tensor<4xf32>
// CHECK: } else {
func.func @if(%p: tensor<i1>, %x: tensor<f32>, %y: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>) {
  %0:2 = "astra.if"(%p) ({
    %1 = "astra.negate"(%y) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%x, %1) : (tensor<f32>, tensor<4xf32>) -> ()
  }, {
    %1 = "astra.negate"(%x) : (tensor<f32>) -> tensor<f32>
    "astra.yield"(%1, %y) : (tensor<f32>, tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> (tensor<f32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @while
// CHECK: scf.while (%[[I:.*]] = %{{.*}}, %[[V:.*]] = %arg1) : (i32, tensor<4xf32>) -> (i32, tensor<4xf32>) {
// CHECK: %[[C:.*]] = arith.cmpi slt, %[[I]], %{{.*}} : i32
// CHECK: scf.condition(%[[C]]) %[[I]], %[[V]] : i32, tensor<4xf32>
// CHECK: arith.addi
func.func @while(%n: tensor<i32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %z = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %0:2 = "astra.while"(%z, %x) ({
  ^bb0(%i: tensor<i32>, %v: tensor<4xf32>):
    %1 = "astra.compare"(%i, %n) {direction = "LT", compare_type = "SIGNED"} : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%1) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %v: tensor<4xf32>):
    %1 = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %2 = "astra.tanh"(%v) : (tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%1, %2) : (tensor<i32>, tensor<4xf32>) -> ()
  }) : (tensor<i32>, tensor<4xf32>) -> (tensor<i32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}

// Carries, slices of the stacked inputs, and the stacked results as one more carried tensor.
// CHECK-LABEL: func.func @scan
// CHECK: %[[YS:.*]] = tensor.empty() : tensor<5x4xf32>
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %{{.*}}, %[[Y:.*]] = %[[YS]]) -> (f32, tensor<5x4xf32>) {
// CHECK: %[[P:.*]] = arith.subi %{{.*}}, %[[I]] : index
// CHECK: tensor.extract_slice %arg1[%[[P]], 0] [1, 4] [1, 1] : tensor<5x4xf32> to tensor<4xf32>
// CHECK: %[[N:.*]] = tensor.insert_slice %{{.*}} into %[[Y]][%[[P]], 0] [1, 4] [1, 1]
// CHECK: scf.yield %{{.*}}, %[[N]] : f32, tensor<5x4xf32>
func.func @scan(%c: tensor<f32>, %xs: tensor<5x4xf32>) -> (tensor<f32>, tensor<5x4xf32>) {
  %0:2 = "astra.scan"(%c, %xs) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>, %x: tensor<4xf32>):
    %1 = "astra.add"(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = "astra.broadcast"(%a) {dimensions = array<i64>} : (tensor<f32>) -> tensor<4xf32>
    %3 = "astra.multiply"(%x, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%1, %3) : (tensor<f32>, tensor<4xf32>) -> ()
  }) {trip_count = 5, num_carries = 1, reverse = true} : (tensor<f32>, tensor<5x4xf32>) -> (tensor<f32>, tensor<5x4xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<5x4xf32>
}

// CHECK-LABEL: func.func @kernel_call
// CHECK: "astra.kernel_call"(%arg0, %{{.*}}) {{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
func.func @kernel_call(%x: tensor<4xui32>) -> tensor<4xui32> {
  %0 = tensor.empty() : tensor<4xui32>
  %1 = "astra.kernel_call"(%x, %0) {callee = @kernel, num_outs = 1} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  return %1 : tensor<4xui32>
}

func.func private @kernel(%in: memref<4xi32>, %out: memref<4xi32>) {
  return
}
