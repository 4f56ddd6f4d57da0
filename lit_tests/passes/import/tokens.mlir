// Tokens become arrays without elements, everywhere.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @ordered(%arg0: tensor<0xi1>, %arg1: tensor<f32>) -> (tensor<0xi1>, tensor<f32>)
func.func @ordered(%t: !stablehlo.token, %x: tensor<f32>) -> (!stablehlo.token, tensor<f32>) {
  // CHECK: "astra.constant"() {value = dense<> : tensor<0xi1>} : () -> tensor<0xi1>
  %0 = stablehlo.create_token : !stablehlo.token
  // CHECK: "astra.constant"() {value = dense<> : tensor<0xi1>} : () -> tensor<0xi1>
  %1 = stablehlo.after_all %t, %0 : !stablehlo.token
  // CHECK: "astra.while"(%{{.*}}, %arg1) ({
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<0xi1>, %{{.*}}: tensor<f32>):
  %2:2 = stablehlo.while(%a = %1, %b = %x) : !stablehlo.token, tensor<f32>
  cond {
    %c = stablehlo.compare LT, %b, %x : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    stablehlo.return %a, %b : !stablehlo.token, tensor<f32>
  }
  return %2#0, %2#1 : !stablehlo.token, tensor<f32>
}
