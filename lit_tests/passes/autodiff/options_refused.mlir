// Options that do not fit the function, and values that options cannot have.
// RUN: not %astra-opt %s --astra-autodiff="fn=f" 2>&1 | %filecheck %s --check-prefix=NAME
// RUN: not %astra-opt %s --astra-autodiff="fn=main wrt=0,3" 2>&1 | %filecheck %s --check-prefix=RANGE
// RUN: not %astra-opt %s --astra-autodiff="fn=main wrt=-1" 2>&1 | %filecheck %s --check-prefix=NEGATIVE
// RUN: not %astra-opt %s --astra-autodiff="fn=main wrt=0,1,0" 2>&1 | %filecheck %s --check-prefix=TWICE
// RUN: not %astra-opt %s --astra-autodiff="fn=main mode=forward wrt=2" 2>&1 | %filecheck %s --check-prefix=INTEGER
// RUN: not %astra-opt %s --astra-autodiff="fn=main mode=backward" 2>&1 | %filecheck %s --check-prefix=MODE
// RUN: not %astra-opt %s --astra-autodiff="fn=main policy=save-none" 2>&1 | %filecheck %s --check-prefix=POLICY
// RUN: not %astra-opt %s --astra-autodiff="fn=main while-bound=many" 2>&1 | %filecheck %s --check-prefix=BOUND
// RUN: not %astra-opt %s --astra-autodiff="fn=main argnums=0" 2>&1 | %filecheck %s --check-prefix=OPTION

// NAME:     error: astra-autodiff: the module has no function @f (functions: @main; a private
// RANGE:    error: astra-autodiff: wrt has 3, but @main has 3 arguments
// NEGATIVE: error: astra-autodiff: wrt has -1, but @main has 3 arguments
// TWICE:    error: astra-autodiff: wrt names an argument twice: [0, 1, 0]
// INTEGER:  error: astra-autodiff: argument 2 of @main is tensor<i32>, which has no tangents
// MODE:     error: astra-autodiff: mode 'backward' is not one of forward, reverse
// POLICY:   error: astra-autodiff: policy 'save-none' is not one of save-all, recompute-cheap
// BOUND:    error: astra-autodiff: option 'while-bound': 'many' is not a value of type int
// OPTION:   error: astra-autodiff: no option 'argnums' (options: fn, mode, wrt, policy, while-bound)
func.func @main(%x: tensor<f32>, %y: tensor<f32>, %n: tensor<i32>) -> tensor<f32> {
  %0 = "astra.multiply"(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
