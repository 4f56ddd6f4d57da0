// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @tile_program_id_1() {
  // expected-error@below {{attribute 'axis' must be 0, 1 or 2, but is 3}}
  %r = "astra.tile_program_id"() {axis = 3 : i64} : () -> i32
  return
}

func.func @tile_num_programs_1() {
  // expected-error@below {{result must be i32, but is i64}}
  %r = "astra.tile_num_programs"() {axis = 0 : i64} : () -> i64
  return
}

func.func @tile_arange_1() {
  // expected-error@below {{result 'result' must be a scalar or a tile (a tensor whose dimensions are powers of two), but is tensor<100xi32>}}
  %r = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<100xi32>
  return
}

func.func @tile_arange_2() {
  // expected-error@below {{result must have rank 1, but is tensor<2x2xi32>}}
  %r = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<2x2xi32>
  return
}

func.func @tile_arange_3() {
  // expected-error@below {{result 'result' must have elements i32, but is tensor<4xi64>}}
  %r = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<4xi64>
  return
}

func.func @tile_reshape_1(%x: tensor<4xf32>) {
  // expected-error@below {{result must have as many elements as tensor<4xf32>, but is tensor<8xf32>}}
  %r = "astra.tile_reshape"(%x) : (tensor<4xf32>) -> tensor<8xf32>
  return
}

func.func @tile_reshape_2(%x: f32) {
  // expected-error@below {{operand 'operand' must be a tile, but is f32}}
  %r = "astra.tile_reshape"(%x) : (f32) -> tensor<1xf32>
  return
}

