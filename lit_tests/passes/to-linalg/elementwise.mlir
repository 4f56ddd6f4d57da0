// RUN: %astra-opt %s --astra-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @binary
// CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<4x8xf32>
// CHECK-NEXT: linalg.generic {indexing_maps = [#[[ID:.*]], #[[ID]], #[[ID]]], iterator_types = ["parallel", "parallel"]} ins(%arg0, %arg1 : tensor<4x8xf32>, tensor<4x8xf32>) outs(%[[EMPTY]] : tensor<4x8xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[R:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK-NEXT: linalg.yield %[[R]] : f32
func.func @binary(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "astra.add"(%x, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// An operand used twice is read once.
// CHECK-LABEL: func.func @square
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<4xf32>) outs
// CHECK: arith.mulf %[[A:.*]], %[[A]] : f32
func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.multiply"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Rank-0 operands are scalars: no loop, no tensor between two operations.
// CHECK-LABEL: func.func @scalars
// CHECK: %[[X:.*]] = tensor.extract %arg0[] : tensor<f32>
// CHECK-NEXT: %[[E:.*]] = math.exp %[[X]] : f32
// CHECK-NEXT: %[[N:.*]] = arith.negf %[[E]] : f32
// CHECK-NEXT: %[[R:.*]] = tensor.from_elements %[[N]] : tensor<f32>
// CHECK-NEXT: return %[[R]]
func.func @scalars(%x: tensor<f32>) -> tensor<f32> {
  %0 = "astra.exponential"(%x) : (tensor<f32>) -> tensor<f32>
  %1 = "astra.negate"(%0) : (tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// Unsigned integers lose the sign in their types and keep it in the choice of operations.
// CHECK-LABEL: func.func @unsigned(%arg0: tensor<4xi8>, %arg1: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi1>, tensor<4xf32>)
// CHECK: arith.maxui
// CHECK: arith.cmpi ult
// CHECK: arith.uitofp
func.func @unsigned(%x: tensor<4xui8>, %y: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xi1>, tensor<4xf32>) {
  %0 = "astra.maximum"(%x, %y) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  %1 = "astra.compare"(%x, %y) {direction = "LT", compare_type = "UNSIGNED"} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xi1>
  %2 = "astra.convert"(%x) : (tensor<4xui8>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xui8>, tensor<4xi1>, tensor<4xf32>
}

// Half-width floats compute in f32 and round once.
// CHECK-LABEL: func.func @half
// CHECK: %[[A:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK-NEXT: %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK-NEXT: %[[C:.*]] = arith.divf %[[A]], %[[B]] : f32
// CHECK-NEXT: arith.truncf %[[C]] : f32 to bf16
func.func @half(%x: tensor<4xbf16>, %y: tensor<4xbf16>) -> tensor<4xbf16> {
  %0 = "astra.divide"(%x, %y) : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// Integer division is total, and a division of floats where its quotient is exact.
// CHECK-LABEL: func.func @divide
// CHECK: %[[ZERO:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : i32
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: %[[Q:.*]] = arith.divf %{{.*}}, %{{.*}} : f64
// CHECK: %[[I:.*]] = arith.fptosi %[[Q]] : f64 to i32
// CHECK: arith.select %[[ZERO]], %{{.*}}, %[[I]]
func.func @divide(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "astra.divide"(%x, %y) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// CHECK-LABEL: func.func @divide_by_constant
// CHECK: arith.divsi
func.func @divide_by_constant(%x: tensor<4xi32>) -> tensor<4xi32> {
  %c = "astra.constant"() {value = dense<3> : tensor<4xi32>} : () -> tensor<4xi32>
  %0 = "astra.divide"(%x, %c) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// CHECK-LABEL: func.func @complex
// CHECK: complex.re
// CHECK: complex.im
// CHECK: complex.create
func.func @complex(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  %0 = "astra.multiply"(%x, %x) : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}

// A result without elements needs no code.
// CHECK-LABEL: func.func @empty
// CHECK-NEXT: %[[E:.*]] = tensor.empty() : tensor<0x3xf32>
// CHECK-NEXT: return %[[E]]
func.func @empty(%x: tensor<0x3xf32>) -> tensor<0x3xf32> {
  %0 = "astra.tanh"(%x) : (tensor<0x3xf32>) -> tensor<0x3xf32>
  return %0 : tensor<0x3xf32>
}
