// Offsets and masks are computed in the layout of the access they are for; a transposed tile is converted before the
// store, whose threads are neighbours along its rows.
// RUN: %astra-opt %s --astra-tile-layouts | %filecheck %s

module attributes {astra.target = "cuda:sm_80"} {
// CHECK-LABEL: func.func @masked
// CHECK:         "astra.tile_arange"() {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[128,256]"]
// CHECK:         arith.cmpi slt, {{.*}} {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[128,256]"]}
// CHECK:         "astra.tile_load"{{.*}} {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[128,256]"]}
// CHECK-NOT:     astra.tile_convert
// CHECK:         return
func.func @masked(%x: memref<?xf32> {astra.divisibility = 16 : i64}, %n: i32 {astra.divisibility = 16 : i64})
    attributes {astra.tile, astra.num_warps = 4 : i64} {
  %o = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<512xi32>
  %ns = tensor.splat %n : tensor<512xi32>
  %m = arith.cmpi slt, %o, %ns : tensor<512xi32>
  %a = "astra.tile_load"(%x, %o, %m) : (memref<?xf32>, tensor<512xi32>, tensor<512xi1>) -> tensor<512xf32>
  %b = arith.addf %a, %a : tensor<512xf32>
  "astra.tile_store"(%x, %o, %b, %m) : (memref<?xf32>, tensor<512xi32>, tensor<512xf32>, tensor<512xi1>) -> ()
  return
}

// CHECK-LABEL: func.func @transposed
// CHECK:         "astra.tile_load"{{.*}} {astra.layouts = ["r[1,2,512] l[4,8,16,32,64] w[128,256]"]}
// CHECK:         %[[T:.*]] = "astra.tile_transpose"{{.*}} {astra.layouts = ["r[32,64,16] l[128,256,512,1,2] w[4,8]"]
// CHECK:         %[[C:.*]] = "astra.tile_convert"(%[[T]]) {astra.layouts = ["r[1,2,512] l[4,8,16,32,64] w[128,256]"]}
// CHECK:         "astra.tile_store"({{.*}}, %[[C]])
func.func @transposed(%x: memref<?xf32> {astra.divisibility = 16 : i64}, %y: memref<?xf32> {astra.divisibility = 16 : i64})
    attributes {astra.tile, astra.num_warps = 4 : i64} {
  %i = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<1024xi32>
  %o = "astra.tile_reshape"(%i) : (tensor<1024xi32>) -> tensor<32x32xi32>
  %a = "astra.tile_load"(%x, %o) : (memref<?xf32>, tensor<32x32xi32>) -> tensor<32x32xf32>
  %t = "astra.tile_transpose"(%a) {permutation = array<i64: 1, 0>} : (tensor<32x32xf32>) -> tensor<32x32xf32>
  "astra.tile_store"(%y, %o, %t) : (memref<?xf32>, tensor<32x32xi32>, tensor<32x32xf32>) -> ()
  return
}
}