func.func @tile_transpose_1(%x: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'permutation' must order the 2 dimensions of the operand, but is [0, 0]}}
  %r = "astra.tile_transpose"(%x) {permutation = array<i64: 0, 0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @tile_transpose_2(%x: tensor<4x8xf32>) {
  // expected-error@below {{result 'result' must have shape 8x4, the operand's permuted, but is tensor<4x8xf32>}}
  %r = "astra.tile_transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @tile_broadcast_1(%x: tensor<4x2xf32>) {
  // expected-error@below {{result must be the operand, tensor<4x2xf32>, with dimensions of 1 grown, but is tensor<4x8xf32>}}
  %r = "astra.tile_broadcast"(%x) : (tensor<4x2xf32>) -> tensor<4x8xf32>
  return
}

func.func @tile_join_1(%x: tensor<4xf32>, %y: tensor<8xf32>) {
  // expected-error@below {{operand 'rhs' must have the type of operand 'lhs', tensor<4xf32>, but is tensor<8xf32>}}
  %r = "astra.tile_join"(%x, %y) : (tensor<4xf32>, tensor<8xf32>) -> tensor<4x2xf32>
  return
}

func.func @tile_split_1(%x: tensor<4x4xf32>) {
  // expected-error@below {{operand 'operand' must have at least rank 2 and a last dimension of 2, but is tensor<4x4xf32>}}
  %r:2 = "astra.tile_split"(%x) : (tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

func.func @tile_load_1(%p: tensor<4xf32>, %i: tensor<4xi32>) {
  // expected-error@below {{operand 'pointer' must be a pointer, memref<?xT>, but is tensor<4xf32>}}
  %r = "astra.tile_load"(%p, %i) : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

func.func @tile_load_2(%p: memref<?xi1>, %i: tensor<4xi32>) {
  // expected-error@below {{operand 'pointer' must point to integers of 8 to 64 bits or floats, but is memref<?xi1>}}
  %r = "astra.tile_load"(%p, %i) : (memref<?xi1>, tensor<4xi32>) -> tensor<4xi1>
  return
}

func.func @tile_load_3(%p: memref<?xf32>, %i: tensor<4xi16>) {
  // expected-error@below {{operand 'offsets' must have elements i32 or i64, but is tensor<4xi16>}}
  %r = "astra.tile_load"(%p, %i) : (memref<?xf32>, tensor<4xi16>) -> tensor<4xf32>
  return
}

func.func @tile_load_4(%p: memref<?xf32>, %i: tensor<4xi32>, %m: tensor<8xi1>) {
  // expected-error@below {{operand 'mask' must have shape 4, that of the offsets, but is tensor<8xi1>}}
  %r = "astra.tile_load"(%p, %i, %m) : (memref<?xf32>, tensor<4xi32>, tensor<8xi1>) -> tensor<4xf32>
  return
}

func.func @tile_load_5(%p: memref<?xf32>, %i: tensor<4xi32>, %m: tensor<4xi1>, %o: f32) {
  // expected-error@below {{operand 'other' must have the type of the result, tensor<4xf32>, but is f32}}
  %r = "astra.tile_load"(%p, %i, %m, %o) : (memref<?xf32>, tensor<4xi32>, tensor<4xi1>, f32) -> tensor<4xf32>
  return
}

func.func @tile_load_6(%p: memref<?xf32>, %i: tensor<4xi32>) {
  // expected-error@below {{attribute 'cache' must be one of ca, cg, cv, cs, wb, wt, but is 'l1'}}
  %r = "astra.tile_load"(%p, %i) {cache = "l1"} : (memref<?xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

func.func @tile_store_1(%p: memref<?xf32>, %i: tensor<4xi32>, %v: tensor<4xf16>) {
  // expected-error@below {{operand 'value' must have elements f32, those of the pointer, but is tensor<4xf16>}}
  "astra.tile_store"(%p, %i, %v) : (memref<?xf32>, tensor<4xi32>, tensor<4xf16>) -> ()
  return
}

func.func @tile_store_2(%p: memref<?xf32>, %i: tensor<4xi32>, %v: f32) {
  // expected-error@below {{operand 'value' must have shape 4, that of the offsets, but is f32}}
  "astra.tile_store"(%p, %i, %v) : (memref<?xf32>, tensor<4xi32>, f32) -> ()
  return
}

func.func @tile_atomic_1(%p: memref<?xf32>, %i: i32, %v: f32) {
  // expected-error@below {{attribute 'kind' is 'add', which is not for elements f32}}
  %r = "astra.tile_atomic"(%p, %i, %v) {kind = "add"} : (memref<?xf32>, i32, f32) -> f32
  return
}

func.func @tile_atomic_2(%p: memref<?xi32>, %i: i32, %v: i32) {
  // expected-error@below {{attribute 'ordering' must be one of relaxed, acquire, release, acq_rel, but is 'strong'}}
  %r = "astra.tile_atomic"(%p, %i, %v) {kind = "add", ordering = "strong"} : (memref<?xi32>, i32, i32) -> i32
  return
}

func.func @tile_atomic_cas_1(%p: memref<?xi32>, %i: i32, %v: i64) {
  // expected-error@below {{operand 'compare' must have elements i32, those of the pointer, but is i64}}
  %r = "astra.tile_atomic_cas"(%p, %i, %v, %v) : (memref<?xi32>, i32, i64, i64) -> i32
  return
}

func.func @tile_block_load_1(%p: memref<?xf32>, %n: i64, %i: i32) {
  // expected-error@below {{expects 2 sizes, strides and indices each after the pointer, but has 3 operands there}}
  %r = "astra.tile_block_load"(%p, %n, %n, %i) {rank = 2 : i64} : (memref<?xf32>, i64, i64, i32) -> tensor<4x4xf32>
  return
}

func.func @tile_block_load_2(%p: memref<?xf32>, %n: i64, %i: i32) {
  // expected-error@below {{index 0 must be i32, but is i64}}
  %r = "astra.tile_block_load"(%p, %n, %n, %n) {rank = 1 : i64} : (memref<?xf32>, i64, i64, i64) -> tensor<4xf32>
  return
}

func.func @tile_block_store_1(%p: memref<?xf32>, %n: i64, %i: i32, %v: tensor<4x4xf32>) {
  // expected-error@below {{operand 'value' must have rank 1, but is tensor<4x4xf32>}}
  "astra.tile_block_store"(%v, %p, %n, %n, %i) {rank = 1 : i64} : (tensor<4x4xf32>, memref<?xf32>, i64, i64, i32) -> ()
  return
}

func.func @tile_dot_1(%a: tensor<4x8xf32>, %b: tensor<4x8xf32>, %c: tensor<4x8xf32>) {
  // expected-error@below {{operand 'b' must have shape 8x8, rows as the columns of operand 'a', but is tensor<4x8xf32>}}
  %r = "astra.tile_dot"(%a, %b, %c) {precision = "ieee"} : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @tile_dot_2(%a: tensor<4x4xf32>, %c: tensor<4x4xf64>) {
  // expected-error@below {{operand 'acc' must have elements f32 for a product of f32, but is tensor<4x4xf64>}}
  %r = "astra.tile_dot"(%a, %a, %c) {precision = "ieee"} : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf64>) -> tensor<4x4xf64>
  return
}

func.func @tile_dot_3(%a: tensor<4x4xf32>) {
  // expected-error@below {{attribute 'precision' must be one of ieee, tf32, 3xtf32, not 'high'}}
  %r = "astra.tile_dot"(%a, %a, %a) {precision = "high"} : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

func.func @tile_gather_1(%x: tensor<4x8xf32>, %i: tensor<2x4xi32>) {
  // expected-error@below {{operand 'index' must have shape 2x8, that of the source but along the axis, but is tensor<2x4xi32>}}
  %r = "astra.tile_gather"(%x, %i) {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2x4xi32>) -> tensor<2x4xf32>
  return
}

func.func @tile_print_1(%x: f32) {
  // expected-error@below {{attribute 'unsigned' must have 1 values, one for each operand, but has 2}}
  "astra.tile_print"(%x) {prefix = "x", unsigned = array<i1: true, false>} : (f32) -> ()
  return
}

func.func @tile_assert_1(%x: i32) {
  // expected-error@below {{operand 'condition' must have elements i1, but is i32}}
  "astra.tile_assert"(%x) {message = "m"} : (i32) -> ()
  return
}

func.func @tile_reduce_1(%x: tensor<4x8xf32>) {
  // expected-error@below {{attribute 'axis' is 2, which is not a dimension of operand 0, tensor<4x8xf32>}}
  %r = "astra.tile_reduce"(%x) ({
  ^bb0(%a: f32, %b: f32):
    "astra.yield"(%a) : (f32) -> ()
  }) {axis = 2 : i64} : (tensor<4x8xf32>) -> tensor<4xf32>
  return
}

func.func @tile_reduce_2(%x: tensor<4x8xf32>) {
  // expected-error@below {{result 0 must have shape 4, the operand's without the axis, but is tensor<8xf32>}}
  %r = "astra.tile_reduce"(%x) ({
  ^bb0(%a: f32, %b: f32):
    "astra.yield"(%a) : (f32) -> ()
  }) {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<8xf32>
  return
}

func.func @tile_reduce_3(%x: tensor<4x8xf32>) {
  // expected-error@below {{the combiner region must take (f32, f32), but takes (f64, f64)}}
  %r = "astra.tile_reduce"(%x) ({
  ^bb0(%a: f64, %b: f64):
    "astra.yield"(%a) : (f64) -> ()
  }) {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<4xf32>
  return
}

func.func @tile_scan_1(%x: tensor<8xf32>) {
  // expected-error@below {{result 0 must be tensor<8xf32> as its operand, but is tensor<4xf32>}}
  %r = "astra.tile_scan"(%x) ({
  ^bb0(%a: f32, %b: f32):
    "astra.yield"(%a) : (f32) -> ()
  }) {axis = 0 : i64, reverse = false} : (tensor<8xf32>) -> tensor<4xf32>
  return
}

func.func @tile_convert_1(%x: tensor<64xf32>) {
  // expected-error@below {{result must be tensor<64xf32> as the operand, but is tensor<32xf32>}}
  %r = "astra.tile_convert"(%x) : (tensor<64xf32>) -> tensor<32xf32>
  return
}

func.func @tile_buffer_1() {
  // expected-error@below {{attribute 'inner' is 2, which is not a dimension of the tiles}}
  %r = "astra.tile_buffer"() {inner = 2 : i64} : () -> memref<3x64x64xf16, 3>
  return
}

func.func @tile_copy_1(%x: memref<?xf16>, %o: tensor<64x32xi32>, %b: memref<3x64x64xf16, 3>, %s: i32) {
  // expected-error@below {{operand 'offsets' must have the shape of the buffer's tiles, but is tensor<64x32xi32>}}
  "astra.tile_copy"(%x, %o, %b, %s) : (memref<?xf16>, tensor<64x32xi32>, memref<3x64x64xf16, 3>, i32) -> ()
  return
}

func.func @tile_read_1(%b: memref<3x64x64xf16, 3>, %s: i32) {
  // expected-error@below {{result must be a tile of the buffer, memref<3x64x64xf16, 3>, but is tensor<64x32xf16>}}
  %r = "astra.tile_read"(%b, %s) : (memref<3x64x64xf16, 3>, i32) -> tensor<64x32xf16>
  return
}

func.func @gpu_launch_1(%x: memref<64xf32>) {
  // expected-error@below {{attribute 'grid' must be three sizes, but is [4, 1]}}
  "astra.gpu_launch"(%x) {kernel = @tile, grid = array<i64: 4, 1>} : (memref<64xf32>) -> ()
  return
}
