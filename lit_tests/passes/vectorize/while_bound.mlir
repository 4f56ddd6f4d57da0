// The bound of a loop, which its counter gives, is kept where the counters of all applications become a mask.
// RUN: %astra-opt %s --astra-vectorize="fn=main in-axes=0 axis-size=3" | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK: "astra.while"
// CHECK: {max_trip_count = 7 : i64}
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %0:2 = "astra.while"(%zero, %x) ({
  ^bb0(%i: tensor<i32>, %v: tensor<f32>):
    %seven = "astra.constant"() {value = dense<7> : tensor<i32>} : () -> tensor<i32>
    %four = "astra.constant"() {value = dense<4.0> : tensor<f32>} : () -> tensor<f32>
    %a = "astra.compare"(%i, %seven) {direction = "LT", compare_type = "SIGNED"}
        : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %b = "astra.compare"(%v, %four) {direction = "LT", compare_type = "FLOAT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %c = "astra.and"(%a, %b) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    "astra.yield"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %v: tensor<f32>):
    %one = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
    %n = "astra.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %w = "astra.add"(%v, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "astra.yield"(%n, %w) : (tensor<i32>, tensor<f32>) -> ()
  }) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>)
  return %0#1 : tensor<f32>
}
