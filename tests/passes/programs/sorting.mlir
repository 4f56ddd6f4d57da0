// StableHLO programs: sorting (their form is in ../stablehlo_programs.py).

// program: sort_plain; bi; interpreter
func.func @main(%a: tensor<3x9xT>) -> (tensor<3x9xT>, tensor<3x9xT>) {
  %0 = "stablehlo.sort"(%a) <{dimension = -1 : i64, is_stable = false}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  %1 = "stablehlo.sort"(%a) <{dimension = 0 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %r = stablehlo.compare GT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  return %0, %1 : tensor<3x9xT>, tensor<3x9xT>
}
// program: sort_total_order; f; jax
func.func @main(%a: tensor<3x9xT>) -> (tensor<3x9xT>, tensor<3x9xi32>) {
  %i = stablehlo.iota dim = 1 : tensor<3x9xi32>
  %0:2 = "stablehlo.sort"(%a, %i) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>, %p: tensor<i32>, %q: tensor<i32>):
    %r = stablehlo.compare GT, %x, %y, TOTALORDER : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>, tensor<3x9xi32>) -> (tensor<3x9xT>, tensor<3x9xi32>)
  return %0#0, %0#1 : tensor<3x9xT>, tensor<3x9xi32>
}
// program: sort_two_keys; if,f8E4M3FN,f8E5M2; interpreter
func.func @main(%a: tensor<3x9xi32>, %b: tensor<3x9xT>) -> (tensor<3x9xi32>, tensor<3x9xT>) {
  %0:2 = "stablehlo.sort"(%a, %b) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%p: tensor<i32>, %q: tensor<i32>, %x: tensor<T>, %y: tensor<T>):
    %1 = stablehlo.compare LT, %p, %q : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %2 = stablehlo.compare EQ, %p, %q : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %3 = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %4 = stablehlo.and %2, %3 : tensor<i1>
    %5 = stablehlo.or %1, %4 : tensor<i1>
    stablehlo.return %5 : tensor<i1>
  }) : (tensor<3x9xi32>, tensor<3x9xT>) -> (tensor<3x9xi32>, tensor<3x9xT>)
  return %0#0, %0#1 : tensor<3x9xi32>, tensor<3x9xT>
}
// program: sort_custom; f32,i32; interpreter
func.func @main(%a: tensor<3x9xT>) -> tensor<3x9xT> {
  %0 = "stablehlo.sort"(%a) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.multiply %x, %x : tensor<T>
    %q = stablehlo.multiply %y, %y : tensor<T>
    %r = stablehlo.compare LT, %p, %q : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) : (tensor<3x9xT>) -> tensor<3x9xT>
  return %0 : tensor<3x9xT>
}
// program: sort_with_value_from_outside; f32,i32; interpreter
func.func @main(%a: tensor<4x5xT>, %b: tensor<4x5xT>, %c: tensor<T>) -> (tensor<4x5xT>, tensor<4x5xT>) {
  %0:2 = "stablehlo.sort"(%a, %b) <{dimension = 0 : i64, is_stable = true}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>, %p: tensor<T>, %q: tensor<T>):
    %u = stablehlo.multiply %x, %c : tensor<T>
    %v = stablehlo.multiply %y, %c : tensor<T>
    %1 = stablehlo.compare LT, %u, %v : (tensor<T>, tensor<T>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }) : (tensor<4x5xT>, tensor<4x5xT>) -> (tensor<4x5xT>, tensor<4x5xT>)
  return %0#0, %0#1 : tensor<4x5xT>, tensor<4x5xT>
}
