// Reductions by a known function get a kind; the others keep their region.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @kinds
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK-NEXT: }) {dimensions = array<i64: 1>, kind = "add"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<4xf32>
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0, 1>, kind = "maximum"} : (tensor<4x5xf32>, tensor<f32>) -> tensor<f32>
func.func @kinds(%x: tensor<4x5xf32>, %i: tensor<f32>) {
  %0 = stablehlo.reduce(%x init: %i) applies stablehlo.add across dimensions = [1] : (tensor<4x5xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "stablehlo.reduce"(%x, %i) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %2 = stablehlo.maximum %b, %a : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<4x5xf32>, tensor<f32>) -> tensor<f32>
  return
}

// Of truth values, the sum is a logical or.
// CHECK-LABEL: func.func @logical
// CHECK: }) {dimensions = array<i64: 0>, kind = "or"} : (tensor<4xi1>, tensor<i1>) -> tensor<i1>
func.func @logical(%x: tensor<4xi1>, %i: tensor<i1>) -> tensor<i1> {
  %0 = stablehlo.reduce(%x init: %i) applies stablehlo.add across dimensions = [0] : (tensor<4xi1>, tensor<i1>) -> tensor<i1>
  return %0 : tensor<i1>
}

// Several operands that do not meet are reduced one by one.
// CHECK-LABEL: func.func @two
// CHECK: %[[A:.*]] = "astra.reduce"(%arg0, %arg2)
// CHECK: kind = "add"
// CHECK: %[[B:.*]] = "astra.reduce"(%arg1, %arg3)
// CHECK: kind = "minimum"
// CHECK: return %[[A]], %[[B]]
func.func @two(%x: tensor<4xf32>, %y: tensor<4xi32>, %i: tensor<f32>, %j: tensor<i32>) -> (tensor<f32>, tensor<i32>) {
  %0:2 = stablehlo.reduce(%x init: %i), (%y init: %j) across dimensions = [0] : (tensor<4xf32>, tensor<4xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>) {
    %1 = stablehlo.add %a, %b : tensor<f32>
    %2 = stablehlo.minimum %c, %d : tensor<i32>
    stablehlo.return %1, %2 : tensor<f32>, tensor<i32>
  }
  return %0#0, %0#1 : tensor<f32>, tensor<i32>
}

// CHECK-LABEL: func.func @custom
// CHECK: "astra.reduce"(%arg0, %arg1) ({
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<f32>, %[[B:.*]]: tensor<f32>):
// CHECK-NEXT: %[[C:.*]] = "astra.subtract"(%[[A]], %[[B]])
// CHECK-NEXT: "astra.yield"(%[[C]]) : (tensor<f32>) -> ()
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "custom"}
func.func @custom(%x: tensor<4xf32>, %i: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.reduce(%x init: %i) across dimensions = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
   reducer(%a: tensor<f32>, %b: tensor<f32>) {
    %1 = stablehlo.subtract %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }
  return %0 : tensor<f32>
}

// JAX's argmax: NaN wins, and of equal values the one with the lower index.
// CHECK-LABEL: func.func @argmax
// CHECK: "astra.reduce"(%arg0, %arg1, %arg2, %arg3) ({
// CHECK-NEXT: }) {dimensions = array<i64: 0>, kind = "argmax"}
func.func @argmax(%x: tensor<8xf32>, %k: tensor<8xi32>, %i: tensor<f32>, %j: tensor<i32>) -> tensor<i32> {
  %0:2 = stablehlo.reduce(%x init: %i), (%k init: %j) across dimensions = [0] : (tensor<8xf32>, tensor<8xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>) {
    %2 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %3 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %4 = stablehlo.or %2, %3 : tensor<i1>
    %5 = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %6 = stablehlo.compare LT, %c, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %7 = stablehlo.and %5, %6 : tensor<i1>
    %8 = stablehlo.or %4, %7 : tensor<i1>
    %9 = stablehlo.select %4, %a, %b : tensor<i1>, tensor<f32>
    %10 = stablehlo.select %8, %c, %d : tensor<i1>, tensor<i32>
    stablehlo.return %9, %10 : tensor<f32>, tensor<i32>
  }
  return %0#1 : tensor<i32>
}

// Without the test for NaN it is another function of floats.
// CHECK-LABEL: func.func @not_argmax
// CHECK: kind = "custom"
func.func @not_argmax(%x: tensor<8xf32>, %k: tensor<8xi32>, %i: tensor<f32>, %j: tensor<i32>) -> tensor<i32> {
  %0:2 = stablehlo.reduce(%x init: %i), (%k init: %j) across dimensions = [0] : (tensor<8xf32>, tensor<8xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>) {
    %2 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %9 = stablehlo.select %2, %a, %b : tensor<i1>, tensor<f32>
    %10 = stablehlo.select %2, %c, %d : tensor<i1>, tensor<i32>
    stablehlo.return %9, %10 : tensor<f32>, tensor<i32>
  }
  return %0#1 : tensor<i32>
}
