// RUN: %astra-opt %s --split-input-file --verify-diagnostics --astra-bufferize

func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@-1 {{the CPU lowering needs static shapes, got tensor<?xf32>}}
  return %x : tensor<?xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{astra.add has no bufferization rule}}
  %0 = "astra.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
