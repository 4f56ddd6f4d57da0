// Loops that end on data, at a bound that is an argument, or by wrapping around stay as they are; an array that is read
// elsewhere than it is written stays a carry.
// RUN: %astra-opt %s --astra-raise-loops | %filecheck %s

// CHECK-LABEL: func.func @data
// CHECK-NOT:     astra.scan
// CHECK:         "astra.while"
func.func @data(%x: tensor<f32>, %limit: tensor<f32>) -> tensor<f32> {
  %r = "astra.while"(%x) ({
  ^bb0(%a: tensor<f32>):
    %more = "astra.compare"(%a, %limit) {direction = "LT", compare_type = "FLOAT"}
        : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<f32>):
    %b = "astra.add"(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<f32>) -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: func.func @argument
// CHECK-NOT:     astra.scan
// CHECK:         "astra.while"
func.func @argument(%x: tensor<f32>, %n: tensor<i32>) -> tensor<f32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %r:2 = "astra.while"(%zero, %x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %more = "astra.compare"(%i, %n) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %a: tensor<f32>):
    %b = "astra.add"(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%j, %b) : (tensor<i32>, tensor<f32>) -> ()
  }) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>)
  return %r#1 : tensor<f32>
}

// 250 + 10 is 4 in ui8, still less than 255.
// CHECK-LABEL: func.func @wrapping
// CHECK-NOT:     astra.scan
// CHECK:         "astra.while"
func.func @wrapping(%x: tensor<f32>) -> tensor<f32> {
  %start = "astra.constant"() {value = dense<0> : tensor<ui8>} : () -> tensor<ui8>
  %step = "astra.constant"() {value = dense<10> : tensor<ui8>} : () -> tensor<ui8>
  %bound = "astra.constant"() {value = dense<255> : tensor<ui8>} : () -> tensor<ui8>
  %r:2 = "astra.while"(%start, %x) ({
  ^bb0(%i: tensor<ui8>, %a: tensor<f32>):
    %more = "astra.compare"(%i, %bound) {direction = "LT", compare_type = "UNSIGNED"}
        : (tensor<ui8>, tensor<ui8>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<ui8>, %a: tensor<f32>):
    %b = "astra.add"(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %j = "astra.add"(%i, %step) : (tensor<ui8>, tensor<ui8>) -> tensor<ui8>
    "astra.yield"(%j, %b) : (tensor<ui8>, tensor<f32>) -> ()
  }) : (tensor<ui8>, tensor<f32>) -> (tensor<ui8>, tensor<f32>)
  return %r#1 : tensor<f32>
}

// CHECK-LABEL: func.func @read_elsewhere
// CHECK:         "astra.scan"(%arg0) ({
// CHECK:           "astra.dynamic_slice"
// CHECK:           "astra.dynamic_update_slice"
// CHECK:         }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64}
func.func @read_elsewhere(%a: tensor<10xf32>) -> tensor<10xf32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %ten = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
  %r:2 = "astra.while"(%zero, %a) ({
  ^bb0(%i: tensor<i32>, %b: tensor<10xf32>):
    %more = "astra.compare"(%i, %ten) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%more) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %b: tensor<10xf32>):
    %before = "astra.subtract"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %x = "astra.dynamic_slice"(%b, %before) {slice_sizes = array<i64: 1>}
        : (tensor<10xf32>, tensor<i32>) -> tensor<1xf32>
    %y = "astra.add"(%x, %x) : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
    %c = "astra.dynamic_update_slice"(%b, %y, %i)
        : (tensor<10xf32>, tensor<1xf32>, tensor<i32>) -> tensor<10xf32>
    %j = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%j, %c) : (tensor<i32>, tensor<10xf32>) -> ()
  }) : (tensor<i32>, tensor<10xf32>) -> (tensor<i32>, tensor<10xf32>)
  return %r#1 : tensor<10xf32>
}
