// Every operation of this family is read, verified and printed as it was written.
// RUN: %astra-opt %s | %astra-opt - | %filecheck %s

// CHECK-LABEL: func.func @tile_program_id(
// CHECK: "astra.tile_program_id"() {axis = 0 : i64} : () -> i32
func.func @tile_program_id() {
  %id = "astra.tile_program_id"() {axis = 0 : i64} : () -> i32
  return
}

// CHECK-LABEL: func.func @tile_num_programs(
// CHECK: "astra.tile_num_programs"() {axis = 0 : i64} : () -> i32
func.func @tile_num_programs() {
  %count = "astra.tile_num_programs"() {axis = 0 : i64} : () -> i32
  return
}

// CHECK-LABEL: func.func @tile_arange(
// CHECK: "astra.tile_arange"() {start = 0 : i64} : () -> tensor<128xi32>
func.func @tile_arange() {
  %lanes = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<128xi32>
  return
}

// CHECK-LABEL: func.func @tile_reshape(
// CHECK: "astra.tile_reshape"(%arg0) : (tensor<128xi32>) -> tensor<128x1xi32>
func.func @tile_reshape(%row: tensor<128xi32>) {
  %column = "astra.tile_reshape"(%row) : (tensor<128xi32>) -> tensor<128x1xi32>
  return
}

// CHECK-LABEL: func.func @tile_transpose(
// CHECK: "astra.tile_transpose"(%arg0) {permutation = array<i64: 1, 0>} : (tensor<16x32xf32>) -> tensor<32x16xf32>
func.func @tile_transpose(%operand: tensor<16x32xf32>) {
  %result = "astra.tile_transpose"(%operand) {permutation = array<i64: 1, 0>} : (tensor<16x32xf32>) -> tensor<32x16xf32>
  return
}

// CHECK-LABEL: func.func @tile_broadcast(
// CHECK: "astra.tile_broadcast"(%arg0) : (tensor<16x1xf32>) -> tensor<16x32xf32>
func.func @tile_broadcast(%operand: tensor<16x1xf32>) {
  %result = "astra.tile_broadcast"(%operand) : (tensor<16x1xf32>) -> tensor<16x32xf32>
  return
}

// CHECK-LABEL: func.func @tile_join(
// CHECK: "astra.tile_join"(%arg0, %arg1) : (tensor<16xf32>, tensor<16xf32>) -> tensor<16x2xf32>
func.func @tile_join(%a: tensor<16xf32>, %b: tensor<16xf32>) {
  %result = "astra.tile_join"(%a, %b) : (tensor<16xf32>, tensor<16xf32>) -> tensor<16x2xf32>
  return
}

// CHECK-LABEL: func.func @tile_split(
// CHECK: "astra.tile_split"(%arg0) : (tensor<16x2xf32>) -> (tensor<16xf32>, tensor<16xf32>)
func.func @tile_split(%operand: tensor<16x2xf32>) {
  %a, %b = "astra.tile_split"(%operand) : (tensor<16x2xf32>) -> (tensor<16xf32>, tensor<16xf32>)
  return
}

// CHECK-LABEL: func.func @tile_load(
// CHECK: "astra.tile_load"(%arg0, %arg1, %arg2, %arg3) : (memref<?xf32>, tensor<128xi32>, tensor<128xi1>, tensor<128xf32>) -> tensor<128xf32>
func.func @tile_load(%pointer: memref<?xf32>, %offsets: tensor<128xi32>, %mask: tensor<128xi1>, %other: tensor<128xf32>) {
  %result = "astra.tile_load"(%pointer, %offsets, %mask, %other)
      : (memref<?xf32>, tensor<128xi32>, tensor<128xi1>, tensor<128xf32>) -> tensor<128xf32>
  return
}

// CHECK-LABEL: func.func @tile_store(
// CHECK: "astra.tile_store"(%arg0, %arg1, %arg2, %arg3) : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> ()
func.func @tile_store(%pointer: memref<?xf32>, %offsets: tensor<128xi32>, %value: tensor<128xf32>, %mask: tensor<128xi1>) {
  "astra.tile_store"(%pointer, %offsets, %value, %mask)
      : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> ()
  return
}

// CHECK-LABEL: func.func @tile_atomic(
// CHECK: "astra.tile_atomic"(%arg0, %arg1, %arg2, %arg3) {kind = "fadd"} : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> tensor<128xf32>
func.func @tile_atomic(%pointer: memref<?xf32>, %offsets: tensor<128xi32>, %value: tensor<128xf32>, %mask: tensor<128xi1>) {
  %old = "astra.tile_atomic"(%pointer, %offsets, %value, %mask) {kind = "fadd"}
      : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> tensor<128xf32>
  return
}

// CHECK-LABEL: func.func @tile_atomic_cas(
// CHECK: "astra.tile_atomic_cas"(%arg0, %arg1, %arg2, %arg3) : (memref<?xi32>, i32, i32, i32) -> i32
func.func @tile_atomic_cas(%pointer: memref<?xi32>, %offset: i32, %expected: i32, %new: i32) {
  %old = "astra.tile_atomic_cas"(%pointer, %offset, %expected, %new) : (memref<?xi32>, i32, i32, i32) -> i32
  return
}

