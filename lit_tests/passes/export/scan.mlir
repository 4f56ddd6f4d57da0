// A scan becomes a while loop with a counter, slices of its inputs and updates of its outputs.
// RUN: %astra-opt %s --astra-export | %filecheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[ZERO:.*]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK: %[[R:.*]]:3 = stablehlo.while(%[[I:.*]] = %[[ZERO]], %[[C:.*]] = %arg0, %[[YS:.*]] = {{.*}}) : tensor<i32>, tensor<4xf32>, tensor<10x4xf32>
// CHECK: stablehlo.compare  LT, %[[I]], {{.*}}
// CHECK: %[[LAST:.*]] = stablehlo.constant dense<9> : tensor<i32>
// CHECK-NEXT: %[[P:.*]] = stablehlo.subtract %[[LAST]], %[[I]]
// CHECK-NEXT: %[[S:.*]] = stablehlo.dynamic_slice %arg1, %[[P]], {{.*}}, sizes = [1, 4]
// CHECK-NEXT: %[[X:.*]] = stablehlo.reshape %[[S]] : (tensor<1x4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %[[NEXT:.*]] = stablehlo.add %[[C]], %[[X]]
// CHECK-NEXT: %[[U:.*]] = stablehlo.reshape %[[NEXT]]
// CHECK-NEXT: stablehlo.dynamic_update_slice %[[YS]], %[[U]], %[[P]]
// CHECK: return %[[R]]#1, %[[R]]#2
func.func @main(%init: tensor<4xf32>, %xs: tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>) {
  %0:2 = "astra.scan"(%init, %xs) ({
  ^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
    %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = true} : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<10x4xf32>
}
