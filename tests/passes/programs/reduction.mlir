// StableHLO programs: reductions, windows and cumulative operations (their form is in ../stablehlo_programs.py).

// program: reduce_add; bifc; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> tensor<4xT> {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.add across dimensions = [1] : (tensor<4x5xT>, tensor<T>) -> tensor<4xT>
  return %0 : tensor<4xT>
}
// program: reduce_kinds; bif; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<5xT>, tensor<5xT>, tensor<T>) {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.maximum across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %1 = stablehlo.reduce(%a init: %i) applies stablehlo.minimum across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %2 = stablehlo.reduce(%a init: %i) applies stablehlo.multiply across dimensions = [0, 1] : (tensor<4x5xT>, tensor<T>) -> tensor<T>
  return %0, %1, %2 : tensor<5xT>, tensor<5xT>, tensor<T>
}
// program: reduce_logical; bi; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<5xT>, tensor<5xT>, tensor<5xT>) {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.and across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %1 = stablehlo.reduce(%a init: %i) applies stablehlo.or across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  %2 = stablehlo.reduce(%a init: %i) applies stablehlo.xor across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
  return %0, %1, %2 : tensor<5xT>, tensor<5xT>, tensor<5xT>
}
// program: reduce_argmax; if; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<4xT>, tensor<4xi32>) {
  %k = stablehlo.iota dim = 1 : tensor<4x5xi32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.reduce(%a init: %i), (%k init: %z) across dimensions = [1] : (tensor<4x5xT>, tensor<4x5xi32>, tensor<T>, tensor<i32>) -> (tensor<4xT>, tensor<4xi32>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<i32>, %n: tensor<i32>) {
    %2 = stablehlo.compare GT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %3 = stablehlo.compare NE, %x, %x : (tensor<T>, tensor<T>) -> tensor<i1>
    %4 = stablehlo.or %2, %3 : tensor<i1>
    %5 = stablehlo.compare EQ, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %6 = stablehlo.compare LT, %m, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %7 = stablehlo.and %5, %6 : tensor<i1>
    %8 = stablehlo.or %4, %7 : tensor<i1>
    %9 = stablehlo.select %4, %x, %y : tensor<i1>, tensor<T>
    %10 = stablehlo.select %8, %m, %n : tensor<i1>, tensor<i32>
    stablehlo.return %9, %10 : tensor<T>, tensor<i32>
  }
  return %0#0, %0#1 : tensor<4xT>, tensor<4xi32>
}
// program: reduce_argmin_of_pytorch; i; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> (tensor<4xT>, tensor<4xi64>) {
  %k = stablehlo.iota dim = 1 : tensor<4x5xi64>
  %z = stablehlo.constant dense<0> : tensor<i64>
  %0:2 = stablehlo.reduce(%a init: %i), (%k init: %z) across dimensions = [1] : (tensor<4x5xT>, tensor<4x5xi64>, tensor<T>, tensor<i64>) -> (tensor<4xT>, tensor<4xi64>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<i64>, %n: tensor<i64>) {
    %2 = stablehlo.compare LE, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %3 = stablehlo.select %2, %x, %y : tensor<i1>, tensor<T>
    %4 = stablehlo.compare EQ, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %5 = stablehlo.minimum %m, %n : tensor<i64>
    %6 = stablehlo.select %2, %m, %n : tensor<i1>, tensor<i64>
    %7 = stablehlo.select %4, %5, %6 : tensor<i1>, tensor<i64>
    stablehlo.return %3, %7 : tensor<T>, tensor<i64>
  }
  return %0#0, %0#1 : tensor<4xT>, tensor<4xi64>
}
// program: reduce_two; if; interpreter
func.func @main(%a: tensor<4x5xT>, %b: tensor<4x5xf32>, %i: tensor<T>, %j: tensor<f32>) -> (tensor<5xT>, tensor<5xf32>) {
  %0:2 = stablehlo.reduce(%a init: %i), (%b init: %j) across dimensions = [0] : (tensor<4x5xT>, tensor<4x5xf32>, tensor<T>, tensor<f32>) -> (tensor<5xT>, tensor<5xf32>)
   reducer(%x: tensor<T>, %y: tensor<T>) (%m: tensor<f32>, %n: tensor<f32>) {
    %2 = stablehlo.maximum %x, %y : tensor<T>
    %3 = stablehlo.add %n, %m : tensor<f32>
    stablehlo.return %2, %3 : tensor<T>, tensor<f32>
  }
  return %0#0, %0#1 : tensor<5xT>, tensor<5xf32>
}
// program: reduce_custom; if; interpreter
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>, %c: tensor<T>) -> tensor<5xT> {
  %0 = stablehlo.reduce(%a init: %i) across dimensions = [0] : (tensor<4x5xT>, tensor<T>) -> tensor<5xT>
   reducer(%x: tensor<T>, %y: tensor<T>) {
    %2 = stablehlo.subtract %x, %c : tensor<T>
    %3 = stablehlo.add %2, %y : tensor<T>
    stablehlo.return %3 : tensor<T>
  }
  return %0 : tensor<5xT>
}
// program: reduce_promoting; f16,bf16; none
func.func @main(%a: tensor<4x5xT>, %i: tensor<T>) -> tensor<5xf32> {
  %0 = "stablehlo.reduce"(%a, %i) <{dimensions = array<i64: 0>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %r = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %r : tensor<f32>
  }) : (tensor<4x5xT>, tensor<T>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
// program: reduce_window; if; interpreter
func.func @main(%a: tensor<6x7xT>, %i: tensor<T>) -> tensor<5x4xT> {
  %0 = "stablehlo.reduce_window"(%a, %i) <{window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>, window_dilations = array<i64: 1, 1>, padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.maximum %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<6x7xT>, tensor<T>) -> tensor<5x4xT>
  return %0 : tensor<5x4xT>
}
// program: reduce_window_dilated_custom; f32,i32; interpreter
func.func @main(%a: tensor<3x4xT>, %i: tensor<T>) -> tensor<2x5xT> {
  %0 = "stablehlo.reduce_window"(%a, %i) <{window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>, base_dilations = array<i64: 2, 1>, window_dilations = array<i64: 3, 1>, padding = dense<[[1, 1], [0, 1]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.add %x, %q : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x4xT>, tensor<T>) -> tensor<2x5xT>
  return %0 : tensor<2x5xT>
}
// program: cumulative_integer; i; interpreter
func.func @main(%a: tensor<3x5xT>) -> (tensor<3x5xT>, tensor<3x5xT>) {
  %k = stablehlo.constant dense<0> : tensor<T>
  %0 = "stablehlo.reduce_window"(%a, %k) <{window_dimensions = array<i64: 1, 5>, padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  %1 = "stablehlo.reduce_window"(%a, %k) <{window_dimensions = array<i64: 3, 1>, padding = dense<[[0, 2], [0, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  return %0, %1 : tensor<3x5xT>, tensor<3x5xT>
}
// program: cumulative_float; f; interpreter
func.func @main(%a: tensor<3x5xT>) -> (tensor<3x5xT>, tensor<3x5xT>) {
  %0 = stablehlo.constant dense<0.0> : tensor<T>
  %1 = stablehlo.constant dense<1.0> : tensor<T>
  %2 = "stablehlo.reduce_window"(%a, %0) <{window_dimensions = array<i64: 1, 5>, padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  %3 = "stablehlo.reduce_window"(%a, %1) <{window_dimensions = array<i64: 3, 1>, padding = dense<[[0, 2], [0, 0]]> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.multiply %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x5xT>, tensor<T>) -> tensor<3x5xT>
  return %2, %3 : tensor<3x5xT>, tensor<3x5xT>
}
// program: select_and_scatter; f,i32,ui8; interpreter
func.func @main(%a: tensor<5x6xT>, %s: tensor<2x3xT>, %i: tensor<T>) -> tensor<5x6xT> {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %i) <{window_dimensions = array<i64: 3, 2>, window_strides = array<i64: 2, 2>, padding = dense<0> : tensor<2x2xi64>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare GE, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }, {
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.add %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<5x6xT>, tensor<2x3xT>, tensor<T>) -> tensor<5x6xT>
  return %0 : tensor<5x6xT>
}
// program: select_and_scatter_custom; f32,i32; interpreter
func.func @main(%a: tensor<4x6xT>, %s: tensor<2x3xT>, %i: tensor<T>) -> tensor<4x6xT> {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %i) <{window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 2, 2>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.multiply %x, %x : tensor<T>
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.compare LE, %p, %q : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }, {
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.subtract %x, %y : tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<4x6xT>, tensor<2x3xT>, tensor<T>) -> tensor<4x6xT>
  return %0 : tensor<4x6xT>
}
