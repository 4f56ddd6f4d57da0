// Launches, and elements that the host reads and writes, are calls; tile functions are gone.
// RUN: %astra-opt %s --astra-emit-launches | %filecheck %s
// CHECK: module attributes {astra.gpu_kernels = ["tile_a"], astra.gpu_reads}
module {
  // CHECK-LABEL: func.func @main(
  func.func @main(%x: memref<64xi8>) attributes {astra.num_inputs = 1 : i64} {
    %c0 = arith.constant 0 : index
    %view = memref.view %x[%c0][] : memref<64xi8> to memref<16xf32>
    // CHECK: %[[P:.*]] = memref.extract_aligned_pointer_as_index
    // CHECK: call @astra.launch.0.4.1.1.index(%[[P]]) : (index) -> ()
    "astra.gpu_launch"(%view) {kernel = @tile_a, grid = array<i64: 4, 1, 1>} : (memref<16xf32>) -> ()
    // CHECK: call @astra.read.f32(%{{.*}}) : (index) -> f32
    %value = memref.load %view[%c0] : memref<16xf32>
    // CHECK: call @astra.write.f32(%{{.*}}, %{{.*}}) : (index, f32) -> ()
    memref.store %value, %view[%c0] : memref<16xf32>
    return
  }
  // CHECK-NOT: tile_a
  func.func private @tile_a(%x: memref<?xf32>) attributes {astra.tile} {
    return
  }
  // CHECK: func.func private @astra.launch.0.4.1.1.index(index)
}
