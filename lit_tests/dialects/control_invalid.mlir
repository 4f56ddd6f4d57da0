// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @if_1(%predicate: tensor<2xi1>) {
  // expected-error@below {{operand 'predicate' must be tensor<i1>, but is tensor<2xi1>}}
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%a) : (tensor<f32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<2xi1>) -> tensor<f32>
  return
}

func.func @if_2(%predicate: tensor<i1>) {
  // expected-error@below {{the else region must yield (tensor<f32>), but yields (tensor<f32>, tensor<f32>) (C2)}}
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%a) : (tensor<f32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%b, %b) : (tensor<f32>, tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return
}

func.func @if_3(%predicate: tensor<i1>) {
  // expected-error@below {{the then region must yield (tensor<2xf32>), but yields (tensor<f32>) (C3)}}
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%a) : (tensor<f32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<2xf32>
  return
}

func.func @while_1(%init: tensor<i32>) {
  // expected-error@below {{the condition region must yield (tensor<i1>), but yields (tensor<i32>) (C1)}}
  %result = "astra.while"(%init) ({
  ^condition(%i: tensor<i32>):
    %limit = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
    %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%i) : (tensor<i32>) -> ()
  }, {
  ^body(%i: tensor<i32>):
    %next = "astra.add"(%i, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%next) : (tensor<i32>) -> ()
  }) : (tensor<i32>) -> tensor<i32>
  return
}

func.func @while_2(%init: tensor<i32>) {
  // expected-error@below {{the body region must yield (tensor<i32>), but yields (tensor<i32>, tensor<i32>) (C2)}}
  %result = "astra.while"(%init) ({
  ^condition(%i: tensor<i32>):
    %limit = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
    %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%less) : (tensor<i1>) -> ()
  }, {
  ^body(%i: tensor<i32>):
    %next = "astra.add"(%i, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%next, %next) : (tensor<i32>, tensor<i32>) -> ()
  }) : (tensor<i32>) -> tensor<i32>
  return
}

func.func @while_3(%init: tensor<i32>) {
  // expected-error@below {{has initial values (tensor<i32>), but results (tensor<i64>) (C3)}}
  %result = "astra.while"(%init) ({
  ^condition(%i: tensor<i32>):
    %limit = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
    %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "astra.yield"(%less) : (tensor<i1>) -> ()
  }, {
  ^body(%i: tensor<i32>):
    %next = "astra.add"(%i, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%next) : (tensor<i32>) -> ()
  }) : (tensor<i32>) -> tensor<i64>
  return
}

func.func @scan_1(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{operand 1 must have a leading dimension of trip_count, 9, but is tensor<10x4xf32>}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 9 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_2(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{attribute 'num_carries' is 3, but there are 2 operands and 2 results}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 3 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_3(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{the body region must take (tensor<i64>, tensor<4xf32>, tensor<4xf32>), but takes (tensor<4xf32>, tensor<4xf32>)}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_4(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{the body's index must be i32 or i64, but is tensor<i8>}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i8>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_5(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{the body region must yield (tensor<4xf32>, tensor<4xf32>), but yields (tensor<4xf32>)}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next) : (tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_6(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{attribute 'trip_count' must not be negative, but is -1}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = -1 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return
}

func.func @scan_7(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) {
  // expected-error@below {{result 0 is tensor<5xf32>, but its initial value tensor<4xf32>}}
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<5xf32>, tensor<10x4xf32>)
  return
}

func.func @yield_1(%predicate: tensor<i1>) {
  // expected-error@below {{region 0 must end with 'astra.yield'}}
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  }, {
    %b = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
    "astra.yield"(%b) : (tensor<i32>) -> ()
  }) : (tensor<i1>) -> tensor<i32>
  return
}

func.func @yield_2(%predicate: tensor<i1>) {
  // expected-error@below {{region 0 has an 'astra.yield' before its end}}
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
    "astra.yield"(%a) : (tensor<i32>) -> ()
    "astra.yield"(%a) : (tensor<i32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
    "astra.yield"(%b) : (tensor<i32>) -> ()
  }) : (tensor<i1>) -> tensor<i32>
  return
}
