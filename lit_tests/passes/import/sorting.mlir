// Lexicographic comparators become kinds.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @integers
// CHECK: "astra.sort"(%arg0) ({
// CHECK-NEXT: }) {dimension = 1 : i64, is_stable = true, kind = "descending", num_keys = 1 : i64}
func.func @integers(%x: tensor<4x8xi32>) -> tensor<4x8xi32> {
  %0 = "stablehlo.sort"(%x) <{dimension = -1 : i64, is_stable = true}> ({
  ^bb0(%a: tensor<i32>, %b: tensor<i32>):
    %r = stablehlo.compare GT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<4x8xi32>) -> tensor<4x8xi32>
  return %0 : tensor<4x8xi32>
}

// JAX's order of floats, and a second key; constants may come from outside of the region.
// CHECK-LABEL: func.func @two_keys
// CHECK: "astra.sort"(%arg0, %arg1, %arg1) ({
// CHECK-NEXT: }) {dimension = 0 : i64, is_stable = false, kind = "ascending", num_keys = 2 : i64}
func.func @two_keys(%x: tensor<8xf32>, %k: tensor<8xi32>) {
  %nan = stablehlo.constant dense<0x7FC00000> : tensor<f32>
  %0:3 = "stablehlo.sort"(%x, %k, %k) <{dimension = 0 : i64, is_stable = false}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>, %e: tensor<i32>, %f: tensor<i32>):
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = stablehlo.compare EQ, %a, %zero, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %2 = stablehlo.select %1, %zero, %a : tensor<i1>, tensor<f32>
    %3 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %4 = stablehlo.select %3, %nan, %2 : tensor<i1>, tensor<f32>
    %5 = stablehlo.compare EQ, %b, %zero, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %6 = stablehlo.select %5, %zero, %b : tensor<i1>, tensor<f32>
    %7 = stablehlo.compare NE, %b, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %8 = stablehlo.select %7, %nan, %6 : tensor<i1>, tensor<f32>
    %9 = stablehlo.compare LT, %c, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %10 = stablehlo.compare LT, %4, %8, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %11 = stablehlo.compare EQ, %4, %8, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %12 = stablehlo.and %11, %9 : tensor<i1>
    %13 = stablehlo.or %10, %12 : tensor<i1>
    stablehlo.return %13 : tensor<i1>
  }) : (tensor<8xf32>, tensor<8xi32>, tensor<8xi32>) -> (tensor<8xf32>, tensor<8xi32>, tensor<8xi32>)
  return
}

// The IEEE total order tells signs of NaN and zero apart, which the kind does not: integers with that order are sorted.
// CHECK-LABEL: func.func @total_order
// CHECK-NEXT: %[[BITS:.*]] = "astra.bitcast_convert"(%arg0) : (tensor<8xf32>) -> tensor<8xi32>
// CHECK: %[[KEY:.*]] = "astra.xor"(%[[BITS]], {{.*}})
// CHECK-NEXT: %[[SORTED:.*]] = "astra.sort"(%[[KEY]]) ({
// CHECK-NEXT: }) {dimension = 0 : i64, is_stable = true, kind = "descending", num_keys = 1 : i64} : (tensor<8xi32>) -> tensor<8xi32>
// CHECK: %[[BACK:.*]] = "astra.xor"(%[[SORTED]], {{.*}})
// CHECK-NEXT: "astra.bitcast_convert"(%[[BACK]]) : (tensor<8xi32>) -> tensor<8xf32>
func.func @total_order(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "stablehlo.sort"(%x) <{dimension = 0 : i64, is_stable = true}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %r = stablehlo.compare GT, %a, %b, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @custom
// CHECK: "astra.sort"(%arg0) ({
// CHECK-NEXT: ^bb0
// CHECK: kind = "custom"
func.func @custom(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "stablehlo.sort"(%x) <{dimension = 0 : i64, is_stable = true}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = stablehlo.abs %a : tensor<f32>
    %r = stablehlo.compare LT, %c, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
