"""Which schedule runs a matrix product: skinny shapes, many steps, or the general one."""

from __future__ import annotations

from dataclasses import replace

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.complex_products import ComplexSchedule, part_of, schedule_complex
from astra_mlir.passes.kernel_rules.depthwise import Depthwise
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.gemm import Gemm, GemmSchedule, schedule_gemm
from astra_mlir.passes.kernel_rules.gemm_split import SplitSchedule, schedule_split
from astra_mlir.passes.kernel_rules.skinny import SkinnySchedule, schedule_skinny
from astra_mlir.passes.kernel_rules.winograd import Winograd
from astra_mlir.passes.target import Target

__all__ = ["Schedule", "schedule_product", "scratch_types", "with_epilogue"]

# Each has text(name, lhs type, rhs type, result type[, types of an epilogue's operands]), which gives the functions,
# and scratch, sizes of arrays.
Schedule = ComplexSchedule | Depthwise | GemmSchedule | SkinnySchedule | SplitSchedule | Winograd


def schedule_product(gemm: Gemm, target: Target) -> Schedule:
    """The schedule of a matrix product."""
    if gemm.lhs.startswith("complex"):
        return schedule_complex(gemm, target, schedule_product)
    return schedule_skinny(gemm, target) or schedule_split(gemm, target) or schedule_gemm(gemm, target)


def with_epilogue(gemm: Gemm, target: Target, epilogue: Epilogue) -> GemmSchedule | SplitSchedule | None:
    """The schedule of a matrix product of which each tile gets ``epilogue``; ``None`` where its form has none."""
    schedule = schedule_product(gemm, target)
    return replace(schedule, epilogue=epilogue) if isinstance(schedule, GemmSchedule | SplitSchedule) else None


def scratch_types(schedule: Schedule, accumulator: str) -> list[ir.Type]:
    """The tensor types of a schedule's scratch."""
    element = ir.Type.parse(part_of(accumulator))
    return [ir.RankedTensorType.get([size], element) for size in schedule.scratch]
