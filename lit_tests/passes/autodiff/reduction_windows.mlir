// Window reductions and cumulative operations.
// RUN: %astra-opt %s --astra-autodiff | %filecheck %s

// A window sum is transposed by a window sum of the cotangent, spread by the strides.
// CHECK-LABEL: func.func @sums_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce_window"(%arg1, %[[V0]]) ({
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 1>, kind = "add", padding = array<i64: 0, 0, 1, 1>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: return %[[V1]] : tensor<4x5xf32>
func.func @sums_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4x5xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @sums, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>)
  return %0#1 : tensor<4x5xf32>
}
// CHECK-LABEL: func.func @sums_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.reduce_window"(%arg1, %[[V0]]) ({
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 2>, kind = "add", padding = array<i64: 0, 0, 0, 0>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 1>}
// CHECK-NEXT: return %[[V1]] : tensor<4x8xf32>
func.func @sums_reverse(%x: tensor<4x8xf32>, %c: tensor<4x5xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @sums, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @sums(%x: tensor<4x8xf32>) -> tensor<4x5xf32> {
  %init = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce_window"(%x, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "add"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// The tangent goes along with the first element that is the largest; the cotangent is sent back to it.
// CHECK-LABEL: func.func @maxima_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]]:2 = "astra.reduce_window"(%arg0, %arg1, %[[V0]], %[[V1]]) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>, %arg4: tensor<f32>, %arg5: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.compare"(%arg2, %arg4) {compare_type = "FLOAT", direction = "GE"}
// CHECK-NEXT:   %[[V4:.*]] = "astra.select"(%[[V3]], %arg2, %arg4)
// CHECK-NEXT:   %[[V5:.*]] = "astra.select"(%[[V3]], %arg3, %arg5)
// CHECK-NEXT:   "astra.yield"(%[[V4]], %[[V5]])
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 1>, kind = "custom", padding = array<i64: 0, 0, 1, 1>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: return %[[V2]]#1 : tensor<4x5xf32>
func.func @maxima_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4x5xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @maxima, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>)
  return %0#1 : tensor<4x5xf32>
}
// CHECK-LABEL: func.func @maxima_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.select_and_scatter"(%arg0, %arg1, %[[V0]]) ({
// CHECK-NEXT: }, {
// CHECK-NEXT: }) {padding = array<i64: 0, 0, 1, 1>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: return %[[V1]] : tensor<4x8xf32>
func.func @maxima_reverse(%x: tensor<4x8xf32>, %c: tensor<4x5xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @maxima, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @maxima(%x: tensor<4x8xf32>) -> tensor<4x5xf32> {
  %init = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce_window"(%x, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// Windows with holes have no select_and_scatter: the number of the largest element goes along.
// CHECK-LABEL: func.func @dilated_maxima_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.iota"() {dimension = 0 : i64}
// CHECK-NEXT: %[[V2:.*]] = "astra.reshape"(%[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<32> : tensor<i32>}
// CHECK-NEXT: %[[V4:.*]]:2 = "astra.reduce_window"(%arg0, %[[V2]], %[[V0]], %[[V3]]) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<f32>, %arg3: tensor<i32>, %arg4: tensor<f32>, %arg5: tensor<i32>):
// CHECK-NEXT:   %[[V8:.*]] = "astra.compare"(%arg2, %arg4) {compare_type = "FLOAT", direction = "GE"}
// CHECK-NEXT:   %[[V9:.*]] = "astra.select"(%[[V8]], %arg2, %arg4)
// CHECK-NEXT:   %[[V10:.*]] = "astra.select"(%[[V8]], %arg3, %arg5)
// CHECK-NEXT:   "astra.yield"(%[[V9]], %[[V10]])
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 1>, kind = "custom", padding = array<i64: 0, 0, 0, 1>, window_dilations = array<i64: 1, 2>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<32xf32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.scatter"(%[[V5]], %[[V4]]#1, %arg1) ({
// CHECK-NEXT: }) {index_vector_dim = 2 : i64, input_batching_dims = array<i64>, inserted_window_dims = array<i64: 0>, kind = "add", scatter_dims_to_operand_dims = array<i64: 0>, scatter_indices_batching_dims = array<i64>, update_window_dims = array<i64>}
// CHECK-NEXT: %[[V7:.*]] = "astra.reshape"(%[[V6]])
// CHECK-NEXT: return %[[V7]] : tensor<4x8xf32>
func.func @dilated_maxima_reverse(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @dilated_maxima, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @dilated_maxima(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %init = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce_window"(%x, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 1>, kind = "maximum"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// Other combiners are written out, one slice an element of the window.
// CHECK-LABEL: func.func @products_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.optimization_barrier"(%arg0)
// CHECK-NEXT: %[[V1:.*]] = "astra.slice"(%[[V0]]) {limit_indices = array<i64: 4, 8>, start_indices = array<i64: 0, 1>, strides = array<i64: 1, 2>}
// CHECK-NEXT: %[[V2:.*]] = "astra.multiply"(%arg1, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = "astra.slice"(%[[V0]]) {limit_indices = array<i64: 4, 7>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 2>}
// CHECK-NEXT: %[[V4:.*]] = "astra.multiply"(%arg1, %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V6:.*]] = "astra.pad"(%[[V4]], %[[V5]]) {high = array<i64: 0, 0>, interior = array<i64: 0, 1>, low = array<i64: 0, 1>}
// CHECK-NEXT: %[[V7:.*]] = "astra.pad"(%[[V2]], %[[V5]]) {high = array<i64: 0, 1>, interior = array<i64: 0, 1>, low = array<i64: 0, 0>}
// CHECK-NEXT: %[[V8:.*]] = "astra.add"(%[[V6]], %[[V7]])
// CHECK-NEXT: return %[[V8]] : tensor<4x8xf32>
func.func @products_reverse(%x: tensor<4x8xf32>, %c: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @products, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @products(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %init = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.reduce_window"(%x, %init) ({})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
       window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, kind = "multiply"}
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @select_and_scatter_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.select_and_scatter"(%arg0, %arg2, %[[V0]]) ({
// CHECK-NEXT: }, {
// CHECK-NEXT: }) {padding = array<i64: 0, 0, 0, 0>, scatter_kind = "add", select_kind = "GE", window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: return %[[V1]] : tensor<4x8xf32>
func.func @select_and_scatter_forward(%x: tensor<4x8xf32>, %s: tensor<4x4xf32>, %ds: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %s, %ds) {callee = @select_and_scatter, argnums = array<i64: 1>}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @select_and_scatter_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.constant"() {value = dense<0xFF800000> : tensor<f32>}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]]:2 = "astra.reduce_window"(%arg0, %arg2, %[[V0]], %[[V1]]) ({
// CHECK-NEXT: ^bb0(%arg3: tensor<f32>, %arg4: tensor<f32>, %arg5: tensor<f32>, %arg6: tensor<f32>):
// CHECK-NEXT:   %[[V3:.*]] = "astra.compare"(%arg3, %arg5) {compare_type = "FLOAT", direction = "GE"}
// CHECK-NEXT:   %[[V4:.*]] = "astra.select"(%[[V3]], %arg3, %arg5)
// CHECK-NEXT:   %[[V5:.*]] = "astra.select"(%[[V3]], %arg4, %arg6)
// CHECK-NEXT:   "astra.yield"(%[[V4]], %[[V5]])
// CHECK-NEXT: }) {base_dilations = array<i64: 1, 1>, kind = "custom", padding = array<i64: 0, 0, 0, 0>, window_dilations = array<i64: 1, 1>, window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>}
// CHECK-NEXT: return %[[V2]]#1 : tensor<4x4xf32>
func.func @select_and_scatter_reverse(%x: tensor<4x8xf32>, %s: tensor<4x4xf32>, %c: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %0:2 = "astra.vjp"(%x, %s, %c) {callee = @select_and_scatter, argnums = array<i64: 1>}
      : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x4xf32>)
  return %0#1 : tensor<4x4xf32>
}
func.func private @select_and_scatter(%x: tensor<4x8xf32>, %s: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %zero = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "astra.select_and_scatter"(%x, %s, %zero) ({}, {})
      {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
       select_kind = "GE", scatter_kind = "add"} : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @cumulative_sum_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.cumulative"(%arg1) {dimension = 1 : i64, kind = "add", reverse = false}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xf32>
func.func @cumulative_sum_forward(%x: tensor<4x8xf32>, %dx: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @cumulative_sum, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @cumulative_sum_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.cumulative"(%arg1) {dimension = 1 : i64, kind = "add", reverse = true}
// CHECK-NEXT: return %[[V0]] : tensor<4x8xf32>
func.func @cumulative_sum_reverse(%x: tensor<4x8xf32>, %c: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @cumulative_sum, argnums = array<i64: 0>}
      : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %0#1 : tensor<4x8xf32>
}
func.func private @cumulative_sum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.cumulative"(%x) {dimension = 1 : i64, reverse = false, kind = "add"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Others are linear recurrences: each result by the one before it and by its own element.
// CHECK-LABEL: func.func @cumulative_product_forward
// CHECK-NEXT: %[[V0:.*]] = "astra.cumulative"(%arg0) {dimension = 0 : i64, kind = "multiply", reverse = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.pad"(%[[V0]], %[[V1]]) {high = array<i64: -1>, interior = array<i64: 0>, low = array<i64: 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.multiply"(%[[V2]], %arg1)
// CHECK-NEXT: %[[V4:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V5:.*]]:2 = "astra.scan"(%[[V4]], %arg0, %[[V3]]) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<i32>, %arg3: tensor<f32>, %arg4: tensor<f32>, %arg5: tensor<f32>):
// CHECK-NEXT:   %[[V6:.*]] = "astra.multiply"(%arg4, %arg3)
// CHECK-NEXT:   %[[V7:.*]] = "astra.add"(%[[V6]], %arg5)
// CHECK-NEXT:   "astra.yield"(%[[V7]], %[[V7]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = false, trip_count = 8 : i64}
// CHECK-NEXT: return %[[V5]]#1 : tensor<8xf32>
func.func @cumulative_product_forward(%x: tensor<8xf32>, %dx: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = "astra.jvp"(%x, %dx) {callee = @cumulative_product, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
// CHECK-LABEL: func.func @cumulative_product_reverse
// CHECK-NEXT: %[[V0:.*]] = "astra.cumulative"(%arg0) {dimension = 0 : i64, kind = "multiply", reverse = false}
// CHECK-NEXT: %[[V1:.*]] = "astra.constant"() {value = dense<1.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V2:.*]] = "astra.pad"(%[[V0]], %[[V1]]) {high = array<i64: -1>, interior = array<i64: 0>, low = array<i64: 1>}
// CHECK-NEXT: %[[V3:.*]] = "astra.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[V4:.*]] = "astra.pad"(%arg0, %[[V3]]) {high = array<i64: 1>, interior = array<i64: 0>, low = array<i64: -1>}
// CHECK-NEXT: %[[V5:.*]]:2 = "astra.scan"(%[[V3]], %[[V4]], %arg1) ({
// CHECK-NEXT: ^bb0(%arg2: tensor<i32>, %arg3: tensor<f32>, %arg4: tensor<f32>, %arg5: tensor<f32>):
// CHECK-NEXT:   %[[V7:.*]] = "astra.multiply"(%arg4, %arg3)
// CHECK-NEXT:   %[[V8:.*]] = "astra.add"(%[[V7]], %arg5)
// CHECK-NEXT:   "astra.yield"(%[[V8]], %[[V8]])
// CHECK-NEXT: }) {num_carries = 1 : i64, reverse = true, trip_count = 8 : i64}
// CHECK-NEXT: %[[V6:.*]] = "astra.multiply"(%[[V2]], %[[V5]]#1)
// CHECK-NEXT: return %[[V6]] : tensor<8xf32>
func.func @cumulative_product_reverse(%x: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = "astra.vjp"(%x, %c) {callee = @cumulative_product, argnums = array<i64: 0>}
      : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
func.func private @cumulative_product(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = "astra.cumulative"(%x) {dimension = 0 : i64, reverse = false, kind = "multiply"} : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
