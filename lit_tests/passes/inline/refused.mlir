// What inlining cannot do is refused: a recursion, which has no meaning in array programs, naming its cycle; unstructured
// control flow, which has no place inside of an operation's region.
// RUN: not %astra-opt %s --astra-inline --split-input-file 2>&1 | %filecheck %s

// CHECK: recursive call @even -> @odd -> @even; array programs have no recursion: write the repetition as a loop
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @even(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @even(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @odd(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @odd(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @even(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// CHECK: refused.mlir:{{[0-9:]+}}: function @branches has 2 blocks; astra-inline takes structured control flow only
func.func @branches(%x: tensor<f32>) -> tensor<f32> {
  cf.br ^end(%x : tensor<f32>)
^end(%y: tensor<f32>):
  return %y : tensor<f32>
}
