// Rows in tasks and reductions in registers; columns innermost where the stride asks for it; transposed blocks.
// RUN: %astra-opt %s --astra-kernels-to-loops --canonicalize --cse --split-input-file | %filecheck %s

#xy = affine_map<(d0, d1) -> (d0, d1)>
#x = affine_map<(d0, d1) -> (d0)>
// CHECK: #[[FOUR:.*]] = #llvm.loop_interleave<count = 4 : i32>
// CHECK: #[[SIDE_BY_SIDE:.*]] = #llvm.loop_annotation<interleave = #[[FOUR]], unroll
// CHECK-LABEL: func.func private @rows
// CHECK:         scf.forall
// CHECK:           scf.for
// CHECK:             %[[SUM:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (f32)
// CHECK:               arith.addf {{.*}} fastmath<reassoc>
// CHECK:             } {llvm.loop_annotation = #[[SIDE_BY_SIDE]]}
// CHECK:             memref.store %[[SUM]]
func.func private @rows(%x: memref<4194304xf32> {llvm.noalias}, %o: memref<4096xf32> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [4096, 1024], strides: [1024, 1] : memref<4194304xf32> to memref<4096x1024xf32>
  linalg.generic {indexing_maps = [#xy, #x], iterator_types = ["parallel", "reduction"]} ins(%v : memref<4096x1024xf32>) outs(%o : memref<4096xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b fastmath<reassoc> : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#xy = affine_map<(d0, d1) -> (d0, d1)>
#y = affine_map<(d0, d1) -> (d1)>
// The reduction loop is outside of the loop over neighbouring columns, which combines eight rows at a time.
// CHECK-LABEL: func.func private @columns
// CHECK:         scf.forall
// CHECK:           scf.for %[[ROWS:.*]] = %c0 to %c512
// CHECK:             scf.for %[[COLUMN:.*]] = %c0 to %c64
// CHECK:               memref.load
// CHECK-COUNT-8:       arith.addf
// CHECK-NEXT:          memref.store
func.func private @columns(%x: memref<4194304xf32> {llvm.noalias}, %o: memref<1024xf32> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [4096, 1024], strides: [1024, 1] : memref<4194304xf32> to memref<4096x1024xf32>
  linalg.generic {indexing_maps = [#xy, #y], iterator_types = ["reduction", "parallel"]} ins(%v : memref<4096x1024xf32>) outs(%o : memref<1024xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b fastmath<reassoc> : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#xy = affine_map<(d0, d1) -> (d0, d1)>
#yx = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func private @transposed
// CHECK:         scf.forall
// CHECK:           vector.load
// CHECK:           vector.shuffle
// CHECK:           vector.store
func.func private @transposed(%x: memref<4194304xf32> {llvm.noalias}, %o: memref<4194304xf32> {llvm.noalias}) attributes {astra.shared_loops = 2 : i64} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [2048, 2048], strides: [2048, 1] : memref<4194304xf32> to memref<2048x2048xf32>
  %w = memref.reinterpret_cast %o to offset: [0], sizes: [2048, 2048], strides: [2048, 1] : memref<4194304xf32> to memref<2048x2048xf32>
  linalg.generic {indexing_maps = [#yx, #xy], iterator_types = ["parallel", "parallel"]} ins(%v : memref<2048x2048xf32>) outs(%w : memref<2048x2048xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// An innermost loop that is cut into tasks is cut at multiples of 1024 elements.
#i = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func private @aligned
// CHECK:         scf.forall (%{{.*}}) in (103)
// CHECK:           arith.muli %{{.*}}, %c40960
func.func private @aligned(%x: memref<4194303xf32> {llvm.noalias}, %o: memref<4194303xf32> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64} {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%x : memref<4194303xf32>) outs(%o : memref<4194303xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Little work stays serial, and booleans move as bytes.
#i = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func private @small
// CHECK-NOT:     scf.forall
// CHECK:         memref.load {{.*}} : memref<16xi8>
// CHECK:         arith.trunci
func.func private @small(%x: memref<16xi1> {llvm.noalias}, %o: memref<16xi1> {llvm.noalias}) attributes {astra.shared_loops = 1 : i64} {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%x : memref<16xi1>) outs(%o : memref<16xi1>) {
  ^bb0(%a: i1, %b: i1):
    %true = arith.constant true
    %0 = arith.xori %a, %true : i1
    linalg.yield %0 : i1
  }
  return
}
