// A program that names no target is for the one that ASTRA_TARGET names.
// RUN: env ASTRA_TARGET=x86_64-unknown-linux-gnu:haswell+l2=256k %astra-opt %s --astra-cpu-to-astra --astra-cpu-to-linalg --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s

// CHECK: @astra_dot_{{.*}}: GemmSchedule({{.*}}target=x86-64-v3+l2=256k), tile_rows=132
func.func @main(%x: tensor<1024x1024xf32>, %y: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %product = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0]
      : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  return %product : tensor<1024x1024xf32>
}
