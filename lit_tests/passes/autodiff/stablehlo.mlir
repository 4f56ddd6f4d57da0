// A function of a StableHLO program is replaced by its derivative, and given back as StableHLO: the arguments, then
// tangents of those in wrt (or cotangents of the results); the results, then tangents of them (or cotangents of wrt).
// RUN: %astra-opt %s --astra-autodiff="fn=main mode=reverse wrt=1" --astra-export | %filecheck %s --check-prefix=REVERSE
// RUN: %astra-opt %s --astra-autodiff="fn=main mode=forward wrt=1" --astra-export | %filecheck %s --check-prefix=FORWARD
// RUN: %astra-opt %s --astra-autodiff="fn=main wrt=1" --astra-vectorize="fn=main in-axes=0,-1,0 axis-size=8" --astra-export | %filecheck %s --check-prefix=BATCH-OF-GRADIENTS
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 axis-size=8" --astra-autodiff="fn=main wrt=1" --astra-export | %filecheck %s --check-prefix=GRADIENT-OF-BATCH
// RUN: %astra-opt %s --astra-autodiff="fn=main wrt=0" --astra-autodiff="fn=main mode=forward wrt=0" --astra-export | %filecheck %s --check-prefix=SECOND

// REVERSE-LABEL: func.func public @main
// REVERSE-SAME: (%arg0: tensor<4xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<3xf32>) -> (tensor<3xf32>, tensor<4x3xf32>)
// REVERSE-NEXT: %[[V0:.*]] = stablehlo.dot_general %arg0, %arg1, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
// REVERSE-NEXT: %[[V1:.*]] = stablehlo.sine %[[V0]] : tensor<3xf32>
// REVERSE-NEXT: %[[V2:.*]] = stablehlo.cosine %[[V0]] : tensor<3xf32>
// REVERSE-NEXT: %[[V3:.*]] = stablehlo.multiply %arg2, %[[V2]] : tensor<3xf32>
// REVERSE-NEXT: %[[V4:.*]] = stablehlo.dot_general %arg0, %[[V3]], contracting_dims = [] x [] : (tensor<4xf32>, tensor<3xf32>) -> tensor<4x3xf32>
// REVERSE-NEXT: return %[[V1]], %[[V4]] : tensor<3xf32>, tensor<4x3xf32>

// FORWARD-LABEL: func.func public @main
// FORWARD-SAME: (%arg0: tensor<4xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
// FORWARD-NEXT: %[[V0:.*]] = stablehlo.dot_general %arg0, %arg1, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
// FORWARD-NEXT: %[[V1:.*]] = stablehlo.dot_general %arg0, %arg2, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
// FORWARD-NEXT: %[[V2:.*]] = stablehlo.sine %[[V0]] : tensor<3xf32>
// FORWARD-NEXT: %[[V3:.*]] = stablehlo.cosine %[[V0]] : tensor<3xf32>
// FORWARD-NEXT: %[[V4:.*]] = stablehlo.multiply %[[V1]], %[[V3]] : tensor<3xf32>
// FORWARD-NEXT: return %[[V2]], %[[V4]] : tensor<3xf32>, tensor<3xf32>

// BATCH-OF-GRADIENTS-LABEL: func.func public @main
// BATCH-OF-GRADIENTS-SAME: (%arg0: tensor<8x4xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<8x3xf32>) -> (tensor<8x3xf32>, tensor<8x4x3xf32>)
// BATCH-OF-GRADIENTS-NEXT: %[[V0:.*]] = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
// BATCH-OF-GRADIENTS-NEXT: %[[V1:.*]] = stablehlo.sine %[[V0]] : tensor<8x3xf32>
// BATCH-OF-GRADIENTS-NEXT: %[[V2:.*]] = stablehlo.cosine %[[V0]] : tensor<8x3xf32>
// BATCH-OF-GRADIENTS-NEXT: %[[V3:.*]] = stablehlo.multiply %arg2, %[[V2]] : tensor<8x3xf32>
// BATCH-OF-GRADIENTS-NEXT: %[[V4:.*]] = stablehlo.dot_general %arg0, %[[V3]], batching_dims = [0] x [0], contracting_dims = [] x [] : (tensor<8x4xf32>, tensor<8x3xf32>) -> tensor<8x4x3xf32>
// BATCH-OF-GRADIENTS-NEXT: return %[[V1]], %[[V4]] : tensor<8x3xf32>, tensor<8x4x3xf32>

