// One program in every form, for a named target; StableHLO comes back from Astra, text, bytecode and artifacts.
// RUN: %astra-translate %s --to astra | %filecheck %s --check-prefix=ASTRA
// RUN: %astra-translate %s --to astra | %astra-translate --to stablehlo | %filecheck %s --check-prefix=STABLEHLO
// RUN: %astra-translate %s --to artifact --version 1.9.0 | %astra-translate --to astra | %filecheck %s --check-prefix=ASTRA
// RUN: %astra-translate %s --to bytecode | %astra-translate --to stablehlo | %filecheck %s --check-prefix=STABLEHLO
// RUN: %astra-translate %s --to llvm-ir --target x86-64-v3 | %filecheck %s --check-prefix=LLVM
// RUN: %astra-translate %s --to optimized-llvm-ir --target x86-64-v3 | %filecheck %s --check-prefix=OPTIMIZED
// RUN: %astra-translate %s --to asm --target x86-64-v3 | %filecheck %s --check-prefix=V3
// RUN: %astra-translate %s --to asm --target aarch64-linux-gnu:neoverse-v2 | %filecheck %s --check-prefix=ARM
// RUN: %astra-translate %s --to object --target x86-64-v3 -o %t.o && head -c 4 %t.o | %filecheck %s --check-prefix=OBJECT
// RUN: not %astra-translate %s --to artifact --version 99.0.0 2>&1 | %filecheck %s --check-prefix=VERSION
// RUN: not %astra-translate %s --to asm --target z80 2>&1 | %filecheck %s --check-prefix=TARGET

// ASTRA: "astra.multiply"(%arg0, %arg0)
// STABLEHLO: stablehlo.multiply %arg0, %arg0 : tensor<64xf32>
// LLVM: define {{.*}} @astra_entry_main
// OPTIMIZED: fmul <{{(8|16)}} x float>
// V3: vmulps {{.*}}ymm
// ARM: fmul {{v|z}}
// OBJECT: ELF
// VERSION: astra-translate: error: no portable artifact of version 99.0.0
// TARGET: unknown processor 'z80'
func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<64xf32>
  return %0 : tensor<64xf32>
}
