// A while over a counter that reads a row and writes a row in each iteration, as JAX lowers a scan.
// RUN: %astra-opt %s --astra-raise-loops | %filecheck %s

// CHECK-LABEL: func.func @forwards
// CHECK-NEXT:    %[[R:.*]]:2 = "astra.scan"(%arg0, %arg1) ({
// CHECK-NEXT:    ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[N:.*]] = "astra.add"(%[[C]], %[[X]])
// CHECK-NEXT:      "astra.yield"(%[[N]], %[[C]])
// CHECK-NEXT:    }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64}
// CHECK-NEXT:    return %[[R]]#0, %[[R]]#1
func.func @forwards(%c: tensor<4xf32>, %xs: tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>) {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %ten = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
  %empty = "astra.constant"() {value = dense<0.0> : tensor<10x4xf32>} : () -> tensor<10x4xf32>
  %r:4 = "astra.while"(%xs, %zero, %c, %empty) ({
  ^bb0(%rows: tensor<10x4xf32>, %i: tensor<i32>, %carry: tensor<4xf32>, %ys: tensor<10x4xf32>):
    %more = "astra.compare"(%i, %ten) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%rows: tensor<10x4xf32>, %i: tensor<i32>, %carry: tensor<4xf32>, %ys: tensor<10x4xf32>):
    %negative = "astra.compare"(%i, %zero) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %wrapped = "astra.add"(%i, %ten) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %k = "astra.select"(%negative, %wrapped, %i) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %row = "astra.dynamic_slice"(%rows, %k, %zero) {slice_sizes = array<i64: 1, 4>}
        : (tensor<10x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
    %x = "astra.reshape"(%row) : (tensor<1x4xf32>) -> tensor<4xf32>
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %y = "astra.reshape"(%carry) : (tensor<4xf32>) -> tensor<1x4xf32>
    %written = "astra.dynamic_update_slice"(%ys, %y, %i, %zero)
        : (tensor<10x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<10x4xf32>
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%rows, %j, %next, %written)
        : (tensor<10x4xf32>, tensor<i32>, tensor<4xf32>, tensor<10x4xf32>) -> ()
  }) : (tensor<10x4xf32>, tensor<i32>, tensor<4xf32>, tensor<10x4xf32>)
      -> (tensor<10x4xf32>, tensor<i32>, tensor<4xf32>, tensor<10x4xf32>)
  return %r#2, %r#3 : tensor<4xf32>, tensor<10x4xf32>
}

// The row read is 10 - 1 - i: the scan runs backwards over its input.
// CHECK-LABEL: func.func @backwards
// CHECK:         "astra.scan"(%arg0, %arg1) ({
// CHECK:         }) {num_carries = 1 : i64, reverse = true, trip_count = 10 : i64}
func.func @backwards(%c: tensor<4xf32>, %xs: tensor<10x4xf32>) -> tensor<4xf32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %ten = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
  %r:2 = "astra.while"(%zero, %c) ({
  ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>):
    %more = "astra.compare"(%i, %ten) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>):
    %rest = "astra.subtract"(%ten, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %k = "astra.subtract"(%rest, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %row = "astra.dynamic_slice"(%xs, %k, %zero) {slice_sizes = array<i64: 1, 4>}
        : (tensor<10x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
    %x = "astra.reshape"(%row) : (tensor<1x4xf32>) -> tensor<4xf32>
    %next = "astra.multiply"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%j, %next) : (tensor<i32>, tensor<4xf32>) -> ()
  }) : (tensor<i32>, tensor<4xf32>) -> (tensor<i32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
