// The innermost loop of a matrix product keeps its tile of the result in vector registers, with one fused multiply-add
// for each register and step: 6 x 16 in twelve registers of 256 bits, 8 x 32 in sixteen of 512 bits, 8 x 8 in sixteen
// of 128 bits.  Each step fetches a line of what is packed next (prfm) into the second-level cache.
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v3 | %filecheck %s --check-prefix=V3
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v4 | %filecheck %s --check-prefix=V4
// RUN: %astra-translate %s --to asm --target aarch64-unknown-linux-gnu:cortex-a72 | %filecheck %s --check-prefix=NEON

// V3-NOT: zmm
// V3-LABEL: astra_gemm_micro_f32_6x16:
// V3-NOT: call
// V3-COUNT-12: vfmadd231ps {{.*}}%ymm
// V3-NOT: {{call|vfmadd|zmm}}
// V3: retq
// V3-NOT: zmm

// V4-LABEL: astra_gemm_micro_f32_8x32:
// V4-NOT: {{call|vfmadd.*ymm}}
// V4-COUNT-16: vfmadd231ps {{.*}}%zmm
// V4-NOT: {{call|vfmadd}}
// V4: retq

// NEON-LABEL: astra_gemm_micro_f32_8x8:
// NEON: prfm pldl2keep
// NEON-COUNT-16: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.s[0]
// NEON-NOT: {{fmla|bl }}
// NEON: ret
func.func @main(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}
