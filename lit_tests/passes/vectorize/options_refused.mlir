// Options that do not fit the program are refused.
// RUN: not %astra-opt %s --astra-vectorize="fn=main in-axes=0 axis-size=-3" 2>&1 | %filecheck %s --check-prefix=SIZE
// RUN: not %astra-opt %s --astra-vectorize="in-axes=0 axis-size=8" 2>&1 | %filecheck %s --check-prefix=FN
// RUN: not %astra-opt %s --astra-vectorize="fn=f axis-size=8" 2>&1 | %filecheck %s --check-prefix=NAME
// RUN: not %astra-opt %s --astra-vectorize="fn=main in-axes=0 axis-size=8" 2>&1 | %filecheck %s --check-prefix=COUNT
// RUN: not %astra-opt %s --astra-vectorize="fn=main in-axes=0,3 axis-size=8" 2>&1 | %filecheck %s --check-prefix=RANGE
// RUN: not %astra-opt %s --astra-vectorize="fn=main in-axes=0,-1 out-axes=0,-1 axis-size=8" 2>&1 | %filecheck %s --check-prefix=SHARED
// RUN: not %astra-opt %s --astra-vectorize="fn=g axis-size=8" 2>&1 | %filecheck %s --check-prefix=USED

// SIZE: error: astra-vectorize: axis-size must not be negative, but is -3
// FN: error: astra-vectorize: in-axes, out-axes and axis-size are those of a function; give it as fn=<name>
// NAME: error: astra-vectorize: the module has no function @f (functions: @main, @g; a private
// COUNT: error: @main has 2 arguments, but there are 1 in axes: [0]
// RANGE: error: in axis 3 of argument 1 of @main, tensor<2xf32>, is not from 0 to 1 (or -1 for what is not batched)
// SHARED: options_refused.mlir:19:{{[0-9]+}}: result 1 of @main differs between applications, but its out axis is -1, which demands one value for all; give it an out axis of 0 or more
// USED: options_refused.mlir:18:{{[0-9]+}}: astra-vectorize: 'func.call' uses @g, which cannot be replaced then; vectorize the function that uses it, or write an astra.vmap of it
func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = func.call @g(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "astra.add"(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}
func.func @g(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
