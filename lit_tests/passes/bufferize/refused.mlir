// Shapes that are known only at run time and operations that are not lowered yet are refused where they stand.
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

// -----

func.func @dynamic_slice(%x: tensor<8xf32>, %s: tensor<i64>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %i = tensor.extract %s[] : tensor<i64>
  %n = arith.index_cast %i : i64 to index
  // expected-error@+1 {{slices of dynamic size or stride are not lowered to the CPU}}
  %0 = tensor.extract_slice %x[0] [4] [%n] : tensor<8xf32> to tensor<4xf32>
  %1 = tensor.insert_slice %0 into %e[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

func.func @scalar(%x: f32, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@-1 {{function argument of type f32 is not a tensor}}
  return %y : tensor<4xf32>
}
