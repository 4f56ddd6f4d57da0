// A tile call is a launch of its function; a scalar argument becomes an address: its element lies on the device.
// RUN: %astra-opt %s --astra-to-gpu-kernels | %filecheck %s

// CHECK-LABEL: func.func @program
// CHECK:         "astra.kernel_call"(%arg0, %arg1, %{{.*}}) {callee = @[[HOST:astra_tile_call_[0-9a-f]+]]
func.func @program(%x: tensor<1024xf32>, %s: tensor<f32>) -> tensor<1024xf32> {
  %result = "astra.tile_call"(%x, %s) {
    body = "func.func @scale(%x: memref<?xf32>, %out: memref<?xf32>, %s: f32) attributes {astra.tile, astra.num_warps = 4 : i64, astra.num_stages = 3 : i64} { %i = \22astra.tile_arange\22() {start = 0 : i64} : () -> tensor<1024xi32> %v = \22astra.tile_load\22(%x, %i) : (memref<?xf32>, tensor<1024xi32>) -> tensor<1024xf32> %b = tensor.splat %s : tensor<1024xf32> %r = arith.mulf %v, %b : tensor<1024xf32> \22astra.tile_store\22(%out, %i, %r) : (memref<?xf32>, tensor<1024xi32>, tensor<1024xf32>) -> () return }",
    grid = array<i64: 1, 1, 1>, order = array<i64: 0, -1, 1>, initial = array<i64: -1>
  } : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %result : tensor<1024xf32>
}

// CHECK: func.func private @[[HOST]](
// CHECK-NEXT: "astra.gpu_launch"(%arg0, %arg2, %arg1) {grid = array<i64: 1, 1, 1>, kernel = @[[TILE:scale_[0-9a-f]+]]
// CHECK: func.func private @[[TILE]](
// CHECK-SAME: %arg2: memref<?xf32> {astra.divisibility = 16 : i64})
// CHECK: "astra.tile_load"(%arg2, %{{.*}}) : (memref<?xf32>, i32) -> f32
