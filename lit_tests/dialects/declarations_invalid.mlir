// What holds for all operations: they are declared, have their operands, attributes and regions, and do not use what
// comes after them; operations of unknown dialects are refused unless asked for.
// RUN: %astra-opt %s --verify-diagnostics
// RUN: not %astra-opt %s 2>&1 | %filecheck %s
// RUN: not %astra-opt %s --allow-unregistered-dialect 2>&1 | %filecheck %s --check-prefix=ALLOWED

// CHECK: declarations_invalid.mlir:15:8: error: 'astra.frobnicate' is not an operation of the Astra dialect
// CHECK: error: 'other.operation' is not a registered operation

// ALLOWED: 'astra.frobnicate' is not an operation of the Astra dialect
// ALLOWED-NOT: 'other.operation'

func.func @unknown(%a: tensor<4xf32>) {
  // expected-error@below {{'astra.frobnicate' is not an operation of the Astra dialect}}
  %0 = "astra.frobnicate"(%a) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error@below {{'other.operation' is not a registered operation}}
  %1 = "other.operation"(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @counts(%a: tensor<4xf32>) {
  // expected-error@below {{'astra.add' op expects 2 operands, but has 1}}
  %0 = "astra.add"(%a) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error@below {{'astra.negate' op expects 1 results, but has 2}}
  %1:2 = "astra.negate"(%a) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // expected-error@below {{'astra.broadcast' op expects at least 1 operands, but has 0}}
  %2 = "astra.broadcast"() {dimensions = array<i64>} : () -> tensor<4xf32>
  // expected-error@below {{'astra.negate' op expects 0 regions, but has 1}}
  %3 = "astra.negate"(%a) ({}) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

func.func @not_a_tensor(%a: f32, %b: tensor<*xf32>) {
  // expected-error@below {{'astra.sine' op operand 'operand' must be a ranked tensor, but is f32}}
  %0 = "astra.sine"(%a) : (f32) -> f32
  // expected-error@below {{'astra.transpose' op operand 'operand' must be a ranked tensor, but is tensor<*xf32>}}
  %1 = "astra.transpose"(%b) {permutation = array<i64>} : (tensor<*xf32>) -> tensor<*xf32>
  return
}

func.func @element_types(%a: tensor<4xsi32>, %b: tensor<4xindex>, %c: tensor<4xi3>, %d: tensor<4xcomplex<f16>>) {
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements}}
  %0 = "astra.negate"(%a) : (tensor<4xsi32>) -> tensor<4xsi32>
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements}}
  %1 = "astra.negate"(%b) : (tensor<4xindex>) -> tensor<4xindex>
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements}}
  %2 = "astra.negate"(%c) : (tensor<4xi3>) -> tensor<4xi3>
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements}}
  %3 = "astra.negate"(%d) : (tensor<4xcomplex<f16>>) -> tensor<4xcomplex<f16>>
  return
}

func.func @quantized(%a: tensor<4x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error@below {{operand 'operand' must have integer or floating-point or complex elements}}
  %0 = "astra.negate"(%a) : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  return
}

func.func @blocks(%predicate: tensor<i1>) {
  // expected-error@below {{'astra.if' op region 0 must have at most one block, but has 2}}
  "astra.if"(%predicate) ({
    "cf.br"()[^next] : () -> ()
  ^next:
    "astra.yield"() : () -> ()
  }, {
    "astra.yield"() : () -> ()
  }) : (tensor<i1>) -> ()
  return
}

func.func @order(%predicate: tensor<i1>) {
  // expected-error@below {{'astra.if' op has in its region a 'astra.negate' that uses its operand 0 too early}}
  %0 = "astra.if"(%predicate) ({
    %1 = "astra.negate"(%2) : (tensor<f32>) -> tensor<f32>
    %2 = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%1) : (tensor<f32>) -> ()
  }, {
    %3 = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%3) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return
}

func.func @yield_outside(%a: tensor<f32>) {
  // expected-error@below {{'astra.yield' op must end a region of an Astra operation}}
  "astra.yield"(%a) : (tensor<f32>) -> ()
}

func.func @region_of_known_kind(%a: tensor<4xf32>, %b: tensor<f32>) {
  // expected-error@below {{'astra.reduce' op the body region must be empty where the kind is 'add'}}
  %0 = "astra.reduce"(%a, %b) ({
  ^body(%x: tensor<f32>, %y: tensor<f32>):
    "astra.yield"(%x) : (tensor<f32>) -> ()
  }) {dimensions = array<i64: 0>, kind = "add"} : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return
}
