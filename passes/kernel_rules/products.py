"""Which schedule runs a matrix product: skinny shapes, many steps, or the general one."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.complex_products import ComplexSchedule, part_of, schedule_complex
from astra_mlir.passes.kernel_rules.depthwise import Depthwise
from astra_mlir.passes.kernel_rules.gemm import Gemm, GemmSchedule, schedule_gemm
from astra_mlir.passes.kernel_rules.gemm_split import SplitSchedule, schedule_split
from astra_mlir.passes.kernel_rules.skinny import SkinnySchedule, schedule_skinny
from astra_mlir.passes.kernel_rules.winograd import Winograd
from astra_mlir.passes.target import Target

__all__ = ["Schedule", "schedule_product", "scratch_types"]

# Each has text(name, lhs type, rhs type, result type), which gives the functions, and scratch, sizes of arrays.
Schedule = ComplexSchedule | Depthwise | GemmSchedule | SkinnySchedule | SplitSchedule | Winograd


def schedule_product(gemm: Gemm, target: Target) -> Schedule:
    """The schedule of a matrix product."""
    if gemm.lhs.startswith("complex"):
        return schedule_complex(gemm, target, schedule_product)
    return schedule_skinny(gemm, target) or schedule_split(gemm, target) or schedule_gemm(gemm, target)


def scratch_types(schedule: Schedule, accumulator: str) -> list[ir.Type]:
    """The tensor types of a schedule's scratch."""
    element = ir.Type.parse(part_of(accumulator))
    return [ir.RankedTensorType.get([size], element) for size in schedule.scratch]
