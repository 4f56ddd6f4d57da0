"""The order of a kernel's loops: which are shared, merged, cut into blocks, and which runs innermost.

Used by ``astra-kernels-to-loops``, which emits the schedule.  The loop with the best strides runs innermost, so that
LLVM's vectorizer finds unit-stride accesses or a reduction in registers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_nest import LoopNest, nest_of, stride_score, transposed_input
from astra_mlir.passes.memref_utils import byte_width
from astra_mlir.passes.target import target_of

__all__ = ["TILE", "Loop", "Schedule", "ScheduledNest", "cut"]

ACCESS_NANOSECONDS = 0.25  # streaming four bytes through one core
OP_NANOSECONDS = 0.06  # one vectorized arithmetic operation
CALL_NANOSECONDS = 0.8  # one vectorized transcendental function
STRIDED_NANOSECONDS = 0.8  # an access that cannot be vectorized
TILE = 32  # edge of the square blocks in which transposing loops walk
COLUMN_ROWS = (8, 4)  # rows that a column reduction combines between a load and a store of the running values
COLUMN_TASKS = 16  # blocks of rows or columns that keep every thread busy


@dataclass
class Loop:
    """One loop of a nest: its trip count, what one step moves in each access, which dimension it walks."""

    extent: int
    steps: list[int]  # per access
    parallel: bool
    dimension: int | None  # the operation's dimension, for linalg.index; None once loops were merged
    scale: int = 1  # for a loop over blocks: elements of the dimension per step
    # where the last block is shorter: the loop over blocks, and the extent of the whole dimension
    limit: tuple[Loop, int] | None = None

    @property
    def whole(self) -> int:
        """The extent of the loop that was cut to give this one."""
        return self.limit[1] if self.limit else self.extent


@dataclass
class ScheduledNest:
    """A nest with its loops in the order in which they will run, the shared ones first."""

    nest: LoopNest
    loops: list[Loop]
    flats: list[ir.Value | None]  # flat memref per access
    constants: list[int]
    uses_index: bool
    rows: Loop | None = None  # of a column reduction: the few rows that one iteration of the innermost loop combines
    staged: int | None = None  # the access whose blocks go through a buffer, of the last two loops


class Schedule:
    """How the nests of one kernel will run.

    ``nests`` are in program order; the first ``shared`` loops of each are run together; ``local_spans`` are the buffers
    inside of the kernel with the number of elements that one iteration of the shared loops needs.
    """

    def __init__(self, func: ir.Operation) -> None:
        self.body = func.regions[0].blocks[0]
        generics = [op.operation for op in self.body.operations if op.operation.name == "linalg.generic"]
        self.nests = [_scheduled(nest_of(op)) for op in generics]
        self.shared = func.attributes["astra.shared_loops"].value
        self.local_spans: dict[ir.Value, int] = {}
        self.target = target_of(func)
        self.shrink_locals()
        self.merge_loops()
        self.choose()

    @property
    def shared_loops(self) -> list[Loop]:
        """The loops that all nests run under."""
        return self.nests[0].loops[: self.shared] if self.nests else []

    def cost(self) -> float:
        """A rough estimate of the kernel's time on one core, in nanoseconds."""
        total = 0.0
        for item in self.nests:
            per_iteration = 0.0
            innermost = item.loops[-1] if item.loops else None
            for number, flat in enumerate(item.flats):
                if flat is not None:
                    width = byte_width(flat.type.element_type)
                    step = abs(innermost.steps[number]) if innermost else 0
                    per_iteration += ACCESS_NANOSECONDS * width / 4 if step <= 1 else STRIDED_NANOSECONDS
            for op in item.nest.op.regions[0].blocks[0].operations:
                name = op.operation.name
                per_iteration += CALL_NANOSECONDS if name.startswith(("math.", "complex.")) else OP_NANOSECONDS
            total += per_iteration * math.prod(
                loop.extent for loop in (*item.loops, *([item.rows] if item.rows else []))
            )
        return total

    def shrink_locals(self) -> None:
        """Buffers inside the kernel hold one row: the shared loops do not move in them."""
        for op in list(self.body.operations):
            operation = op.operation
            if operation.name != "memref.alloca":
                continue
            flat = operation.results[0]
            span = 1
            for item in self.nests:
                for number, base in enumerate(item.flats):
                    if base is not None and base == flat:
                        for loop in item.loops[: self.shared]:
                            loop.steps[number] = 0
                        span = max(
                            span,
                            1
                            + item.constants[number]
                            + sum(abs(lp.steps[number]) * (lp.extent - 1) for lp in item.loops),
                        )
            self.local_spans[flat] = span

    def merge_loops(self) -> None:
        """Merge neighbouring loops that walk every access like one loop."""
        if not any(item.uses_index for item in self.nests):
            i = 0
            while i + 1 < self.shared:
                if all(_mergeable(item.loops[i], item.loops[i + 1]) for item in self.nests):
                    for item in self.nests:
                        item.loops[i : i + 2] = [_merged(item.loops[i], item.loops[i + 1])]
                    self.shared -= 1
                else:
                    i += 1
        for item in self.nests:
            i = self.shared
            while not item.uses_index and i + 1 < len(item.loops):
                first, second = item.loops[i], item.loops[i + 1]
                if first.parallel == second.parallel and _mergeable(first, second):
                    item.loops[i : i + 2] = [_merged(first, second)]
                else:
                    i += 1

    def choose(self) -> None:
        """Choose innermost loops; a kernel of one nest may also give up or cut shared loops for better strides.

        Not with buffers inside of the kernel: they have room for one iteration of the loops that are shared now.
        """
        *fills, item = self.nests or [None]
        only_fills = not self.local_spans and all(not any(fill.flats[: fill.nest.inputs]) for fill in fills)
        if item is not None and self.shared and only_fills:
            loops = item.loops
            best = max(loops, key=lambda loop: _stride_score(item, loop))
            reductions = [loop for loop in loops if not loop.parallel]
            if reductions and best.parallel and sum(loop.parallel for loop in loops) == self.shared:
                self.reorder_columns(item, best, fills)
                return
            if not reductions and not fills and len(loops) > 1:
                self.tile_transpose(item)
                return
        for item in self.nests:
            inner = item.loops[self.shared :]
            item.loops[self.shared :] = _inner_order(item, inner)

    def reorder_columns(self, item: ScheduledNest, best: Loop, fills: list[ScheduledNest]) -> None:
        """A reduction whose good stride is along a parallel loop: that loop innermost, reductions outside of it.

        ``fills`` initialize its result and walk the same parallel loops.
        """
        place = item.loops.index(best)
        outer = [loop for loop in item.loops if loop.parallel and loop is not best]
        reductions = [loop for loop in item.loops if not loop.parallel]
        width = max(byte_width(flat.type.element_type) for flat in item.flats if flat is not None)
        most = self.target.l1_bytes // (2 * width)  # the running values stay in half of the first-level cache
        tasks = math.prod(loop.extent for loop in outer)
        size = max(64, best.extent * tasks // COLUMN_TASKS) if tasks < COLUMN_TASKS else best.extent
        if size < best.extent or best.extent > most:
            blocks, within = cut(best, min(most, size))
            outer, best = [*outer, blocks], within
            for fill in fills:
                fill.loops.extend(cut(fill.loops.pop(place), min(most, size)))
        else:
            for fill in fills:
                fill.loops.append(fill.loops.pop(place))
        rows = next((count for count in COLUMN_ROWS if reductions[-1].extent % count == 0), 1)
        if rows > 1:
            reductions[-1], item.rows = cut(reductions[-1], rows)
        item.loops = [*outer, *reductions, best]
        self.shared = len(outer)

    def tile_transpose(self, item: ScheduledNest) -> None:
        """An elementwise nest that reads along one loop and writes along another walks in square blocks.

        Each block of the transposed input is first brought into a small buffer, line by line.
        """
        steps = [[lp.steps[n] for lp in item.loops] if flat is not None else None for n, flat in enumerate(item.flats)]
        found = transposed_input(steps, [lp.extent for lp in item.loops])
        if found is None or item.nest.op.attributes["operandSegmentSizes"][1] != 1:
            return
        number, read, written = found[0], item.loops[found[1]], item.loops[found[2]]
        others = [lp for lp in item.loops if lp is not read and lp is not written]
        read_blocks, read_within = cut(read, TILE)
        written_blocks, written_within = cut(written, TILE)
        item.loops = [*others, read_blocks, written_blocks, read_within, written_within]
        item.staged = number
        self.shared = len(others) + 2


def _scheduled(nest: LoopNest) -> ScheduledNest:
    accesses = nest.accesses
    loops = [
        Loop(extent, [a.coefficients[i] if a else 0 for a in accesses], i < nest.parallel, nest.loops[i])
        for i, extent in enumerate(nest.extents)
    ]
    constants = []
    for access in accesses:
        offset = access.place.offset // byte_width(access.memref.type.element_type) if access else 0
        constants.append(access.constant + offset if access else 0)
    flats = [access.place.base if access else None for access in accesses]
    return ScheduledNest(nest, loops, flats, constants, _uses_index(nest.op.regions[0].blocks[0]))


def _uses_index(block: ir.Block) -> bool:
    for op in block.operations:
        if op.operation.name == "linalg.index":
            return True
        if any(_uses_index(nested) for region in op.operation.regions for nested in region.blocks):
            return True
    return False


def _mergeable(outer: Loop, inner: Loop) -> bool:
    return all(a == b * inner.extent for a, b in zip(outer.steps, inner.steps, strict=True))


def _merged(outer: Loop, inner: Loop) -> Loop:
    return Loop(outer.extent * inner.extent, inner.steps, inner.parallel, None)


def cut(loop: Loop, size: int) -> tuple[Loop, Loop]:
    """A loop over blocks of ``size`` and the loop within a block."""
    size = min(size, loop.extent)
    count = -(-loop.extent // size)
    blocks = Loop(count, [step * size for step in loop.steps], loop.parallel, loop.dimension, loop.scale * size)
    limit = (blocks, loop.extent) if loop.extent % size else None
    return blocks, Loop(size, loop.steps, loop.parallel, loop.dimension, loop.scale, limit)


def _stride_score(item: ScheduledNest, loop: Loop) -> float:
    steps = [loop.steps[number] if flat is not None else None for number, flat in enumerate(item.flats)]
    return stride_score(steps, [number >= item.nest.inputs for number in range(len(item.flats))], loop.extent)


def _inner_order(item: ScheduledNest, loops: list[Loop]) -> list[Loop]:
    """The best loop innermost, reductions just outside of it (or it among them), the other parallel ones first."""
    if not loops:
        return loops
    best = max(loops, key=lambda loop: _stride_score(item, loop))
    parallel = [loop for loop in loops if loop.parallel and loop is not best]
    reductions = [loop for loop in loops if not loop.parallel and loop is not best]
    return [*parallel, *reductions, best]