// GRADIENT-OF-BATCH-LABEL: func.func public @main
// GRADIENT-OF-BATCH-SAME: (%arg0: tensor<8x4xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<8x3xf32>) -> (tensor<8x3xf32>, tensor<4x3xf32>)
// GRADIENT-OF-BATCH-NEXT: %[[V0:.*]] = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
// GRADIENT-OF-BATCH-NEXT: %[[V1:.*]] = stablehlo.sine %[[V0]] : tensor<8x3xf32>
// GRADIENT-OF-BATCH-NEXT: %[[V2:.*]] = stablehlo.cosine %[[V0]] : tensor<8x3xf32>
// GRADIENT-OF-BATCH-NEXT: %[[V3:.*]] = stablehlo.multiply %arg2, %[[V2]] : tensor<8x3xf32>
// GRADIENT-OF-BATCH-NEXT: %[[V4:.*]] = stablehlo.dot_general %arg0, %[[V3]], contracting_dims = [0] x [0] : (tensor<8x4xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
// GRADIENT-OF-BATCH-NEXT: return %[[V1]], %[[V4]] : tensor<8x3xf32>, tensor<4x3xf32>

// SECOND-LABEL: func.func public @main
// SECOND-SAME: (%arg0: tensor<4xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<3xf32>, %arg3: tensor<4xf32>) -> (tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>)
// SECOND-NEXT: %[[V0:.*]] = stablehlo.dot_general %arg0, %arg1, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
// SECOND-NEXT: %[[V1:.*]] = stablehlo.dot_general %arg3, %arg1, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
// SECOND-NEXT: %[[V2:.*]] = stablehlo.sine %[[V0]] : tensor<3xf32>
// SECOND-NEXT: %[[V3:.*]] = stablehlo.cosine %[[V0]] : tensor<3xf32>
// SECOND-NEXT: %[[V4:.*]] = stablehlo.multiply %[[V1]], %[[V3]] : tensor<3xf32>
// SECOND-NEXT: %[[V5:.*]] = stablehlo.multiply %[[V1]], %[[V2]] : tensor<3xf32>
// SECOND-NEXT: %[[V6:.*]] = stablehlo.negate %[[V5]] : tensor<3xf32>
// SECOND-NEXT: %[[V7:.*]] = stablehlo.multiply %arg2, %[[V3]] : tensor<3xf32>
// SECOND-NEXT: %[[V8:.*]] = stablehlo.multiply %[[V6]], %arg2 : tensor<3xf32>
// SECOND-NEXT: %[[V9:.*]] = stablehlo.dot_general %[[V7]], %arg1, contracting_dims = [0] x [1] : (tensor<3xf32>, tensor<4x3xf32>) -> tensor<4xf32>
// SECOND-NEXT: %[[V10:.*]] = stablehlo.dot_general %[[V8]], %arg1, contracting_dims = [0] x [1] : (tensor<3xf32>, tensor<4x3xf32>) -> tensor<4xf32>
// SECOND-NEXT: return %[[V2]], %[[V9]], %[[V4]], %[[V10]] : tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>
func.func public @main(%x: tensor<4xf32> {jax.arg = "x"}, %w: tensor<4x3xf32>) -> (tensor<3xf32> {jax.result_info = "y"}) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [0] x [0] : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
  %1 = call @f(%0) : (tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}
func.func private @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = stablehlo.sine %x : tensor<3xf32>
  return %0 : tensor<3xf32>
}
