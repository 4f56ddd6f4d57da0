// Complex values become their parts; arrays at the border of the function keep their memory.
// RUN: %astra-opt %s --astra-split-complex | %filecheck %s
module {
  // CHECK-LABEL: func.func @product(
  // CHECK-SAME: %arg0: tensor<4x2xf32>) -> tensor<4x2xf32>
  // CHECK-NOT: complex
  // CHECK: "astra.concatenate"({{.*}}) {dimension = 1 : i64} : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
  func.func @product(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
    %0 = "astra.multiply"(%x, %x) : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
    return %0 : tensor<4xcomplex<f32>>
  }
  // A product of matrices is four real ones.
  // CHECK-LABEL: func.func @matrices(
  // CHECK-COUNT-4: "astra.dot_general"({{.*}}tensor<2x3xf32>
  // CHECK-NOT: dot_general
  func.func @matrices(%x: tensor<2x3xcomplex<f32>>, %y: tensor<3x2xcomplex<f32>>) -> tensor<2x2xcomplex<f32>> {
    %0 = "astra.dot_general"(%x, %y) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
        : (tensor<2x3xcomplex<f32>>, tensor<3x2xcomplex<f32>>) -> tensor<2x2xcomplex<f32>>
    return %0 : tensor<2x2xcomplex<f32>>
  }
  // What a loop carries doubles.
  // CHECK-LABEL: func.func @loop(
  // CHECK: "astra.scan"(%{{.*}}, %{{.*}}) ({
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>):
  // CHECK: num_carries = 2 : i64
  func.func @loop(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
    %0 = "astra.scan"(%x) ({
    ^bb0(%i: tensor<i32>, %c: tensor<4xcomplex<f32>>):
      %1 = "astra.add"(%c, %c) : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
      "astra.yield"(%1) : (tensor<4xcomplex<f32>>) -> ()
    }) {trip_count = 3 : i64, num_carries = 1 : i64, reverse = false} : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
    return %0 : tensor<4xcomplex<f32>>
  }
  // Sums are of each part; a product of elements is a reduction of both.
  // CHECK-LABEL: func.func @reductions(
  // CHECK-COUNT-2: kind = "add"
  // CHECK: kind = "custom"
  func.func @reductions(%x: tensor<4xcomplex<f32>>, %init: tensor<complex<f32>>)
      -> (tensor<complex<f32>>, tensor<complex<f32>>) {
    %0 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 0>, kind = "add"}
        : (tensor<4xcomplex<f32>>, tensor<complex<f32>>) -> tensor<complex<f32>>
    %1 = "astra.reduce"(%x, %init) ({}) {dimensions = array<i64: 0>, kind = "multiply"}
        : (tensor<4xcomplex<f32>>, tensor<complex<f32>>) -> tensor<complex<f32>>
    return %0, %1 : tensor<complex<f32>>, tensor<complex<f32>>
  }
}
