// A StableHLO file is imported, inlined and simplified, its loops are raised, and exporting gives StableHLO back.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" --astra-export | %filecheck %s
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 out-axes=1 axis-size=8" | %filecheck %s --check-prefix=ASTRA

// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1" --astra-export 2>&1 | %filecheck %s --check-prefix=TWO

// Without a size the batch has two examples, and a note says so.
// TWO:       note: astra-vectorize: @main is given batches of 2 examples; axis-size=N gives it another size
// TWO:       func.func public @main(%{{.*}}: tensor<2x4xf32> {jax.name = "x"}, %{{.*}}: tensor<4x3xf32>) -> (tensor<2x3xf32>

// CHECK-LABEL: func.func public @main(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32> {jax.name = "x"}, %[[W:[a-z0-9]+]]: tensor<4x3xf32>) -> (tensor<8x3xf32>
// CHECK-SAME:    {jax.result_info = "y"})
// CHECK-NEXT:    %[[Y:[a-z0-9]+]] = stablehlo.dot_general %[[X]], %[[W]], contracting_dims = [1] x [0]
// CHECK-SAME:      : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
// CHECK-NEXT:    return %[[Y]]
// CHECK-NOT:   func.func
// ASTRA:       %[[Y:[a-z0-9]+]] = "astra.dot_general"
// ASTRA-NEXT:  "astra.transpose"(%[[Y]]) {permutation = array<i64: 1, 0>} : (tensor<8x3xf32>) -> tensor<3x8xf32>
func.func public @main(%x: tensor<4xf32> {jax.name = "x"}, %w: tensor<4x3xf32>)
    -> (tensor<3xf32> {jax.result_info = "y"}) {
  %0 = call @product(%x, %w) : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
func.func private @product(%x: tensor<4xf32>, %w: tensor<4x3xf32>) -> tensor<3xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [0] x [0]
      : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
