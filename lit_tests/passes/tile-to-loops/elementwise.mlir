// Programs become a parallel loop; offsets that lie side by side become vector accesses, others gathers.
// RUN: %astra-opt %s --astra-tile-to-loops | %filecheck %s
module attributes {astra.target = "x86-64-v4"} {
  // CHECK-LABEL: func.func private @add(%arg0: index, %arg1: index, %arg2: index, %arg3: memref<?xf32>
  // CHECK: scf.forall
  // CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
  // CHECK: vector.maskedload %arg3[%{{.*}}], %{{.*}} : memref<?xf32>, vector<16xi1>, vector<16xf32>
  // CHECK: vector.gather %arg4
  // CHECK: arith.addf %{{.*}} : vector<16xf32>
  // CHECK: vector.maskedstore %arg3
  func.func @add(%x: memref<?xf32>, %y: memref<?xf32>, %n: i32) attributes {astra.tile, astra.tile_no_alias} {
    %c64 = arith.constant 64 : i32
    %id = "astra.tile_program_id"() {axis = 0 : i64} : () -> i32
    %first = arith.muli %id, %c64 : i32
    %wide = tensor.splat %first : tensor<64xi32>
    %lanes = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<64xi32>
    %i = arith.addi %wide, %lanes : tensor<64xi32>
    %limit = tensor.splat %n : tensor<64xi32>
    %mask = arith.cmpi slt, %i, %limit : tensor<64xi32>
    %a = "astra.tile_load"(%x, %i, %mask) : (memref<?xf32>, tensor<64xi32>, tensor<64xi1>) -> tensor<64xf32>
    %far = arith.muli %i, %limit : tensor<64xi32>
    %b = "astra.tile_load"(%y, %far, %mask) : (memref<?xf32>, tensor<64xi32>, tensor<64xi1>) -> tensor<64xf32>
    %sum = arith.addf %a, %b : tensor<64xf32>
    "astra.tile_store"(%x, %i, %sum, %mask) : (memref<?xf32>, tensor<64xi32>, tensor<64xf32>, tensor<64xi1>) -> ()
    return
  }

  // Sums of floats by atomics depend on the order of programs, so it is kept.
  // CHECK-LABEL: func.func private @ordered(
  // CHECK-NOT: scf.forall
  // CHECK: memref.atomic_rmw addf
  func.func @ordered(%x: memref<?xf32>, %v: f32) attributes {astra.tile} {
    %i = arith.constant 0 : i32
    %old = "astra.tile_atomic"(%x, %i, %v) {kind = "fadd"} : (memref<?xf32>, i32, f32) -> f32
    return
  }
}
