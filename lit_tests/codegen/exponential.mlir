// An exponential over f32 is a loop over vector registers that calls nothing: 256 bits with AVX2, 512 bits where the
// processor runs them at full rate.  For the generic x86-64-v4 LLVM's own cost model stays at 256 bits.
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v3 | %filecheck %s --check-prefix=V3
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:x86-64-v4 | %filecheck %s --check-prefix=V4
// RUN: %astra-translate %s --to asm --target x86_64-unknown-linux-gnu:znver4 | %filecheck %s --check-prefix=ZEN4

// V3-NOT: {{call|expf|zmm}}
// V3-LABEL: kernel_0:
// V3-NOT: {{call|expf|zmm}}
// V3-COUNT-5: vfmadd{{[0-9]+}}ps %ymm
// V3-NOT: {{call|expf|zmm}}
// V3: vmovups %ymm{{[0-9]+}}, (%rsi
// V3-NOT: {{call|expf|zmm}}
// V3: retq
// V3-NOT: {{call|expf|zmm}}

// V4-NOT: {{call|expf}}
// V4-LABEL: kernel_0:
// V4-NOT: {{call|expf}}
// V4-COUNT-5: vfmadd{{[0-9]+}}ps %{{[yz]}}mm
// V4-NOT: {{call|expf}}
// V4: vmovups %{{[yz]}}mm{{[0-9]+}}, (%rsi
// V4-NOT: {{call|expf}}
// V4: retq
// V4-NOT: {{call|expf}}

// ZEN4-NOT: {{call|expf}}
// ZEN4-LABEL: kernel_0:
// ZEN4-NOT: {{call|expf}}
// ZEN4-COUNT-5: vfmadd{{[0-9]+}}ps %zmm
// ZEN4-NOT: {{call|expf}}
// ZEN4: vmovups %zmm{{[0-9]+}}, (%rsi
// ZEN4-NOT: {{call|expf}}
// ZEN4: retq
// ZEN4-NOT: {{call|expf}}
func.func @main(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %0 = stablehlo.exponential %x : tensor<1024xf32>
  return %0 : tensor<1024xf32>
}
