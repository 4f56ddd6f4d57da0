// StableHLO programs: random numbers (their form is in ../stablehlo_programs.py).

// program: rng; f32,i32; none
func.func @main(%a: tensor<T>, %b: tensor<T>) -> tensor<2x3xT> {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.rng %a, %b, %s, distribution = UNIFORM : (tensor<T>, tensor<T>, tensor<2xi64>) -> tensor<2x3xT>
  return %0 : tensor<2x3xT>
}
// program: rng_bit_generator; ui32,ui64; jax
func.func @main(%a: tensor<2xui64>) -> (tensor<2xui64>, tensor<2x3xT>) {
  %0:2 = stablehlo.rng_bit_generator %a, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<2x3xT>)
  return %0#0, %0#1 : tensor<2xui64>, tensor<2x3xT>
}
