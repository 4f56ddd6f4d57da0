// RUN: %astra-opt %s --astra-to-linalg --split-input-file --verify-diagnostics

func.func @dynamic(%x: tensor<4xf32>, %n: tensor<1xi32>) {
  // expected-error@+1 {{'astra.iota' at}}
  %0 = "astra.iota"(%n) {dimension = 0} : (tensor<1xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @no_rule(%x: tensor<4xf32>) {
  // expected-error@+1 {{no lowering to linalg}}
  %0:2 = "astra.top_k"(%x) {k = 2, largest = true} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>)
  return
}

// -----

func.func @dynamic_bounds(%x: tensor<4xf32>, %i: tensor<1xi32>) {
  // expected-error@+1 {{a slice with dynamic bounds has no static shape; use dynamic_slice}}
  %0 = "astra.slice"(%x, %i, %i, %i) {start_indices = array<i64: 0>, limit_indices = array<i64: 2>, strides = array<i64: 1>} : (tensor<4xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @type(%x: tensor<4xf32>) {
  // expected-error@+1 {{element type f6E3M2FN has no CPU lowering}}
  %0 = "astra.convert"(%x) : (tensor<4xf32>) -> tensor<4xf6E3M2FN>
  return
}

// -----

func.func @custom_call(%x: tensor<4xf32>) {
  // expected-error@+1 {{there is no CPU code for custom call 'foreign'}}
  %0 = "astra.custom_call"(%x) {call_target_name = "foreign", has_side_effect = false} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @set_dimension_size(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error@+1 {{a size set at run time makes the shape dynamic}}
  %0 = "astra.set_dimension_size"(%x, %n) {dimension = 0} : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return
}
