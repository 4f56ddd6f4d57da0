// Products of 8-bit integers and of bfloat16 use the instructions that sum neighbouring products where the processor
// has them: two for each accumulator of the tile and two more for the sums that signed integers need, or one each.
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:cascadelake | %filecheck %s --check-prefix=VNNI
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:cooperlake | %filecheck %s --check-prefix=BF16
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v4 | %filecheck %s --check-prefix=V4
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v3 | %filecheck %s --check-prefix=V3
// RUN: %astra-translate %s --to asm --target aarch64-unknown-linux-gnu:neoverse-v1 | %filecheck %s --check-prefix=ARM
// RUN: %astra-translate %s --to asm --target aarch64-unknown-linux-gnu:cortex-a72 | %filecheck %s --check-prefix=NEON

// VNNI-LABEL: astra_gemm_micro_s8s8_i32_8x32:
// VNNI-COUNT-18: vpdpbusd {{.*}}%zmm
// VNNI-NOT: vpdpbusd
// VNNI-LABEL: astra_gemm_micro_f32_8x32:
// VNNI-COUNT-16: vfmadd231ps {{.*}}%zmm

// BF16-LABEL: astra_gemm_micro_bf16_f32_8x32:
// BF16-COUNT-16: vdpbf16ps {{.*}}%zmm
// BF16-NOT: vdpbf16ps %ymm

// V4-LABEL: astra_gemm_micro_i16_i32_8x32:
// V4-COUNT-16: vpmaddwd {{.*}}%zmm
// V4-NOT: {{vpdp|vdpbf16}}
// V4-LABEL: astra_gemm_micro_f32_8x32:
// V4-NOT: {{vpdp|vdpbf16}}

// V3-LABEL: astra_gemm_micro_i16_i32_6x16:
// V3-COUNT-12: vpmaddwd {{.*}}%ymm
// V3-NOT: zmm
// V3-LABEL: astra_gemm_micro_f32_6x16:
// V3-COUNT-12: vfmadd231ps {{.*}}%ymm
// V3-NOT: zmm

// ARM-LABEL: astra_gemm_micro_s8s8_i32_8x8:
// ARM-COUNT-16: sdot v{{[0-9]+}}.4s
// ARM-LABEL: astra_gemm_micro_bf16_f32_8x8:
// ARM-COUNT-16: bfdot v{{[0-9]+}}.4s

// NEON-LABEL: astra_gemm_micro_i32_8x8:
// NEON-COUNT-16: mla v{{[0-9]+}}.4s
// NEON-NOT: {{sdot|bfdot}}
func.func @main(%a: tensor<64x64xi8>, %b: tensor<64x64xi8>, %c: tensor<64x64xbf16>, %d: tensor<64x64xbf16>)
    -> (tensor<64x64xi32>, tensor<64x64xf32>) {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<64x64xi8>, tensor<64x64xi8>) -> tensor<64x64xi32>
  %1 = stablehlo.dot_general %c, %d, contracting_dims = [1] x [0] : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xf32>
  return %0, %1 : tensor<64x64xi32>, tensor<64x64xf32>
}
