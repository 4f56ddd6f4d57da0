"""Matrix products of many steps and a small result: the steps are split among tasks, whose parts are added at the end.

The gradient of a convolution's kernel is the common case: a few hundred rows and columns, tens of thousands of steps.
Tiles of the result alone would be few, and each would stream both operands from memory again.  The number of parts
depends on the shape only and they are added in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.function_text import FunctionText
from astra_mlir.passes.kernel_rules.gemm import Gemm, GemmSchedule, schedule_gemm
from astra_mlir.passes.kernel_rules.gemm_levels import Level, flatten, level_offset, merge_levels, narrow
from astra_mlir.passes.kernel_rules.gemm_program import TASK_WORK
from astra_mlir.passes.target import Target

__all__ = ["SplitSchedule", "schedule_split"]

MAX_PARTS = 16
MIN_STEPS = 512  # of a part
MIN_RATIO = 16  # steps by rows or columns
TASK_ELEMENTS = 1 << 15  # elements read in a task of adding


@dataclass(frozen=True)
class SplitSchedule:
    """A :class:`Gemm` as ``parts`` products into scratch and their sum."""

    gemm: Gemm
    parts: int
    schedule: GemmSchedule
    epilogue: Epilogue | None = None  # what is computed of the sums

    @property
    def scratch(self) -> tuple[int, ...]:
        """Accumulator elements of each scratch array: the parts, and what their products need."""
        return (self.parts * self.elements, *self.schedule.scratch)

    @property
    def elements(self) -> int:
        """Elements of the result."""
        return prod(self.gemm.sizes[:3])

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str, others: Sequence[str] = ()) -> str:
        """The functions: ``@name(lhs, rhs[, others], result, parts[, scratch])`` and all that it calls."""
        accumulator = self.gemm.accumulator
        scratch = [f"memref<{size}x{accumulator}>" for size in self.scratch]
        products = self.schedule.text(f"{name}_parts", lhs_type, rhs_type, scratch[0])
        arguments = [("%lhs", lhs_type), ("%rhs", rhs_type)]
        arguments += [(f"%other{i}_array", type) for i, type in enumerate(others)]
        arguments += [("%result_array", result_type), ("%parts_array", scratch[0])]
        arguments += [(f"%scratch{i}", type) for i, type in enumerate(scratch[1:])]
        f = FunctionText(name, arguments)
        f.call(f"{name}_parts", [*arguments[:2], *arguments[3 + len(others) :]])
        for array, type in arguments:
            if array.endswith("_array"):
                flatten(f, array.removesuffix("_array"), array, type)
        self._add(f)
        return f"{products}\n\n{f.text()}"

    def _add(self, f: FunctionText) -> None:
        """Add the parts, one row of the result after the other."""
        gemm, types = self.gemm, self.schedule.types
        batches, rows, columns, _ = gemm.sizes
        lanes, accumulator, result = types.lanes, gemm.accumulator, gemm.result.removeprefix("u")
        written = gemm.written.removeprefix("u")
        vector, memref = f"vector<{lanes}x{accumulator}>", f"memref<?x{accumulator}>"
        zero = f.constant(f"dense<{types.zero}>", vector)
        work = self.parts * columns
        group = max(1, TASK_ELEMENTS // work)
        with f.grouped(batches * rows, group, sequential=2 * group) as unit:
            batch, row = f.delinearize(unit, (batches, rows))
            source = f.mul(unit, columns)
            target = f.add(level_offset(f, gemm.batch, batch, 3), f.mul(row, gemm.row_stride))
            with f.loop(0, columns, lanes) as column:
                mask = f.value(f"vector.create_mask {f.ssa(f.sub(columns, column))} : vector<{lanes}xi1>")
                total = None
                for part in range(self.parts):
                    at = f.ssa(f.add(source, column, part * self.elements))
                    kinds = f"{memref}, vector<{lanes}xi1>, {vector} into {vector}"
                    value = f.value(f"vector.maskedload %parts[{at}], {mask}, {zero} : {kinds}")
                    total = value if total is None else types.add(f, total, value, vector)
                assert total is not None
                value = narrow(f, total, accumulator, result, lanes=lanes)
                place = f.add(target, column)
                if self.epilogue is not None:
                    group = f.mul(f.rem(batch, self.epilogue.groups), self.epilogue.group_size(gemm.sizes))
                    value = self.epilogue.apply(f, value, place, f.add(group, row), f.add(group, column), mask, lanes)
                kinds = f"memref<?x{written}>, vector<{lanes}xi1>, vector<{lanes}x{written}>"
                f.line(f"vector.maskedstore %result[{f.ssa(place)}], {mask}, {value} : {kinds}")


def schedule_split(gemm: Gemm, target: Target) -> SplitSchedule | None:
    """The schedule, or ``None`` where splitting the steps is not worth it or does not come out even."""
    batches, rows, columns, steps = gemm.sizes
    if steps < MIN_RATIO * max(rows, columns) or gemm.work < 2 * MAX_PARTS * TASK_WORK or batches >= MAX_PARTS:
        return None
    if gemm.result_base or gemm.result_m or gemm.result_n:
        return None
    outermost, lhs_step, rhs_step = gemm.k[0]
    parts = max(n for n in range(1, MAX_PARTS + 1) if outermost % n == 0 and (n == 1 or steps // n >= MIN_STEPS))
    if parts == 1:
        return None
    chunk = outermost // parts
    strides = row_major_strides([level[0] for level in gemm.batch])
    elements = rows * columns
    batch: list[Level] = [(parts, chunk * lhs_step, chunk * rhs_step, batches * elements)]
    batch += [(*level[:3], stride * elements) for level, stride in zip(gemm.batch, strides, strict=True)]
    part = replace(
        gemm,
        batch=merge_levels(batch),
        k=merge_levels([(chunk, lhs_step, rhs_step), *gemm.k[1:]]),
        result=gemm.accumulator,
        stored="",
        row_stride=columns,
    )
    return SplitSchedule(gemm, parts, schedule_gemm(part, target))
