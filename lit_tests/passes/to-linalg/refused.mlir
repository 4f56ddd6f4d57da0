// What has no code for a CPU is refused where it stands: shapes that are known only at run time, element types without
// arithmetic, operations of other systems.
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

// -----

func.func @dynamic_padding(%x: tensor<4xf32>, %v: tensor<f32>, %n: tensor<1xi32>) {
  // expected-error@+1 {{a pad with dynamic amounts has no static shape; compile for fixed amounts}}
  %0 = "astra.pad"(%x, %v, %n, %n, %n) : (tensor<4xf32>, tensor<f32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<6xf32>
  return
}

// -----

func.func @dynamic_window(%x: tensor<1x5x2xf32>, %k: tensor<3x2x3xf32>, %p: tensor<1x2xi64>) {
  // expected-error@+1 {{a convolution with dynamic padding has no static shape; compile for fixed padding}}
  %0 = "astra.convolution"(%x, %k, %p)
      {window_strides = array<i64: 1>, lhs_dilation = array<i64: 1>, rhs_dilation = array<i64: 1>,
       window_reversal = array<i1: false>, input_batch_dimension = 0 : i64, input_feature_dimension = 2 : i64,
       input_spatial_dimensions = array<i64: 1>, kernel_input_feature_dimension = 1 : i64,
       kernel_output_feature_dimension = 2 : i64, kernel_spatial_dimensions = array<i64: 0>,
       output_batch_dimension = 0 : i64, output_feature_dimension = 2 : i64,
       output_spatial_dimensions = array<i64: 1>, feature_group_count = 1 : i64, batch_group_count = 1 : i64}
      : (tensor<1x5x2xf32>, tensor<3x2x3xf32>, tensor<1x2xi64>) -> tensor<1x5x3xf32>
  return
}

// -----

func.func @complex_order(%x: tensor<4xcomplex<f32>>) {
  // expected-error@+1 {{complex numbers only compare for equality}}
  %0 = "astra.compare"(%x, %x) {direction = "LT", compare_type = "FLOAT"} : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xi1>
  return
}

// -----

func.func @complex_bits(%x: tensor<4xcomplex<f64>>) {
  // expected-error@+1 {{bit casts of complex numbers; use real and imag}}
  %0 = "astra.bitcast_convert"(%x) : (tensor<4xcomplex<f64>>) -> tensor<4x2xcomplex<f32>>
  return
}

// -----

func.func @no_function(%x: tensor<4xcomplex<f32>>) {
  // expected-error@+1 {{'remainder' is not defined on elements of type complex<f32>}}
  %0 = "astra.remainder"(%x, %x) : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return
}
