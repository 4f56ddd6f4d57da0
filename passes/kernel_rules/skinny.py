"""Matrix products with few rows or columns: no packing, the large operand is read once where it lies.

Two shapes of loop.  *Rows*: the few rows of the result are held in registers for a block of columns while the steps go
by (``x @ W`` of a small batch).  *Dots*: each element of the result is a dot product along contiguous memory of both
operands (``W @ x``, ``x @ W.T``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes, widen
from astra_mlir.passes.kernel_rules.gemm_levels import flatten, level_offset, narrow
from astra_mlir.passes.target import Target

__all__ = ["SkinnySchedule", "schedule_skinny"]

ACCUMULATORS = 16  # vectors of the result in registers
TINY_ELEMENTS = 512  # of a right operand for which setting up a tile costs as much as the product
TASK_ELEMENTS = 1 << 16  # elements of the large operand in a task of at least 20 us


@dataclass(frozen=True)
class SkinnySchedule:
    """How a skinny :class:`Gemm` is run on a target; ``kind`` is ``"rows"`` or ``"dots"``."""

    gemm: Gemm
    types: GemmTypes
    kind: str
    scratch: tuple[int, ...] = ()

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str) -> str:
        """The function ``@name(lhs, rhs, result)`` on memrefs of the given types."""
        arguments = [("%lhs_array", lhs_type), ("%rhs_array", rhs_type), ("%result_array", result_type)]
        f = FunctionText(name, arguments)
        for array, type in arguments:
            flatten(f, array.removesuffix("_array"), array, type)
        (_rows if self.kind == "rows" else _dots)(f, self.gemm, self.types)
        return f.text()


def schedule_skinny(gemm: Gemm, target: Target) -> SkinnySchedule | None:
    """The schedule of a product of few rows or columns with suitable strides; ``None`` for any other."""
    types = GemmTypes(gemm.accumulator, target)
    _, rows, columns, _ = gemm.sizes
    if gemm.result_base or gemm.result_m or gemm.result_n:
        return None
    if columns == 1 and rows > 1 and gemm.row_stride == 1:
        swapped = schedule_skinny(gemm.swapped(), target)
        return swapped and SkinnySchedule(gemm.swapped(), types, swapped.kind)
    if len(gemm.k) > 1:
        return None
    _, lhs_step, rhs_step = gemm.k[0] if gemm.k else (1, 1, 1)
    adjacent_columns = not gemm.n or (len(gemm.n) == 1 and gemm.n[0][1] == 1)
    few_rows = rows < types.rows or (rows <= ACCUMULATORS and columns * gemm.sizes[3] <= TINY_ELEMENTS)
    if few_rows and adjacent_columns and columns >= types.lanes // 2:
        return SkinnySchedule(gemm, types, "rows")
    if lhs_step == rhs_step == 1 and min(rows, columns) <= 4:
        return SkinnySchedule(gemm, types, "dots")
    return None


def _operands(f: FunctionText, gemm: Gemm) -> tuple[str, str]:
    """In the function the operands are called by their place in the operation, swapped or not."""
    return ("%rhs", "%lhs") if gemm.is_swapped else ("%lhs", "%rhs")


def _load(f: FunctionText, source: str, element: str, at: Index, lanes: int, mask: str | None, accumulator: str) -> str:
    """A vector of ``lanes`` elements, widened to the accumulator; 0 where ``mask`` is not set."""
    signless = element.removeprefix("u")
    vector, place = f"vector<{lanes}x{signless}>", f"{source}[{f.ssa(at)}]"
    if mask is None:
        value = f.value(f"vector.load {place} : memref<?x{signless}>, {vector}")
    else:
        zero = f.constant("dense<0.0>" if "f" in element else "dense<0>", vector)
        kinds = f"memref<?x{signless}>, vector<{lanes}xi1>, {vector} into {vector}"
        value = f.value(f"vector.maskedload {place}, {mask}, {zero} : {kinds}")
    return widen(f, value, element, accumulator, lanes=lanes)


def _tail_mask(f: FunctionText, count: int, lanes: int) -> str | None:
    return None if count >= lanes else f.value(f"vector.create_mask {f.ssa(count)} : vector<{lanes}xi1>")


def _rows(f: FunctionText, gemm: Gemm, types: GemmTypes) -> None:
    batches, rows, columns, depth = gemm.sizes
    lanes, accumulator, result = types.lanes, types.accumulator, gemm.result.removeprefix("u")
    vector = f"vector<{lanes}x{accumulator}>"
    lhs, rhs = _operands(f, gemm)
    _, lhs_step, rhs_step = gemm.k[0] if gemm.k else (1, 1, 1)
    width = max(1, ACCUMULATORS // rows) * lanes
    zero = f.constant(f"dense<{types.zero}>", vector)

    def block(batch: Index, column: Index, count: int) -> None:
        """``count`` columns from ``column`` on."""
        lhs_at = f.add(gemm.bases[0], level_offset(f, gemm.batch, batch, 1))
        rhs_at = f.add(gemm.bases[1], level_offset(f, gemm.batch, batch, 2), column)
        masks = {j: _tail_mask(f, count - j, lanes) for j in range(0, count, lanes)}
        tile = [(i, j) for i in range(rows) for j in masks]
        names = {at: f.fresh() for at in tile}
        kinds = ", ".join([vector] * len(tile))
        sums, k = f.fresh(), f.fresh()
        start = ", ".join(f"{names[at]} = {zero}" for at in tile)
        bounds = f"{f.ssa(0)} to {f.ssa(depth)} step {f.ssa(1)}"
        with f.block(f"{sums}:{len(tile)} = scf.for {k} = {bounds} iter_args({start}) -> ({kinds}) {{"):
            from_column = f.add(rhs_at, f.mul(k, rhs_step))
            loaded = {
                j: _load(f, rhs, gemm.rhs, f.add(from_column, j), lanes, mask, accumulator) for j, mask in masks.items()
            }
            results = []
            for i in range(rows):
                at = f.add(lhs_at, f.mul(k, lhs_step), level_offset(f, gemm.m, i, 1))
                scalar = f.value(f"memref.load {lhs}[{f.ssa(at)}] : memref<?x{gemm.lhs.removeprefix('u')}>")
                scalar = widen(f, scalar, gemm.lhs, accumulator)
                row = f.value(f"vector.broadcast {scalar} : {accumulator} to {vector}")
                results += [types.multiply_add(f, row, loaded[j], names[i, j], vector) for j in masks]
            f.line(f"scf.yield {', '.join(results)} : {kinds}")
        result_at = f.add(level_offset(f, gemm.batch, batch, 3), column)
        for x, (i, j) in enumerate(tile):
            value = narrow(f, f"{sums}#{x}", accumulator, result, lanes=lanes)
            place = f"%result[{f.ssa(f.add(result_at, i * gemm.row_stride + j))}]"
            kind = f"vector<{lanes}x{result}>"
            if masks[j] is None:
                f.line(f"vector.store {value}, {place} : memref<?x{result}>, {kind}")
            else:
                f.line(
                    f"vector.maskedstore {place}, {masks[j]}, {value} : memref<?x{result}>, vector<{lanes}xi1>, {kind}"
                )

    full = columns // width
    if full:
        with _grouped(f, batches * full, width * depth) as unit:
            batch, column = f.delinearize(unit, (batches, full))
            block(batch, f.mul(column, width), width)
    if columns % width:
        with _grouped(f, batches, columns % width * depth) as batch:
            block(batch, full * width, columns % width)


def _dots(f: FunctionText, gemm: Gemm, types: GemmTypes) -> None:
    batches, rows, columns, depth = gemm.sizes
    lanes, accumulator, result = types.lanes, types.accumulator, gemm.result.removeprefix("u")
    vector = f"vector<{lanes}x{accumulator}>"
    lhs, rhs = _operands(f, gemm)
    few_is_lhs = rows <= columns
    few, many = (rows, columns) if few_is_lhs else (columns, rows)
    few_source, many_source = ((lhs, gemm.lhs), (rhs, gemm.rhs)) if few_is_lhs else ((rhs, gemm.rhs), (lhs, gemm.lhs))
    few_levels, many_levels = (gemm.m, gemm.n) if few_is_lhs else (gemm.n, gemm.m)
    few_operand, many_operand = (1, 2) if few_is_lhs else (2, 1)
    zero = f.constant(f"dense<{types.zero}>", vector)
    scalar_zero = f.constant(types.zero, accumulator)
    fold = "fastmath<reassoc>" if types.is_float else ""

    def block(batch: Index, first: Index, count: int) -> None:
        """``count`` of the many from ``first`` on, with each of the few; one accumulator at least eight deep in all."""
        unroll = max(1, 8 // (few * count))
        few_at = [
            f.add(
                gemm.bases[few_operand - 1],
                level_offset(f, gemm.batch, batch, few_operand),
                level_offset(f, few_levels, i, 1),
            )
            for i in range(few)
        ]
        many_base = f.add(gemm.bases[many_operand - 1], level_offset(f, gemm.batch, batch, many_operand))
        many_at = [f.add(many_base, level_offset(f, many_levels, f.add(first, j), 1)) for j in range(count)]
        tile = [(u, i, j) for u in range(unroll) for i in range(few) for j in range(count)]

        def steps(k: Index, before: list[str], parts: int, mask: str | None) -> list[str]:
            after = list(before)
            for u in range(parts):
                a = [_load(f, *few_source, f.add(at, k, u * lanes), lanes, mask, accumulator) for at in few_at]
                b = [_load(f, *many_source, f.add(at, k, u * lanes), lanes, mask, accumulator) for at in many_at]
                for x, (part, i, j) in enumerate(tile):
                    if part == u:
                        after[x] = types.multiply_add(f, a[i], b[j], before[x], vector)
            return after

        values = [zero] * len(tile)
        stride = lanes * unroll
        whole = depth // stride * stride
        kinds = ", ".join([vector] * len(tile))
        if whole:
            names, sums, k = [f.fresh() for _ in tile], f.fresh(), f.fresh()
            start = ", ".join(f"{name} = {zero}" for name in names)
            bounds = f"{f.ssa(0)} to {f.ssa(whole)} step {f.ssa(stride)}"
            with f.block(f"{sums}:{len(tile)} = scf.for {k} = {bounds} iter_args({start}) -> ({kinds}) {{"):
                f.line(f"scf.yield {', '.join(steps(k, names, unroll, None))} : {kinds}")
            values = [f"{sums}#{x}" for x in range(len(tile))]
        for k in range(whole, depth, lanes):
            values = steps(k, values, 1, _tail_mask(f, depth - k, lanes))
        totals: dict[tuple[int, int], str] = {}
        for x, (_, i, j) in enumerate(tile):
            totals[i, j] = types.add(f, totals[i, j], values[x], vector) if (i, j) in totals else values[x]
        for (i, j), total in totals.items():
            scalar = f.value(f"vector.reduction <add>, {total}, {scalar_zero} {fold} : {vector} into {accumulator}")
            if accumulator != result:
                scalar = f.value(f"arith.trunc{'f' if types.is_float else 'i'} {scalar} : {accumulator} to {result}")
            place = (
                f.add(f.mul(i, gemm.row_stride), first, j)
                if few_is_lhs
                else f.add(f.mul(f.add(first, j), gemm.row_stride), i)
            )
            at = f.ssa(f.add(level_offset(f, gemm.batch, batch, 3), place))
            f.line(f"memref.store {scalar}, %result[{at}] : memref<?x{result}>")

    width = max(1, 8 // few)
    full = many // width
    if full:
        with _grouped(f, batches * full, width * depth) as unit:
            batch, position = f.delinearize(unit, (batches, full))
            block(batch, f.mul(position, width), width)
    if many % width:
        with _grouped(f, batches, many % width * depth) as batch:
            block(batch, full * width, many % width)


def _grouped(f: FunctionText, count: int, elements: int) -> AbstractContextManager[Index]:
    """A loop over ``count`` units that each read ``elements``, in tasks of units."""
    return f.grouped(count, max(1, TASK_ELEMENTS // elements), sequential=2 * TASK_ELEMENTS // elements)
