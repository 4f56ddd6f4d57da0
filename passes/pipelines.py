"""The named pipelines: the way of a program from StableHLO to the LLVM dialect, in stages.

``astra-cpu-pipeline`` is what ``astra.jit`` runs and what ``astra-opt`` prints; it is nothing but its stages one after
the other, so a program can be looked at between any two of them.
"""

from __future__ import annotations

from astra_mlir.passes.core import register_pipeline

__all__ = ["CPU_STAGES", "STAGE_NAMES", "stage_pipeline"]

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

STAGE_NAMES = ("stablehlo", *CPU_STAGES)


def stage_pipeline(stage: str) -> str:
    """The name of the pipeline that leads to a stage from the one before it."""
    return f"astra-cpu-to-{stage}"


for _stage, (_summary, _text) in CPU_STAGES.items():
    register_pipeline(stage_pipeline(_stage), _summary, _text)

register_pipeline(
    "astra-cpu-pipeline",
    "StableHLO to the LLVM dialect for a CPU: what astra.jit runs",
    ",".join(stage_pipeline(stage) for stage in CPU_STAGES),
)
