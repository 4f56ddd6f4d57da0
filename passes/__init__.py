"""The passes of Astra, one per module, and the named pipelines; importing this package registers them all."""

from __future__ import annotations

from astra_mlir.passes import autodiff as autodiff
from astra_mlir.passes import bufferize as bufferize
from astra_mlir.passes import drop_rules as drop_rules
from astra_mlir.passes import emit_entry as emit_entry
from astra_mlir.passes import emit_launches as emit_launches
from astra_mlir.passes import expand_collectives as expand_collectives
from astra_mlir.passes import expand_fft as expand_fft
from astra_mlir.passes import expand_math as expand_math
from astra_mlir.passes import expand_transforms as expand_transforms
from astra_mlir.passes import exporting as exporting
from astra_mlir.passes import form_kernels as form_kernels
from astra_mlir.passes import gpu as gpu
from astra_mlir.passes import importing as importing
from astra_mlir.passes import inline as inline
from astra_mlir.passes import kernels_to_loops as kernels_to_loops
from astra_mlir.passes import kernels_to_tile as kernels_to_tile
from astra_mlir.passes import outline_parallel as outline_parallel
from astra_mlir.passes import pipelines as pipelines
from astra_mlir.passes import plan_memory as plan_memory
from astra_mlir.passes import raise_loops as raise_loops
from astra_mlir.passes import recognize_attention as recognize_attention
from astra_mlir.passes import rematerialize as rematerialize
from astra_mlir.passes import repeat_cheap as repeat_cheap
from astra_mlir.passes import schedules as schedules
from astra_mlir.passes import simplify as simplify
from astra_mlir.passes import sink_scalars as sink_scalars
from astra_mlir.passes import split as split
from astra_mlir.passes import split_complex as split_complex
from astra_mlir.passes import tile_simplify as tile_simplify
from astra_mlir.passes import tile_to_loops as tile_to_loops
from astra_mlir.passes import to_gpu_kernels as to_gpu_kernels
from astra_mlir.passes import to_kernels as to_kernels
from astra_mlir.passes import to_linalg as to_linalg
from astra_mlir.passes import vectorize as vectorize
from astra_mlir.passes.core import (
    PASSES,
    PIPELINES,
    Pass,
    build_pass_manager,
    expand_pipeline,
    register_pass,
    register_pipeline,
    run_pipeline,
)

__all__ = [
    "PASSES", "PIPELINES", "Pass", "build_pass_manager", "expand_pipeline", "register_pass", "register_pipeline",
    "run_pipeline",
]  # fmt: skip
