// Calls with rules of their own stay calls: all their functions are vectorized so that they fit together.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" | %filecheck %s

// The tangents have the batch where what they are tangents of has it.
// CHECK-LABEL: func.func @main(
// CHECK:         "astra.custom_jvp"({{.*}}) {callee = @f.vmap, jvp = @f_jvp.vmap}
// CHECK-SAME:      : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
// CHECK:       func.func private @f.vmap({{.*}}: tensor<8x4xf32>, {{.*}}: tensor<4xf32>) -> tensor<8x4xf32>
// CHECK:       func.func private @f_jvp.vmap({{.*}}: tensor<8x4xf32>, {{.*}}: tensor<4xf32>, {{.*}}: tensor<8x4xf32>,
// CHECK-SAME:    {{.*}}: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.custom_jvp"(%x, %w) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @f_jvp(%x: tensor<4xf32>, %w: tensor<4xf32>, %dx: tensor<4xf32>, %dw: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>) {
  %y = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %dy = "astra.multiply"(%dx, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y, %dy : tensor<4xf32>, tensor<4xf32>
}

// -----

// The cotangent of the shared operand is summed over the batch.
// CHECK-LABEL: func.func @main(
// CHECK:         "astra.custom_vjp"({{.*}}) {backward = @backward.vmap, callee = @f.vmap, forward = @forward.vmap}
// CHECK-SAME:      : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
// CHECK:       func.func private @forward.vmap({{.*}}) -> (tensor<8x4xf32>, tensor<8x4xf32>, tensor<4xf32>)
// CHECK:       func.func private @backward.vmap({{.*}}: tensor<8x4xf32>, {{.*}}: tensor<4xf32>, {{.*}}: tensor<8x4xf32>)
// CHECK-SAME:    -> (tensor<8x4xf32>, tensor<4xf32>)
// CHECK:         %{{.*}} = "astra.multiply"
// CHECK-NEXT:    %[[CW:[a-z0-9]+]] = "astra.multiply"
// CHECK:         "astra.reduce"(%[[CW]], {{.*}}) ({
// CHECK-NEXT:    }) {dimensions = array<i64: 0>, kind = "add"} : (tensor<8x4xf32>, tensor<f32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.custom_vjp"(%x, %w) {callee = @f, forward = @forward, backward = @backward}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @forward(%x: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %y = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y, %x, %w : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @backward(%x: tensor<4xf32>, %w: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %cx = "astra.multiply"(%c, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %cw = "astra.multiply"(%c, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %cx, %cw : tensor<4xf32>, tensor<4xf32>
}

// -----

// The solution is batched where a constant or the right-hand side is.
// CHECK-LABEL: func.func @main(
// CHECK:         "astra.linear_solve"({{.*}}) {const_counts = array<i64: 1, 0, 1, 0>, matvec = @matvec.vmap,
// CHECK-SAME:      solve = @solve.vmap} : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %x = "astra.linear_solve"(%a, %a, %b) {matvec = @matvec, solve = @solve, const_counts = array<i64: 1, 0, 1, 0>}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %x : tensor<4xf32>
}
func.func private @matvec(%a: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.multiply"(%a, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @solve(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.divide"(%b, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK:         "astra.checkpoint"({{.*}}) {callee = @f.vmap, policy = "dots"}
// CHECK-SAME:      : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.checkpoint"(%x, %w) {callee = @f, policy = "dots"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
