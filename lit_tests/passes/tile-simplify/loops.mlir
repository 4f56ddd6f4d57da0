// Equal and dead tile operations go; a loop carries a scalar where it only moves a tile.
// RUN: %astra-opt %s --astra-tile-simplify | %filecheck %s

// CHECK-LABEL: func.func @moved(
// CHECK: %[[LANES:.*]] = "astra.tile_arange"()
// CHECK-NOT: "astra.tile_arange"()
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: scf.for {{.*}} iter_args(%[[MOVED:.*]] = %[[ZERO]]) -> (i32)
// CHECK: %[[WIDE:.*]] = tensor.splat %[[MOVED]] : tensor<64xi32>
// CHECK: %[[OFFSETS:.*]] = arith.addi %[[LANES]], %[[WIDE]]
// CHECK: "astra.tile_load"(%arg0, %[[OFFSETS]])
// CHECK: "astra.tile_store"(%arg0, %[[LANES]], %{{.*}})
// CHECK: arith.addi %[[MOVED]], %arg1 : i32
func.func @moved(%p: memref<?xf32>, %step: i32, %n: i32) attributes {astra.tile} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %first = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<64xi32>
  %again = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<64xi32>
  %by = tensor.splat %step : tensor<64xi32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%offsets = %first) -> (tensor<64xi32>) : i32 {
    %x = "astra.tile_load"(%p, %offsets) : (memref<?xf32>, tensor<64xi32>) -> tensor<64xf32>
    %unused = "astra.tile_load"(%p, %again) : (memref<?xf32>, tensor<64xi32>) -> tensor<64xf32>
    "astra.tile_store"(%p, %again, %x) : (memref<?xf32>, tensor<64xi32>, tensor<64xf32>) -> ()
    %next = arith.addi %offsets, %by : tensor<64xi32>
    scf.yield %next : tensor<64xi32>
  }
  return
}
