"""Rows that a loop nest gathers: which loads read one, and how far ahead of its use a row is fetched.

The innermost loop walks a row whose place the loops around it look up (an embedding).  No prefetcher of a processor
foresees the next row, and one row fills its queues of loads, so each begins with the latency of memory and of the page
table.  Fetching a few rows ahead into the second-level cache takes that out of the way: 8192 rows of 3 KiB of a table
of 150 MB, one thread on Zen 4, 2.3 to 1.5 ms, and 2 rows ahead are as good as 8.  Used by ``astra-kernels-to-loops``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_body import Number, Position, clone_at, for_loop
from astra_mlir.passes.loop_schedule import ScheduledNest
from astra_mlir.passes.memref_utils import Builder, byte_width, load_element, strides_and_offset

__all__ = ["GatheredRow", "contiguous_load", "fetch_ahead", "gathered_rows"]

LINE = 64  # bytes of a cache line
AHEAD_BYTES = 12 << 10  # between a row that is fetched and the one that is read
MOST_AHEAD = 16  # rows
FETCHED_BYTES = 4 << 10  # of a row at most: a prefetcher of the processor follows what is longer
LEAST_ROWS = 64  # a shorter gather ends before fetching ahead pays


@dataclass(frozen=True)
class GatheredRow:
    """A load of the body that reads consecutive elements as the innermost loop runs.

    ``fixed`` are the operations, in order, that its indices need and the innermost loop does not change,
    ``moving`` those that it does.
    """

    load: ir.Operation
    fixed: tuple[ir.Operation, ...]
    moving: tuple[ir.Operation, ...]
    ahead: int = 0  # rows

    @property
    def line(self) -> int:
        """Elements of a cache line."""
        return max(1, LINE // byte_width(self.load.results[0].type))

    def place(
        self, item: ScheduledNest, position: Position, load: Callable[[int], ir.Value]
    ) -> dict[ir.Value, ir.Value]:
        """What the indices need of the loops around the innermost one, at a place of these; ``load`` reads an input."""
        op = item.nest.op
        block = op.regions[0].blocks[0]
        mapping = {
            block.arguments[number]: op.operands[number] if item.flats[number] is None else load(number)
            for number in _read(block, self.fixed, list(self.load.operands)[1:])
        }
        for fixed in self.fixed:
            clone_at(fixed, position, mapping)
        return mapping

    def indices(self, position: Position, place: dict[ir.Value, ir.Value]) -> list[ir.Value]:
        """The indices where also the innermost loop stands somewhere."""
        mapping = dict(place)
        for op in self.moving:
            clone_at(op, position, mapping)
        return [mapping.get(value, value) for value in list(self.load.operands)[1:]]

    def lines(self, extent: int) -> int:
        """How many lines of a row of ``extent`` elements are fetched."""
        return -(-min(extent, FETCHED_BYTES // byte_width(self.load.results[0].type)) // self.line)


def contiguous_load(item: ScheduledNest, load: ir.Operation) -> GatheredRow | None:
    """The load, if one iteration of the innermost loop moves it by one element, wherever the row begins."""
    inner, block = item.loops[-1], item.nest.op.regions[0].blocks[0]
    source = load.operands[0].type
    if inner.dimension is None or source.rank == 0 or strides_and_offset(source)[0][-1] != 1:
        return None
    needed = _needed(block, list(load.operands)[1:])
    if needed is None:
        return None
    moved: dict[ir.Value, bool] = {}  # values that follow the innermost loop: with every step by one, or otherwise
    for number, argument in enumerate(block.arguments):
        if item.flats[number] is not None and inner.steps[number]:
            moved[argument] = False
    moving = []
    for op in needed:
        if op.name == "linalg.index":
            if op.attributes["dim"].value == inner.dimension:
                moved[op.results[0]] = True
                moving.append(op)
        elif follow := [moved[value] for value in op.operands if value in moved]:
            moved[op.results[0]] = follow == [True] and op.name in ("arith.addi", "arith.index_cast")
            moving.append(op)
    *rows, last = list(load.operands)[1:]
    if not moved.get(last) or any(value in moved for value in rows):
        return None
    return GatheredRow(load, tuple(op for op in needed if op not in moving), tuple(moving))


def gathered_rows(item: ScheduledNest, written: Collection[ir.Value | None], cache_bytes: int) -> list[GatheredRow]:
    """The rows that the innermost loop reads and the loop around it looks up, in arrays that the cache does not hold.

    ``written`` is what the kernel writes: places that it computes itself are not known ahead.
    """
    block = item.nest.op.regions[0].blocks[0]
    loads = [op.operation for op in block.operations if op.operation.name == "memref.load"]
    if not loads or len(item.loops) < 2 or item.staged is not None or item.rows is not None:
        return []
    *outer, inner = item.loops
    if not all(loop.parallel for loop in item.loops) or math.prod(loop.extent for loop in outer) < LEAST_ROWS:
        return []
    found = []
    for load in loads:
        row = contiguous_load(item, load)
        width = byte_width(load.results[0].type)
        if row is None or inner.extent * width < LINE or math.prod(load.operands[0].type.shape) * width <= cache_bytes:
            continue
        looked_up = [n for n in _read(block, row.fixed, list(load.operands)[1:]) if item.flats[n] is not None]
        if any(item.flats[n] in written for n in looked_up):
            continue
        if any(outer[-1].steps[n] for n in looked_up):
            found.append(replace(row, ahead=min(MOST_AHEAD, -(-AHEAD_BYTES // (inner.extent * width)))))
    return found


def fetch_ahead(item: ScheduledNest, position: Position, row: GatheredRow, bound: Number) -> None:
    """Ask for the row that a later iteration of the loop around the innermost one, of ``bound`` iterations, reads."""
    builder = position.builder
    *outer, (loop, variable) = position.variables
    later = builder.value(builder.add(variable, row.ahead))
    variables = [*outer, (loop, builder.binary("minui", later, builder.value(builder.add(bound, -1))))]
    addresses: list[Number] = list(item.constants)
    for other, at in variables:
        addresses = [builder.add(a, builder.mul(at, other.steps[n])) for n, a in enumerate(addresses)]
    place = row.place(
        item,
        Position(builder, variables, addresses),
        lambda number: load_element(builder, item.flats[number], builder.value(addresses[number])),
    )

    def fetch(inside: Builder, line: Number) -> None:
        at = Position(inside, [*variables, (item.loops[-1], inside.mul(line, row.line))], [])
        inside.op("memref.prefetch", (row.load.operands[0], *row.indices(at, place)), (), _second_level())

    for_loop(builder, 0, row.lines(item.loops[-1].extent), fetch)


def _second_level() -> dict[str, ir.Attribute]:
    i32 = ir.IntegerType.get_signless(32)
    return {
        "isWrite": ir.BoolAttr.get(False),
        "localityHint": ir.IntegerAttr.get(i32, 2),
        "isDataCache": ir.BoolAttr.get(True),
    }


def _needed(block: ir.Block, values: Sequence[ir.Value]) -> list[ir.Operation] | None:
    """The operations of the body that values need, in order; None if one of them has regions."""
    wanted, found = set(values), []
    for op in reversed([op.operation for op in block.operations]):
        if any(result in wanted for result in op.results):
            if len(op.regions):
                return None
            found.insert(0, op)
            wanted.update(op.operands)
    return found


def _read(block: ir.Block, ops: Sequence[ir.Operation], values: Sequence[ir.Value]) -> list[int]:
    """The block's arguments that operations, or values themselves, read."""
    used = {*values, *(value for op in ops for value in op.operands)}
    return [number for number, argument in enumerate(block.arguments) if argument in used]
