// Equal kernels are emitted once; a column reduction keeps a kernel of its own, in which its result is initialized; full
// sums and sums of tall columns are done in fixed blocks.
// RUN: %astra-opt %s --astra-bufferize --astra-form-kernels --canonicalize --cse --split-input-file | %filecheck %s

#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @twice
// CHECK:         call @kernel_0
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.generic
func.func @twice(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %e = tensor.empty() : tensor<8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// -----

#xy = affine_map<(d0, d1) -> (d0, d1)>
#y = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @columns
// CHECK-COUNT-2: call @kernel_
// CHECK:       func.func private @kernel_1
// CHECK:         iterator_types = ["parallel"]
// CHECK:         iterator_types = ["reduction", "parallel"]
func.func @columns(%x: tensor<256x256xf32>) -> tensor<256xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<256x256xf32>
  %a = linalg.generic {indexing_maps = [#xy, #xy], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<256x256xf32>) outs(%e : tensor<256x256xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.negf %p : f32
    linalg.yield %r : f32
  } -> tensor<256x256xf32>
  %c = tensor.empty() : tensor<256xf32>
  %f = linalg.fill ins(%zero : f32) outs(%c : tensor<256xf32>) -> tensor<256xf32>
  %s = linalg.generic {indexing_maps = [#xy, #y], iterator_types = ["reduction", "parallel"]} ins(%a : tensor<256x256xf32>) outs(%f : tensor<256xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.addf %p, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  } -> tensor<256xf32>
  return %s : tensor<256xf32>
}

// -----

#all = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @total
// CHECK:         memref.alloc() {{.*}} : memref<256xi8>
// CHECK:         sizes: [64, 16384]
func.func @total(%x: tensor<1048576xf32>) -> tensor<f32> {
  %zero = arith.constant 0.0 : f32
  %c = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%c : tensor<f32>) -> tensor<f32>
  %s = linalg.generic {indexing_maps = [#all, #none], iterator_types = ["reduction"]} ins(%x : tensor<1048576xf32>) outs(%f : tensor<f32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.addf %p, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %s : tensor<f32>
}

// -----

#xy = affine_map<(d0, d1) -> (d0, d1)>
#y = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @tall
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]{{.*}} outs(%{{.*}} : memref<64x48xf32>)
// CHECK:         linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]{{.*}} ins(%{{.*}} : memref<64x48xf32>)
func.func @tall(%x: tensor<4096x48xf32>) -> tensor<48xf32> {
  %zero = arith.constant 0.0 : f32
  %c = tensor.empty() : tensor<48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%c : tensor<48xf32>) -> tensor<48xf32>
  %s = linalg.generic {indexing_maps = [#xy, #y], iterator_types = ["reduction", "parallel"]} ins(%x : tensor<4096x48xf32>) outs(%f : tensor<48xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<48xf32>
  return %s : tensor<48xf32>
}
