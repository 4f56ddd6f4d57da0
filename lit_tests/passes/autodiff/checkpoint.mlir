// astra.checkpoint: reverse mode runs the callee once more, behind a barrier, from the operands. A policy says what may be
// kept of the first run all the same.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// All is computed again: the product, the sines.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: %[[V0:.*]] = "astra.checkpoint"(%arg0) {callee = @f}
// CHECK-NEXT: %[[V1:.*]]:2 = "astra.optimization_barrier"(%arg0, %arg1)
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]]#0, %[[V1]]#0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V3:.*]] = "astra.sine"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.dot_general"(%[[V3]], %[[V1]]#0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64>}
// CHECK-NEXT: %[[V5:.*]] = "astra.sine"(%[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%[[V1]]#1, %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.negate"(%[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.dot_general"(%[[V7]], %[[V1]]#0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V9:.*]] = "astra.dot_general"(%[[V7]], %[[V3]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V10:.*]] = "astra.cosine"(%[[V2]])
// CHECK-NEXT: %[[V11:.*]] = "astra.multiply"(%[[V8]], %[[V10]])
// CHECK-NEXT: %[[V12:.*]] = "astra.dot_general"(%[[V11]], %[[V1]]#0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V13:.*]] = "astra.dot_general"(%[[V1]]#0, %[[V11]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V14:.*]] = "astra.add"(%[[V9]], %[[V12]])
// CHECK-NEXT: %[[V15:.*]] = "astra.add"(%[[V14]], %[[V13]])
// CHECK-NEXT: return %[[V0]], %[[V15]] : tensor<4x4x4xf32>, tensor<4x4xf32>
func.func @nothing(%x: tensor<4x4xf32>, %c: tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @with_nothing, argnums = array<i64: 0>} : (tensor<4x4xf32>, tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>)
  return %0#0, %0#1 : tensor<4x4x4xf32>, tensor<4x4xf32>
}
func.func private @with_nothing(%x: tensor<4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = "astra.checkpoint"(%x) {callee = @f} : (tensor<4x4xf32>) -> tensor<4x4x4xf32>
  return %0 : tensor<4x4x4xf32>
}

// The products stay (one has a batch dimension), the sine is computed again.
// CHECK-LABEL: func.func @dots
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg0, %arg0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]], %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.cosine"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]]:4 = "astra.optimization_barrier"(%arg0, %arg1, %[[V0]], %[[V2]])
// CHECK-NEXT: %[[V5:.*]] = "astra.sine"(%[[V4]]#2)
// CHECK-NEXT: %[[V6:.*]] = "astra.sine"(%[[V4]]#3)
// CHECK-NEXT: %[[V7:.*]] = "astra.multiply"(%[[V4]]#1, %[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.negate"(%[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.dot_general"(%[[V8]], %[[V4]]#0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V10:.*]] = "astra.dot_general"(%[[V8]], %[[V5]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V11:.*]] = "astra.cosine"(%[[V4]]#2)
// CHECK-NEXT: %[[V12:.*]] = "astra.multiply"(%[[V9]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = "astra.dot_general"(%[[V12]], %[[V4]]#0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V14:.*]] = "astra.dot_general"(%[[V4]]#0, %[[V12]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V15:.*]] = "astra.add"(%[[V10]], %[[V13]])
// CHECK-NEXT: %[[V16:.*]] = "astra.add"(%[[V15]], %[[V14]])
// CHECK-NEXT: return %[[V3]], %[[V16]] : tensor<4x4x4xf32>, tensor<4x4xf32>
func.func @dots(%x: tensor<4x4xf32>, %c: tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @with_dots, argnums = array<i64: 0>} : (tensor<4x4xf32>, tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>)
  return %0#0, %0#1 : tensor<4x4x4xf32>, tensor<4x4xf32>
}
func.func private @with_dots(%x: tensor<4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = "astra.checkpoint"(%x) {callee = @f, policy = "dots"} : (tensor<4x4xf32>) -> tensor<4x4x4xf32>
  return %0 : tensor<4x4x4xf32>
}

