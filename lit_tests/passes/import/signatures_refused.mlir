// Types that Astra does not have are refused where a function names them.
// RUN: not %astra-opt %s --astra-import --split-input-file 2>&1 | %filecheck %s

// CHECK: function 'quantized': argument 0 has type tensor<2x!quant.uniform<i8:f32, 1.000000e+00>>: quantized types are not supported; run stablehlo-legalize-quant-to-math first
func.func @quantized(%x: tensor<2x!quant.uniform<i8:f32, 1.0>>) {
  return
}

// -----

// CHECK: function 'tuple': result 0 has type tuple<tensor<f32>>: tuples in signatures are not supported
func.func @tuple(%x: tensor<f32>) -> tuple<tensor<f32>> {
  %0 = stablehlo.tuple %x : tuple<tensor<f32>>
  return %0 : tuple<tensor<f32>>
}

// -----

// CHECK: function 'unranked': argument 0 has type tensor<*xf32>: tensors of unknown rank are not supported
func.func @unranked(%x: tensor<*xf32>) {
  return
}
