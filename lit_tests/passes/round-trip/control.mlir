// Exported to StableHLO and imported again, every operation is what it was.
// RUN: %astra-opt %s --astra-export --astra-import --astra-raise-loops | %filecheck %s
// RUN: %astra-opt %s --astra-export | %filecheck %s --check-prefix=STABLEHLO

// CHECK-LABEL: func.func @if(
// CHECK: "astra.if"(%arg0) ({
// CHECK: }) : (tensor<i1>) -> tensor<f32>
// STABLEHLO-LABEL: func.func @if(
// STABLEHLO: stablehlo.if{{[^_a-z]}}
func.func @if(%predicate: tensor<i1>) -> tensor<f32> {
  %result = "astra.if"(%predicate) ({
    %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%a) : (tensor<f32>) -> ()
  }, {
    %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
    "astra.yield"(%b) : (tensor<f32>) -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return %result : tensor<f32>
}

// CHECK-LABEL: func.func @while(
// CHECK: "astra.while"(%arg0) ({
// CHECK: }) : (tensor<i32>) -> tensor<i32>
// STABLEHLO-LABEL: func.func @while(
// STABLEHLO: stablehlo.while{{[^_a-z]}}
func.func @while(%init: tensor<i32>) -> tensor<i32> {
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
  }) : (tensor<i32>) -> tensor<i32>
  return %result : tensor<i32>
}

// CHECK-LABEL: func.func @scan(
// CHECK: "astra.scan"(%arg0, %arg1) ({
// CHECK: }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
// STABLEHLO-LABEL: func.func @scan(
// STABLEHLO: stablehlo.while{{[^_a-z]}}
func.func @scan(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>) {
  %sum, %partial_sums = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
      : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return %sum, %partial_sums : tensor<4xf32>, tensor<10x4xf32>
}