// Only the product without batch dimensions stays.
// CHECK-LABEL: func.func @no_batch
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg0, %arg0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]], %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.cosine"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]]:3 = "astra.optimization_barrier"(%arg0, %arg1, %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = "astra.sine"(%[[V4]]#2)
// CHECK-NEXT: %[[V6:.*]] = "astra.dot_general"(%[[V5]], %[[V4]]#0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64>}
// CHECK-NEXT: %[[V7:.*]] = "astra.sine"(%[[V6]])
// CHECK-NEXT: %[[V8:.*]] = "astra.multiply"(%[[V4]]#1, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = "astra.negate"(%[[V8]])
// CHECK-NEXT: %[[V10:.*]] = "astra.dot_general"(%[[V9]], %[[V4]]#0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V11:.*]] = "astra.dot_general"(%[[V9]], %[[V5]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V12:.*]] = "astra.cosine"(%[[V4]]#2)
// CHECK-NEXT: %[[V13:.*]] = "astra.multiply"(%[[V10]], %[[V12]])
// CHECK-NEXT: %[[V14:.*]] = "astra.dot_general"(%[[V13]], %[[V4]]#0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V15:.*]] = "astra.dot_general"(%[[V4]]#0, %[[V13]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V16:.*]] = "astra.add"(%[[V11]], %[[V14]])
// CHECK-NEXT: %[[V17:.*]] = "astra.add"(%[[V16]], %[[V15]])
// CHECK-NEXT: return %[[V3]], %[[V17]] : tensor<4x4x4xf32>, tensor<4x4xf32>
func.func @no_batch(%x: tensor<4x4xf32>, %c: tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @with_no_batch, argnums = array<i64: 0>} : (tensor<4x4xf32>, tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>)
  return %0#0, %0#1 : tensor<4x4x4xf32>, tensor<4x4xf32>
}
func.func private @with_no_batch(%x: tensor<4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = "astra.checkpoint"(%x) {callee = @f, policy = "dots_with_no_batch_dims"} : (tensor<4x4xf32>) -> tensor<4x4x4xf32>
  return %0 : tensor<4x4x4xf32>
}

// Nothing is computed again.
// CHECK-LABEL: func.func @everything
// CHECK-NEXT: %[[V0:.*]] = "astra.dot_general"(%arg0, %arg0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V1:.*]] = "astra.sine"(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = "astra.dot_general"(%[[V1]], %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64>}
// CHECK-NEXT: %[[V3:.*]] = "astra.cosine"(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = "astra.sine"(%[[V2]])
// CHECK-NEXT: %[[V5:.*]] = "astra.multiply"(%arg1, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = "astra.negate"(%[[V5]])
// CHECK-NEXT: %[[V7:.*]] = "astra.dot_general"(%[[V6]], %arg0) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V8:.*]] = "astra.dot_general"(%[[V6]], %[[V1]]) {lhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V9:.*]] = "astra.cosine"(%[[V0]])
// CHECK-NEXT: %[[V10:.*]] = "astra.multiply"(%[[V7]], %[[V9]])
// CHECK-NEXT: %[[V11:.*]] = "astra.dot_general"(%[[V10]], %arg0) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 1>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 1>}
// CHECK-NEXT: %[[V12:.*]] = "astra.dot_general"(%arg0, %[[V10]]) {lhs_batching_dimensions = array<i64>, lhs_contracting_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64>, rhs_contracting_dimensions = array<i64: 0>}
// CHECK-NEXT: %[[V13:.*]] = "astra.add"(%[[V8]], %[[V11]])
// CHECK-NEXT: %[[V14:.*]] = "astra.add"(%[[V13]], %[[V12]])
// CHECK-NEXT: return %[[V3]], %[[V14]] : tensor<4x4x4xf32>, tensor<4x4xf32>
func.func @everything(%x: tensor<4x4xf32>, %c: tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>) {
  %0:2 = "astra.vjp"(%x, %c) {callee = @with_everything, argnums = array<i64: 0>} : (tensor<4x4xf32>, tensor<4x4x4xf32>) -> (tensor<4x4x4xf32>, tensor<4x4xf32>)
  return %0#0, %0#1 : tensor<4x4x4xf32>, tensor<4x4xf32>
}
func.func private @with_everything(%x: tensor<4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = "astra.checkpoint"(%x) {callee = @f, policy = "everything"} : (tensor<4x4xf32>) -> tensor<4x4x4xf32>
  return %0 : tensor<4x4x4xf32>
}

func.func private @f(%x: tensor<4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = "astra.dot_general"(%x, %x)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = "astra.sine"(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = "astra.dot_general"(%1, %x)
      {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
       lhs_contracting_dimensions = array<i64>, rhs_contracting_dimensions = array<i64>}
      : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4x4xf32>
  %3 = "astra.cosine"(%2) : (tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  return %3 : tensor<4x4x4xf32>
}

