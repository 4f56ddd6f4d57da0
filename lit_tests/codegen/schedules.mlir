// The schedules that are chosen depend on the target's vector width, registers and caches, not on this machine: the
// tile in registers follows the vector width, the rows of a tile half of the second-level cache, what is packed once for
// all tasks a part of the last one, and the number of tiles the cores.
// RUN: sed s/TARGET/x86-64-v3/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,AVX2
// RUN: sed s/TARGET/x86-64-v4/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,AVX512
// RUN: sed s/TARGET/neon/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,NEON
// RUN: sed s/TARGET/x86-64-v3+l2=256k+l3=1m/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,SMALL2
// RUN: sed s/TARGET/x86-64-v4+l2=512k+cores=64/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,SMALL512
// RUN: sed s/TARGET/neon+l2=128k+l3=1m/ %s | %astra-opt - --astra-cpu-to-astra --astra-cpu-to-linalg --astra-cpu-to-memref --astra-cpu-to-kernels --astra-cpu-to-loops --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefixes=CHECK,SMALLNEON

// AVX2-DAG: @astra_dot_{{.*}}: GemmSchedule(gemm=[f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=x86-64-v3), tile_rows=258, tile_columns=256, depth=256{{.*}}pack_rhs=tile
// AVX512-DAG: @astra_dot_{{.*}}: GemmSchedule(gemm=[f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=x86-64-v4), tile_rows=256, tile_columns=256, depth=256{{.*}}pack_rhs=tile
// NEON-DAG: @astra_dot_{{.*}}: GemmSchedule(gemm=[f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=neon), tile_rows=256, tile_columns=256, depth=256{{.*}}pack_rhs=tile
// SMALL2-DAG: [f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=x86-64-v3+l2=256k+l3=1m), tile_rows=132, tile_columns=512, depth=256
// SMALL512-DAG: [f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=x86-64-v4+l2=512k+cores=64), tile_rows=128, tile_columns=64, depth=256
// SMALLNEON-DAG: [f32 x f32 -> f32, 1 x 1024 x 1024 x 1024], {{.*}}target=neon+l2=128k+l3=1m), tile_rows=128, tile_columns=512, depth=256
// AVX2-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=ahead
// AVX512-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=ahead
// NEON-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=ahead
// SMALL2-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=tile
// SMALL512-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=ahead
// SMALLNEON-DAG: [f32 x f32 -> f32, 1 x 4096 x 512 x 64], {{.*}}pack_rhs=tile
// CHECK-DAG: @astra_dot_{{.*}}: SkinnySchedule(gemm=[f32 x f32 -> f32, 1 x 1 x 1024 x 1024]{{.*}}kind=dots)
// CHECK-DAG: 32 x 32 | 32 x 32, through a buffer; {{[0-9]+}} tasks
// CHECK-DAG: 1024 | 1024 reduced

module attributes {astra.target = "TARGET"} {
  func.func @main(%x: tensor<1024x1024xf32>, %y: tensor<1024x1024xf32>, %v: tensor<1024xf32>,
                  %tall: tensor<4096x64xf32>, %wide: tensor<64x512xf32>)
      -> (tensor<1024x1024xf32>, tensor<1024xf32>, tensor<1024x1024xf32>, tensor<1024xf32>, tensor<4096x512xf32>) {
    %product = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0]
        : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    %vector = stablehlo.dot_general %x, %v, contracting_dims = [1] x [0]
        : (tensor<1024x1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
    %many = stablehlo.dot_general %tall, %wide, contracting_dims = [1] x [0]
        : (tensor<4096x64xf32>, tensor<64x512xf32>) -> tensor<4096x512xf32>
    %transposed = stablehlo.transpose %x, dims = [1, 0] : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %sums = stablehlo.reduce(%y init: %zero) applies stablehlo.add across dimensions = [1]
        : (tensor<1024x1024xf32>, tensor<f32>) -> tensor<1024xf32>
    return %product, %vector, %transposed, %sums, %many
        : tensor<1024x1024xf32>, tensor<1024xf32>, tensor<1024x1024xf32>, tensor<1024xf32>, tensor<4096x512xf32>
  }
}
