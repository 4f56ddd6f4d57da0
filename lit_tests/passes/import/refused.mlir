// What Astra does not do is refused by name, with the place and a way forward.
// RUN: not %astra-opt %s --astra-import --split-input-file 2>&1 | %filecheck %s

// CHECK: 'stablehlo.cross-replica-sum' cannot be converted: use all_reduce
func.func @sum(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.cross-replica-sum"(%x) <{replica_groups = dense<0> : tensor<1x1xi64>}> : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK: 'stablehlo.uniform_quantize' cannot be converted: quantized types are not supported
func.func @quantize(%x: tensor<2xf32>) {
  %0 = stablehlo.uniform_quantize %x : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  return
}

// -----

// CHECK: 'stablehlo.get_tuple_element' cannot be converted: the tuple is made outside of this function; give the function one argument an element instead
func.func @tuple() -> tensor<2xf32> {
  %0 = call @make() : () -> tuple<tensor<2xf32>>
  %1 = stablehlo.get_tuple_element %0[0] : (tuple<tensor<2xf32>>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
func.func private @make() -> tuple<tensor<2xf32>>
