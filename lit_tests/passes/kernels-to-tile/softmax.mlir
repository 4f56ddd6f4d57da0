// The nests of a softmax share a program: the row is read once and stays in registers, the local buffer is gone.
// RUN: %astra-opt %s --astra-kernels-to-tile --canonicalize --cse | %filecheck %s
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#one = affine_map<(d0) -> ()>
#flat = affine_map<(d0) -> (d0)>
module {
  func.func @main(%x: memref<8192xi8>, %y: memref<8192xi8>)
      attributes {astra.num_inputs = 1 : i64, astra.num_outputs = 1 : i64, astra.num_constants = 0 : i64} {
    %c0 = arith.constant 0 : index
    %a = memref.view %x[%c0][] : memref<8192xi8> to memref<2048xf32>
    %b = memref.view %y[%c0][] : memref<8192xi8> to memref<2048xf32>
    func.call @kernel_0(%a, %b) : (memref<2048xf32>, memref<2048xf32>) -> ()
    return
  }
  // CHECK-LABEL: func.func private @kernel_0(
  // CHECK-NEXT: "astra.gpu_launch"(%arg0, %arg1) {grid = array<i64: 1, 1, 1>, kernel = @[[TILE:.*]]}
  // CHECK-NEXT: return
  func.func private @kernel_0(%x: memref<2048xf32>, %y: memref<2048xf32>) attributes {astra.shared_loops = 1 : i64} {
    %low = arith.constant 0xFF800000 : f32
    %most = memref.alloca() : memref<16xf32>
    linalg.generic {indexing_maps = [#one, #flat], iterator_types = ["parallel"]}
        ins(%low : f32) outs(%most : memref<16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    }
    %rows = memref.reinterpret_cast %x to offset: [0], sizes: [16, 128], strides: [128, 1]
        : memref<2048xf32> to memref<16x128xf32>
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%rows : memref<16x128xf32>) outs(%most : memref<16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.maximumf %out, %in : f32
      linalg.yield %0 : f32
    }
    %target = memref.reinterpret_cast %y to offset: [0], sizes: [16, 128], strides: [128, 1]
        : memref<2048xf32> to memref<16x128xf32>
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%rows, %most : memref<16x128xf32>, memref<16xf32>) outs(%target : memref<16x128xf32>) {
    ^bb0(%in: f32, %in_0: f32, %out: f32):
      %0 = arith.subf %in, %in_0 : f32
      %1 = math.exp %0 : f32
      linalg.yield %1 : f32
    }
    return
  }
  // CHECK: func.func private @[[TILE]](%arg0: memref<?xf32> {astra.divisibility = 16 : i64},
  // CHECK: %[[X:.*]] = "astra.tile_load"(%arg0, {{.*}} -> tensor<16x128xf32>
  // CHECK: "astra.tile_reduce"(%[[X]])
  // CHECK: arith.maximumf
  // CHECK: {axis = 1 : i64} : (tensor<16x128xf32>) -> tensor<16xf32>
  // CHECK: arith.subf %{{.*}}, %{{.*}} : tensor<16x128xf32>
  // CHECK: math.exp
  // CHECK: "astra.tile_store"(%arg1,
  // CHECK-NOT: astra.tile_store
}
