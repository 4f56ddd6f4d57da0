// Custom calls @astra.* that are no operation of the dialect are refused, each with what is wrong with it.
// RUN: %astra-opt %s --astra-import --split-input-file --verify-diagnostics

func.func @unknown(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'astra.no_such' is none of the operations that custom calls stand for (astra.jvp, astra.vjp,}}
  %0 = stablehlo.custom_call @astra.no_such(%x) {api_version = 4 : i32, backend_config = {}}
      : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @text(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{the backend_config of @astra.checkpoint must be a dictionary of attributes, but is "callee"}}
  %0 = stablehlo.custom_call @astra.checkpoint(%x) {backend_config = "callee", called_computations = [@text]}
      : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @lacking(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{the backend_config of @astra.vjp lacks 'argnums'}}
  %0 = stablehlo.custom_call @astra.vjp(%x) {
    api_version = 4 : i32, called_computations = [@lacking], backend_config = {symbols = ["callee"]}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @counts(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{@astra.custom_jvp has 1 called_computations, but 'symbols' in its backend_config names 2}}
  %0 = stablehlo.custom_call @astra.custom_jvp(%x) {
    api_version = 4 : i32, called_computations = [@counts], backend_config = {symbols = ["callee", "jvp"]}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @no_strings(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'symbols' in the backend_config of @astra.checkpoint must be an array of strings, but is 1 : i64}}
  %0 = stablehlo.custom_call @astra.checkpoint(%x) {
    api_version = 4 : i32, called_computations = [@no_strings], backend_config = {symbols = 1 : i64}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @no_function(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'symbols' in the backend_config of @astra.checkpoint has 'jvp', which is no function of it}}
  %0 = stablehlo.custom_call @astra.checkpoint(%x) {
    api_version = 4 : i32, called_computations = [@no_function], backend_config = {symbols = ["jvp"]}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @no_attribute(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{the backend_config of @astra.checkpoint has 'argnums', which is no attribute of it}}
  %0 = stablehlo.custom_call @astra.checkpoint(%x) {
    api_version = 4 : i32, called_computations = [@no_attribute],
    backend_config = {symbols = ["callee"], argnums = array<i64: 0>}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @kind(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'argnums' in the backend_config of @astra.vjp must be array of i64, but is "0"}}
  %0 = stablehlo.custom_call @astra.vjp(%x) {
    api_version = 4 : i32, called_computations = [@kind], backend_config = {symbols = ["callee"], argnums = "0"}
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