// CHECK-LABEL: func.func @tile_block_load(
// CHECK: "astra.tile_block_load"(%arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6) {rank = 2 : i64} : (memref<?xf32>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf32>
func.func @tile_block_load(%pointer: memref<?xf32>, %rows: i64, %columns: i64, %row_stride: i64, %one: i64, %i: i32, %j: i32) {
  %result = "astra.tile_block_load"(%pointer, %rows, %columns, %row_stride, %one, %i, %j) {rank = 2 : i64}
      : (memref<?xf32>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf32>
  return
}

// CHECK-LABEL: func.func @tile_block_store(
// CHECK: "astra.tile_block_store"(%arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6, %arg7) {rank = 2 : i64} : (tensor<64x32xf32>, memref<?xf32>, i64, i64, i64, i64, i32, i32) -> ()
func.func @tile_block_store(%value: tensor<64x32xf32>, %pointer: memref<?xf32>, %rows: i64, %columns: i64, %row_stride: i64, %one: i64, %i: i32, %j: i32) {
  "astra.tile_block_store"(%value, %pointer, %rows, %columns, %row_stride, %one, %i, %j) {rank = 2 : i64}
      : (tensor<64x32xf32>, memref<?xf32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: func.func @tile_reduce(
// CHECK: "astra.tile_reduce"(%arg0) ({
// CHECK: }) {axis = 1 : i64} : (tensor<16x128xf32>) -> tensor<16xf32>
func.func @tile_reduce(%operand: tensor<16x128xf32>) {
  %sum = "astra.tile_reduce"(%operand) ({
  ^bb0(%lhs: f32, %rhs: f32):
    %0 = arith.addf %lhs, %rhs : f32
    "astra.yield"(%0) : (f32) -> ()
  }) {axis = 1 : i64} : (tensor<16x128xf32>) -> tensor<16xf32>
  return
}

// CHECK-LABEL: func.func @tile_scan(
// CHECK: "astra.tile_scan"(%arg0) ({
// CHECK: }) {axis = 0 : i64, reverse = false} : (tensor<128xf32>) -> tensor<128xf32>
func.func @tile_scan(%operand: tensor<128xf32>) {
  %sums = "astra.tile_scan"(%operand) ({
  ^bb0(%lhs: f32, %rhs: f32):
    %0 = arith.addf %lhs, %rhs : f32
    "astra.yield"(%0) : (f32) -> ()
  }) {axis = 0 : i64, reverse = false} : (tensor<128xf32>) -> tensor<128xf32>
  return
}

// CHECK-LABEL: func.func @tile_dot(
// CHECK: "astra.tile_dot"(%arg0, %arg1, %arg2) {precision = "tf32"} : (tensor<64x32xf32>, tensor<32x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
func.func @tile_dot(%a: tensor<64x32xf32>, %b: tensor<32x128xf32>, %acc: tensor<64x128xf32>) {
  %result = "astra.tile_dot"(%a, %b, %acc) {precision = "tf32"}
      : (tensor<64x32xf32>, tensor<32x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
  return
}

// CHECK-LABEL: func.func @tile_gather(
// CHECK: "astra.tile_gather"(%arg0, %arg1) {axis = 0 : i64} : (tensor<64xf32>, tensor<16xi32>) -> tensor<16xf32>
func.func @tile_gather(%source: tensor<64xf32>, %index: tensor<16xi32>) {
  %result = "astra.tile_gather"(%source, %index) {axis = 0 : i64} : (tensor<64xf32>, tensor<16xi32>) -> tensor<16xf32>
  return
}

// CHECK-LABEL: func.func @tile_print(
// CHECK: "astra.tile_print"(%arg0) {prefix = "x: "} : (tensor<16xf32>) -> ()
func.func @tile_print(%x: tensor<16xf32>) {
  "astra.tile_print"(%x) {prefix = "x: "} : (tensor<16xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @tile_assert(
// CHECK: "astra.tile_assert"(%arg0) {message = "index out of range"} : (tensor<16xi1>) -> ()
func.func @tile_assert(%condition: tensor<16xi1>) {
  "astra.tile_assert"(%condition) {message = "index out of range"} : (tensor<16xi1>) -> ()
  return
}

// CHECK-LABEL: func.func @argmax(
// CHECK: "astra.tile_reduce"(%arg0, %arg1) ({
func.func @argmax(%x: tensor<64xf32>, %i: tensor<64xi32>) {
  %r:2 = "astra.tile_reduce"(%x, %i) ({
  ^bb0(%a: f32, %i1: i32, %b: f32, %i2: i32):
    %c = arith.cmpf oge, %a, %b : f32
    %v = arith.select %c, %a, %b : f32
    %n = arith.select %c, %i1, %i2 : i32
    "astra.yield"(%v, %n) : (f32, i32) -> ()
  }) {axis = 0 : i64} : (tensor<64xf32>, tensor<64xi32>) -> (f32, i32)
  return
}

// CHECK-LABEL: func.func @scalars(
// CHECK: "astra.tile_load"(%arg0, %arg1) : (memref<?xui8>, i64) -> i8
func.func @scalars(%p: memref<?xui8>, %i: i64) {
  %x = "astra.tile_load"(%p, %i) : (memref<?xui8>, i64) -> i8
  "astra.tile_store"(%p, %i, %x) : (memref<?xui8>, i64, i8) -> ()
  return
}
