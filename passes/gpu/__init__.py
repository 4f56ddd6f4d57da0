"""GPU code: tile functions and the kernels beside them to the LLVM and NVVM dialects."""
