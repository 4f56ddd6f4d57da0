// StableHLO programs: calls, tuples, barriers and other operations without a family (their form is in ../stablehlo_programs.py).

// program: map; f,i32,ui8; interpreter
func.func @main(%a: tensor<3x2xT>, %b: tensor<3x2xT>, %c: tensor<T>) -> tensor<3x2xT> {
  %0 = "stablehlo.map"(%a, %b) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%x: tensor<T>, %y: tensor<T>):
    %p = stablehlo.compare LT, %x, %y : (tensor<T>, tensor<T>) -> tensor<i1>
    %q = stablehlo.add %x, %c : tensor<T>
    %i = stablehlo.constant dense<3> : tensor<i32>
    %k = stablehlo.convert %i : (tensor<i32>) -> tensor<T>
    %m = stablehlo.multiply %q, %k : tensor<T>
    %r = stablehlo.select %p, %m, %y : tensor<i1>, tensor<T>
    stablehlo.return %r : tensor<T>
  }) : (tensor<3x2xT>, tensor<3x2xT>) -> tensor<3x2xT>
  return %0 : tensor<3x2xT>
}
// program: composite; f32,i32; interpreter
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.composite "my.double" %a {decomposition = @double, version = 1 : i32} : (tensor<3xT>) -> tensor<3xT>
  return %0 : tensor<3xT>
}
func.func private @double(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.add %a, %a : tensor<3xT>
  return %0 : tensor<3xT>
}
// program: call; f32,i32; interpreter
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = func.call @double(%a) : (tensor<3xT>) -> tensor<3xT>
  %1 = func.call @double(%0) : (tensor<3xT>) -> tensor<3xT>
  return %1 : tensor<3xT>
}
func.func private @double(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.add %a, %a : tensor<3xT>
  return %0 : tensor<3xT>
}
// program: tuple; f32,i32; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<2xi32>) -> (tensor<2xi32>, tensor<3xT>) {
  %0 = stablehlo.tuple %a, %b : tuple<tensor<3xT>, tensor<2xi32>>
  %1 = stablehlo.tuple %0, %a : tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>
  %2 = stablehlo.get_tuple_element %1[0] : (tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>) -> tuple<tensor<3xT>, tensor<2xi32>>
  %3 = stablehlo.get_tuple_element %2[1] : (tuple<tensor<3xT>, tensor<2xi32>>) -> tensor<2xi32>
  %4 = stablehlo.get_tuple_element %1[1] : (tuple<tuple<tensor<3xT>, tensor<2xi32>>, tensor<3xT>>) -> tensor<3xT>
  return %3, %4 : tensor<2xi32>, tensor<3xT>
}
// program: optimization_barrier; bifc; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<2xi32>) -> (tensor<3xT>, tensor<2xi32>) {
  %0:2 = stablehlo.optimization_barrier %a, %b : tensor<3xT>, tensor<2xi32>
  return %0#0, %0#1 : tensor<3xT>, tensor<2xi32>
}
// program: custom_call; f32; none
func.func @main(%a: tensor<3xT>) -> tensor<3xT> {
  %0 = stablehlo.custom_call @Sharding(%a) {mhlo.sharding = "{replicated}"} : (tensor<3xT>) -> tensor<3xT>
  stablehlo.custom_call @check.expect_eq(%0, %a) {has_side_effect = true} : (tensor<3xT>, tensor<3xT>) -> ()
  %1 = stablehlo.custom_call @other(%0) {backend_config = "x", api_version = 2 : i32} : (tensor<3xT>) -> tuple<tensor<3xT>, tensor<i32>>
  %2 = stablehlo.get_tuple_element %1[0] : (tuple<tensor<3xT>, tensor<i32>>) -> tensor<3xT>
  return %2 : tensor<3xT>
}
