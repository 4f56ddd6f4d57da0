// Results take over the memory of donated arguments where nothing reads these any more.
// RUN: %astra-opt %s --astra-bufferize --split-input-file | %filecheck %s

#id = affine_map<(d0) -> (d0)>

// Read by the operation that writes it, element by element: in place.  The second result is in memory of its own.
// CHECK-LABEL: func.func @in_place
// CHECK-SAME:  %arg0: memref<32xi8>, %arg1: memref<32xi8>, %arg2: memref<32xi8>, %arg3: memref<32xi8>
// CHECK-SAME:  astra.aliases = array<i64: 0, -1>
// CHECK-DAG:   %[[W:.*]] = memref.view %arg0
// CHECK-DAG:   %[[G:.*]] = memref.view %arg1
// CHECK-DAG:   %[[OUT:.*]] = memref.view %arg3
// CHECK:       ins(%[[W]], %[[G]] : {{.*}}) outs(%{{.*}} : memref<8xf32>)
func.func @in_place(%w: tensor<8xf32> {jax.buffer_donor = true}, %g: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%w, %g : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %1 = arith.subf %a, %b : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  return %0, %g : tensor<8xf32>, tensor<8xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>
#back = affine_map<(d0) -> (-d0 + 7)>

// Read in another order than written, or later: not in place.
// CHECK-LABEL: func.func @not_in_place
// CHECK-NOT:   astra.aliases
func.func @not_in_place(%w: tensor<8xf32> {jax.buffer_donor = true}) -> (tensor<8xf32>, tensor<f32>) {
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%w : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %1 = arith.addf %a, %a : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %x = tensor.extract %w[%c0] : tensor<8xf32>
  %s = tensor.from_elements %x : tensor<f32>
  return %0, %s : tensor<8xf32>, tensor<f32>
}
