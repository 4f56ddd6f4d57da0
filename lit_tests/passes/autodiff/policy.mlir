// What reverse mode keeps of a loop: policy=save-all stacks every value that it uses, recompute-cheap (the default) those
// that it cannot compute again from others in no more memory. In straight lines the same.
// RUN: %astra-opt %s --astra-autodiff="fn=loop policy=save-all" | %filecheck %s --check-prefix=SAVE
// RUN: %astra-opt %s --astra-autodiff="fn=loop" | %filecheck %s --check-prefix=CHEAP
// RUN: %astra-opt %s --astra-autodiff="fn=line policy=save-all" | %filecheck %s --check-prefix=SAVED-LINE
// RUN: %astra-opt %s --astra-autodiff="fn=line" | %filecheck %s --check-prefix=CHEAP-LINE

// The derivative needs the carry (for the cosine), the product and the exponential. In their place the sine is enough: it
// is as large as the product, which comes from it and w, and the exponential comes from that.
// SAVE-LABEL: func.func @loop
// SAVE:           %[[SINE:.*]] = "astra.sine"(%[[CARRY:[a-z0-9]+]])
// SAVE-NEXT:      %[[PRODUCT:.*]] = "astra.multiply"(%[[SINE]], %arg1)
// SAVE-NEXT:      %[[EXP:.*]] = "astra.exponential"(%[[PRODUCT]])
// SAVE:           "astra.yield"(%{{.*}}, %[[CARRY]], %[[PRODUCT]], %[[EXP]])
// SAVE:         (tensor<4xf32>, tensor<9x4xf32>, tensor<9x4xf32>, tensor<9x4xf32>)
// SAVE:         "astra.scan"
// SAVE-NOT:       astra.exponential
// SAVE:           "astra.cosine"

// CHEAP-LABEL: func.func @loop
// CHEAP:           %[[SINE:.*]] = "astra.sine"(%[[CARRY:[a-z0-9]+]])
// CHEAP:           "astra.yield"(%{{.*}}, %[[CARRY]], %[[SINE]])
// CHEAP:         (tensor<4xf32>, tensor<9x4xf32>, tensor<9x4xf32>)
// CHEAP:         "astra.scan"
// CHEAP:         ^bb0(%{{.*}}: tensor<i32>, %{{.*}}: tensor<4xf32>, %[[OLD:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<4xf32>):
// CHEAP-NEXT:      %[[P:.*]] = "astra.multiply"(%[[S]], %arg1)
// CHEAP-NEXT:      "astra.exponential"(%[[P]])
// CHEAP:           "astra.cosine"(%[[OLD]])
func.func @loop(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.scan"(%x) ({
  ^bb0(%i: tensor<i32>, %a: tensor<4xf32>):
    %1 = "astra.sine"(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = "astra.multiply"(%1, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %3 = "astra.exponential"(%2) : (tensor<4xf32>) -> tensor<4xf32>
    %4 = "astra.multiply"(%3, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "astra.yield"(%4) : (tensor<4xf32>) -> ()
  }) {num_carries = 1 : i64, reverse = false, trip_count = 9 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Without loops values are kept by being used: a barrier keeps what is computed again apart from the first time.
// SAVED-LINE-LABEL: func.func @line
// SAVED-LINE-NOT:     optimization_barrier
// SAVED-LINE:         %[[EXP:.*]] = "astra.exponential"
// SAVED-LINE-NOT:     astra.exponential
// SAVED-LINE:         return

// CHEAP-LINE-LABEL: func.func @line
// CHEAP-LINE-NEXT:    %[[SINE:.*]] = "astra.sine"(%arg0)
// CHEAP-LINE:         "astra.exponential"
// CHEAP-LINE:         %[[S:.*]] = "astra.optimization_barrier"(%[[SINE]])
// CHEAP-LINE:         %[[W:.*]] = "astra.optimization_barrier"(%arg1)
// CHEAP-LINE:         %[[P:.*]] = "astra.multiply"(%[[S]], %[[W]])
// CHEAP-LINE:         "astra.exponential"(%[[P]])
// CHEAP-LINE:         return
func.func @line(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %1 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.multiply"(%1, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.exponential"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "astra.multiply"(%3, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}
