"""The named pipelines: the way of a program from StableHLO to the LLVM dialect, in stages.

``astra-cpu-pipeline`` is what ``astra.jit`` runs and what ``astra-opt`` prints; it is nothing but its stages one after
the other, so a program can be looked at between any two of them.
"""

from __future__ import annotations

from astra_mlir.passes.core import register_pipeline

__all__ = [
    "CPU_STAGES", "GPU_STAGES", "GPU_STAGE_NAMES", "INNER_FUNCTIONS", "KERNELS_MADE", "STAGE_NAMES", "stage_pipeline",
]  # fmt: skip

# What each stage ends in, and the passes that lead there from the stage before it.
CPU_STAGES: dict[str, tuple[str, str]] = {
    "astra": (
        "StableHLO to the Astra dialect: one function, simplified, counted loops as scans, derivatives expanded",
        "astra-import,astra-inline,astra-simplify,astra-raise-loops,astra-simplify,astra-expand-transforms,astra-expand-collectives",
    ),
    "linalg": (
        "Astra to linalg on tensors, elementwise chains fused, and calls of generated kernels",
        "astra-recognize-attention,astra-to-kernels,astra-to-linalg,astra-repeat-cheap,func.func(linalg-fuse-elementwise-ops),canonicalize,cse",
    ),
    "memref": (
        "tensors to buffers; results are written into buffers of the caller",
        "astra-bufferize,canonicalize,cse",
    ),
    "kernels": (
        "groups of linalg operations to functions, shared where equal; one arena for all temporaries",
        "astra-form-kernels,canonicalize,cse,astra-plan-memory",
    ),
    "loops": (
        "linalg to loops, math functions to polynomials",
        "astra-kernels-to-loops,convert-complex-to-standard,astra-expand-math,canonicalize,cse",
    ),
    "llvm": (
        "parallel loops to tasks of the runtime, everything to the LLVM dialect, and the entry that the runtime calls",
        "astra-outline-parallel,func.func(scf-forall-to-for),convert-vector-to-scf,lower-affine,convert-scf-to-cf,"
        "convert-complex-to-standard,arith-expand,expand-strided-metadata,lower-affine,convert-vector-to-llvm,finalize-memref-to-llvm,"
        "convert-complex-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,convert-ub-to-llvm,"
        "convert-func-to-llvm,reconcile-unrealized-casts,astra-emit-entry",
    ),
}

# The same for programs on GPUs: kernels become tile functions, and the rest native code of the host that launches them.
# The tile functions go on their own way from stage ``tile`` (``astra_mlir/gpu/compiler.py``).
GPU_STAGES: dict[str, tuple[str, str]] = {
    "astra": CPU_STAGES["astra"],
    "linalg": (
        "Astra to linalg on tensors, elementwise chains fused, and calls of tile functions for the other operations",
        "astra-expand-fft,astra-split-complex,astra-recognize-attention,astra-to-gpu-kernels,astra-to-linalg,astra-repeat-cheap,func.func(linalg-fuse-elementwise-ops),canonicalize,cse,"
        "astra-sink-scalars,canonicalize,cse",
    ),
    "memref": CPU_STAGES["memref"],
    "kernels": ("groups of linalg operations to functions, shared where equal", "astra-form-kernels,canonicalize,cse"),
    "tile": (
        "kernels to tile functions and launches; one arena on the device for all temporaries",
        "astra-kernels-to-tile,canonicalize,cse,astra-plan-memory{stack=false}",
    ),
    "llvm": (
        "the host's part to the LLVM dialect: launches, control flow, single elements that are read back",
        "astra-emit-launches,convert-scf-to-cf,convert-complex-to-standard,arith-expand,expand-strided-metadata,lower-affine,"
        "finalize-memref-to-llvm,convert-complex-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,"
        "convert-cf-to-llvm,convert-ub-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts,astra-emit-launch-calls,"
        "astra-emit-entry",
    ),
}

STAGES = {"cpu": CPU_STAGES, "gpu": GPU_STAGES}
STAGE_NAMES = ("stablehlo", *CPU_STAGES)
GPU_STAGE_NAMES = ("stablehlo", *GPU_STAGES)

KERNELS_MADE = "astra-to-kernels"  # the pass after which kernels are there, and their inner functions may be taken out
# What is left to do for those, which have neither tensors nor tasks.  LLVM makes the same code of them with and without
# canonicalization (the functions of matmul 1024, int8 1024, conv 1x1 and attention 12x512x64 compared).
_NOT_FOR_INNER = {
    "astra-kernels-to-loops", "canonicalize", "cse", "astra-outline-parallel", "func.func(scf-forall-to-for)",
}  # fmt: skip
INNER_FUNCTIONS = [
    element
    for stage in ("loops", "llvm")
    for element in CPU_STAGES[stage][1].split(",")
    if element not in _NOT_FOR_INNER
]


def stage_pipeline(stage: str, device: str = "cpu") -> str:
    """The name of the pipeline that leads to a stage from the one before it."""
    return f"astra-{device}-to-{stage}"


for _device, _stages in STAGES.items():
    for _stage, (_summary, _text) in _stages.items():
        register_pipeline(stage_pipeline(_stage, _device), _summary, _text)

register_pipeline(
    "astra-cpu-pipeline",
    "StableHLO to the LLVM dialect for a CPU: what astra.jit runs",
    ",".join(stage_pipeline(stage) for stage in CPU_STAGES),
)
register_pipeline(
    "astra-gpu-pipeline",
    "StableHLO to the LLVM dialect for the host of a GPU: what astra.jit runs for target cuda",
    ",".join(stage_pipeline(stage, "gpu") for stage in GPU_STAGES),
)

register_pipeline(
    "astra-tile-cpu-pipeline",
    "tile functions, and functions that call their loops, to the LLVM dialect for a CPU: what launches of kernels run",
    "astra-tile-to-loops,canonicalize,cse,astra-expand-math,canonicalize,cse," + stage_pipeline("llvm"),
)
# From tile functions to kernels, whether they come from a program or from ``astra.kernel``.
register_pipeline(
    "astra-tile-to-kernels",
    "tile functions to what each thread of a GPU runs",
    "canonicalize,cse,astra-hopper-functions,astra-tile-pipeline,astra-tile-layouts,astra-tile-to-gpu",
)
register_pipeline(
    "astra-kernels-to-llvm",
    "what each thread of a GPU runs to the LLVM dialect",
    "convert-scf-to-cf,convert-vector-to-llvm{use-vector-alignment=true},convert-math-to-llvm,convert-arith-to-llvm,"
    "convert-index-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts",
)
