// Of a large array only the faces are filled, not what the array covers; a small one is filled whole.
// RUN: %astra-opt %s --astra-to-linalg --split-input-file | %filecheck %s

// CHECK-LABEL: func.func @large
// CHECK:         linalg.fill {{.*}} -> tensor<1x1026xf32>
// CHECK:         linalg.fill {{.*}} -> tensor<1x1026xf32>
// CHECK:         linalg.fill {{.*}} -> tensor<1024x1xf32>
// CHECK:         linalg.fill {{.*}} -> tensor<1024x1xf32>
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[1, 1] [1024, 1024] [1, 1]
// CHECK:         return
func.func @large(%x: tensor<1024x1024xf32>, %zero: tensor<f32>) -> tensor<1026x1026xf32> {
  %0 = "astra.pad"(%x, %zero) {low = array<i64: 1, 1>, high = array<i64: 1, 1>, interior = array<i64: 0, 0>} : (tensor<1024x1024xf32>, tensor<f32>) -> tensor<1026x1026xf32>
  return %0 : tensor<1026x1026xf32>
}

// -----

// CHECK-LABEL: func.func @small
// CHECK:         linalg.fill {{.*}} -> tensor<6x6xf32>
// CHECK-NOT:     linalg.fill
// CHECK:         return
func.func @small(%x: tensor<4x4xf32>, %zero: tensor<f32>) -> tensor<6x6xf32> {
  %0 = "astra.pad"(%x, %zero) {low = array<i64: 1, 1>, high = array<i64: 1, 1>, interior = array<i64: 0, 0>} : (tensor<4x4xf32>, tensor<f32>) -> tensor<6x6xf32>
  return %0 : tensor<6x6xf32>
}
