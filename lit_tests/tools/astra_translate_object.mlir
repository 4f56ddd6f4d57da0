// Constants, which callers pass, cannot be in an object file.
// RUN: not %astra-translate %s --to object --target x86-64-v3 -o %t.o 2>&1 | %filecheck %s

// CHECK: error: an object file cannot hold the program's 1 constant arrays
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = stablehlo.multiply %x, %c : tensor<4xf32>
  return %0 : tensor<4xf32>
}
