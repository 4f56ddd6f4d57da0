"""``astra.select_and_scatter`` on GPUs (the derivative of a max pool), in two launches without atomics.

The first notes for each window which of its elements is selected; in the second each element of the result adds up
what the windows give that it is in and that have selected it, in the order of the windows.
"""

from __future__ import annotations

import itertools
import math

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.cumulative import combiner, wide
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.memref_utils import row_major_strides
from astra_mlir.passes.tile_builder import Tile, block_size, cells
from astra_mlir.passes.tile_nests import Axis

BLOCK = 256
MOST_PLACES = 128  # of a window: the code has all of them
SELECTED = {"GE": "ge", "GT": "gt", "LE": "le", "LT": "lt", "maximum": "ge", "minimum": "le"}


@gpu_kernel_rule("select_and_scatter")
def select_and_scatter(op: ir.Operation) -> KernelRequest | None:
    """Selections by comparison, sums of what is selected."""
    operand, source, init = op.operands
    kinds = value_of(op, "select_kind"), value_of(op, "scatter_kind")
    window = int_list(op, "window_dimensions")
    relation = SELECTED.get(kinds[0])
    element = operand.type.element_type
    if relation is None or combiner(kinds[1], element) is None or math.prod(window) > MOST_PLACES:
        raise UnsupportedError(
            f"{source_place(op.location)}: astra.select_and_scatter of kinds {kinds[0]} and {kinds[1]} over "
            f"{math.prod(window)} elements has no kernel for GPUs"
        )
    strides, padding = int_list(op, "window_strides"), int_list(op, "padding")
    types = (operand.type, source.type, init.type, op.results[0].type)
    chosen = ir.RankedTensorType.get(source.type.shape, ir.IntegerType.get_signless(32))
    name = kernel_name("select_and_scatter", "gpu", *types, window, strides, padding, *kinds)
    return KernelRequest(
        name, [operand, source, init], [Out(op.results[0].type)],
        lambda: _build(name, types, chosen, window, strides, padding, relation, kinds[1]), scratch=[chosen],
    )  # fmt: skip


def _build(
    name: str, types: tuple[ir.Type, ...], chosen: ir.Type, window: tuple[int, ...], strides: tuple[int, ...],
    padding: tuple[int, ...], relation: str, kind: str,
) -> str:  # fmt: skip
    operand, source, init, result = types
    host = HostFunction(name, [buffer_type(kind) for kind in (operand, source, init, result, chosen)])
    places = list(itertools.product(*map(range, window)))
    steps = row_major_strides(operand.shape)
    rank = range(len(window))

    function = host.tile(0, 4)
    b, (values, target) = function.builder, function.arguments
    rows = _rows(function, source.shape)
    assert rows.position is not None
    starts = [rows.loop(d) * strides[d] - padding[2 * d] for d in rank]
    best, best_at, has = None, None, None
    unsigned = getattr(operand.element_type, "is_unsigned", False)
    for place in places:
        at = [starts[d] + place[d] for d in rank]
        inside = _inside(at, operand.shape)
        offset = _offset(at, steps)
        value = b.load(values, offset, inside if rows.mask is None else inside & rows.mask)
        if best is None or best_at is None or has is None:
            best, best_at, has = value, offset, inside
            continue
        keeps = has & b.compare(best, relation, value, unsigned)
        replaces = inside & (keeps ^ 1)
        best, best_at = b.select(replaces, value, best), b.select(replaces, offset, best_at)
        has = has | inside
    assert best_at is not None and has is not None
    b.store(target, rows.position, b.select(has, best_at, -1 * b.full(best_at.shape, 1, b.i32)), rows.mask)
    host.launch(function, "select", [_programs(source.shape)], [0, 4])

    function = host.tile(1, 2, 3, 4)
    b, (given, start, out, selected) = function.builder, function.arguments
    rows = _rows(function, operand.shape)
    assert rows.position is not None
    combine = combiner(kind, operand.element_type)
    assert combine is not None
    compute = wide(given.type.element_type, b)
    total = b.broadcast(b.convert(b.load(start, b.index(0)), compute), rows.position.shape)
    source_steps = row_major_strides(source.shape)
    for place in reversed(places):  # the windows in ascending order
        shifted = [rows.loop(d) + (padding[2 * d] - place[d]) for d in rank]
        whole = b.full(rows.position.shape, 1, b.i1)
        at = []
        for d in rank:
            step = b.index(strides[d])
            at.append(b.elementwise("arith.divsi", [shifted[d], step]))
            whole = whole & (shifted[d] >= 0) & b.elementwise("arith.remsi", [shifted[d], step]).eq(0)
        inside = whole & _inside(at, source.shape)
        inside = inside if rows.mask is None else inside & rows.mask
        offset = _offset(at, source_steps)
        mine = b.load(selected, offset, inside, -1).eq(rows.position)
        more = b.convert(b.load(given, offset, inside), compute)
        total = b.select(inside & mine, combine(b, total, more), total)
    b.store(out, rows.position, b.convert(total, given.type.element_type), rows.mask)
    host.launch(function, "gather", [_programs(operand.shape)], [1, 2, 3, 4])
    return host.text()


def _programs(shape: tuple[int, ...]) -> int:
    size = math.prod(shape)
    return cells(size, block_size(size, BLOCK))


def _rows(function: object, shape: tuple[int, ...]) -> Axis:
    b = function.builder  # type: ignore[attr-defined]
    rows = Axis(tuple(shape))
    block = block_size(rows.size, BLOCK)
    rows.position = b.program_id(0) * block + b.arange(block)
    rows.mask = rows.position < rows.size if rows.size % block else None
    return rows


def _inside(at: list[Tile], shape: tuple[int, ...]) -> Tile:
    parts = [(position >= 0) & (position < size) for position, size in zip(at, shape, strict=True)]
    result = parts[0]
    for part in parts[1:]:
        result = result & part
    return result


def _offset(at: list[Tile], steps: list[int]) -> Tile:
    total: Tile = at[0] * steps[0]
    for position, step in zip(at[1:], steps[1:], strict=True):
        total = total + position * step
    return total
