// Elementwise and shape operations change back their names and attributes.
// RUN: %astra-opt %s --astra-export | %filecheck %s
// RUN: %astra-opt %s --astra-export --astra-import | %filecheck %s --check-prefix=AGAIN

// CHECK-LABEL: func.func @main
// CHECK-NEXT: stablehlo.add %arg0, %arg0 : tensor<2x3xf32>
// CHECK-NEXT: stablehlo.compare  LT, %arg0, %0,  TOTALORDER : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
// CHECK-NEXT: stablehlo.select %1, %0, %arg0 : tensor<2x3xi1>, tensor<2x3xf32>
// CHECK-NEXT: stablehlo.reduce_precision %2, format = e4m3
// CHECK-NEXT: stablehlo.broadcast_in_dim %3, dims = [1, 2] : (tensor<2x3xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT: stablehlo.transpose %4, dims = [2, 1, 0]
// CHECK-NEXT: stablehlo.slice %5 [0:3, 0:1, 0:4:2]
// CHECK-NEXT: stablehlo.constant dense<0.000000e+00> : tensor<f32>
// CHECK-NEXT: stablehlo.pad %6, %{{.*}}, low = [0, 1, 0], high = [0, 0, 0], interior = [0, 0, 0]
// CHECK-NEXT: return
// AGAIN: "astra.pad"({{.*}}) {high = array<i64: 0, 0, 0>, interior = array<i64: 0, 0, 0>, low = array<i64: 0, 1, 0>}
func.func @main(%x: tensor<2x3xf32>) -> tensor<3x2x2xf32> {
  %0 = "astra.add"(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "astra.compare"(%x, %0) {direction = "LT", compare_type = "TOTALORDER"} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %2 = "astra.select"(%1, %0, %x) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = "astra.reduce_precision"(%2) {exponent_bits = 4 : i64, mantissa_bits = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = "astra.broadcast"(%3) {dimensions = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<4x2x3xf32>
  %5 = "astra.transpose"(%4) {permutation = array<i64: 2, 1, 0>} : (tensor<4x2x3xf32>) -> tensor<3x2x4xf32>
  %6 = "astra.slice"(%5) {start_indices = array<i64: 0, 0, 0>, limit_indices = array<i64: 3, 1, 4>, strides = array<i64: 1, 1, 2>} : (tensor<3x2x4xf32>) -> tensor<3x1x2xf32>
  %7 = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %8 = "astra.pad"(%6, %7) {low = array<i64: 0, 1, 0>, high = array<i64: 0, 0, 0>, interior = array<i64: 0, 0, 0>} : (tensor<3x1x2xf32>, tensor<f32>) -> tensor<3x2x2xf32>
  return %8 : tensor<3x2x2xf32>
}

// Resources become dense constants again: portable artifacts hold no resources.
// CHECK-LABEL: func.func @constants
// CHECK-NEXT: stablehlo.constant dense<[0, 1, 2, {{.*}}, 31, 32]> : tensor<33xi8>
func.func @constants() -> tensor<33xi8> {
  %0 = "astra.constant"() {value = dense_resource<bytes> : tensor<33xi8>} : () -> tensor<33xi8>
  return %0 : tensor<33xi8>
}

{-#
  dialect_resources: {
    builtin: {
      bytes: "0x01000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20"
    }
  }
#-}
