"""``astra-plan-memory``: the buffers of a function become offsets in one arena that the caller provides.

Each allocation lives from its first to its last use in program order (a use inside of a loop counts for the whole loop
when the buffer was made outside of it); buffers whose lives do not overlap share memory.  Large buffers that are dead
before a result is first written live in that result's memory: gradients are as large as the parameters and come last.
The others are placed by the better of two greedy strategies of Pisarchyk and Lee, "Efficient memory management for
deep neural net inference" (2020): in order of first use, or largest first, each into the smallest gap that holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.buffers import SMALL_BYTES
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import Builder

__all__ = ["PlanMemory", "plan_offsets", "plan_results"]

ALIGNMENT = 64
LARGE = 1 << 12  # bytes from which a buffer is worth a place in a result
STACK = 1 << 12  # bytes of small buffers that loops may keep in registers; the others stay in the first-level cache

_LOOPS = ("scf.for", "scf.while")
_VIEWS = ("memref.view", "memref.subview", "memref.reinterpret_cast", "memref.cast")


Interval = tuple[int, int, int]  # first position, last position, bytes


def plan_offsets(intervals: list[Interval]) -> tuple[list[int], int]:
    """Offsets for buffers given as (first position, last position, bytes), and the arena's size in bytes.

    Buffers whose position intervals overlap get disjoint byte ranges; all offsets are multiples of 64.

    >>> plan_offsets([(0, 2, 100), (1, 3, 10), (3, 4, 64)])
    ([0, 128, 0], 192)
    """
    rounded = [(first, last, _round(size)) for first, last, size in intervals]
    plan = _by_order(rounded)
    if plan[1] > _most_alive(rounded):
        plan = min(plan, _by_size(rounded), key=lambda plan: plan[1])
    return plan


def _round(size: int) -> int:
    return max(ALIGNMENT, -(-size // ALIGNMENT) * ALIGNMENT)


def _most_alive(intervals: list[Interval]) -> int:
    """Bytes that no plan can do without: what is alive at one position."""
    changes: dict[int, int] = {}
    for first, last, size in intervals:
        changes[first] = changes.get(first, 0) + size
        changes[last + 1] = changes.get(last + 1, 0) - size
    alive = most = 0
    for position in sorted(changes):
        alive += changes[position]
        most = max(most, alive)
    return most


def _by_order(intervals: list[Interval]) -> tuple[list[int], int]:
    """Each buffer, in order of its first use, in the smallest gap between live ones."""
    offsets = [0] * len(intervals)
    live: list[tuple[int, int, int]] = []  # (offset, end, last position), sorted by offset
    total = 0
    for number in sorted(range(len(intervals)), key=lambda i: (intervals[i][0], -intervals[i][2])):
        first, last, size = intervals[number]
        live = [entry for entry in live if entry[2] >= first]
        chosen, position = _best_gap([(offset, end) for offset, end, _ in live], size)
        offsets[number] = chosen
        live.insert(position, (chosen, chosen + size, last))
        total = max(total, chosen + size)
    return offsets, total


def _by_size(intervals: list[Interval]) -> tuple[list[int], int]:
    """Each buffer, the largest first, in the smallest gap between those placed before that live at the same time."""
    offsets, space = [0] * len(intervals), _Space()
    for number in sorted(range(len(intervals)), key=lambda i: (-intervals[i][2], intervals[i][0])):
        offsets[number] = space.gap(intervals[number])
        space.place(intervals[number], offsets[number])
    return offsets, max((offset + size for offset, (_, _, size) in zip(offsets, intervals, strict=True)), default=0)


def _best_gap(taken: list[tuple[int, int]], size: int) -> tuple[int, int]:
    """Where the smallest gap of ``size`` bytes or more between sorted (offset, end) ranges begins, and before which."""
    best, chosen, position, start = None, 0, 0, 0
    for index, (offset, end) in enumerate([*taken, (1 << 62, 1 << 62)]):
        gap = offset - start
        if gap >= size and (best is None or gap < best):
            best, position, chosen = gap, index, start
        start = max(start, end)
    return chosen, position


class _Space:
    """Memory with buffers placed in it."""

    def __init__(self) -> None:
        self.placed: list[tuple[int, int, int, int]] = []  # offset, end, first and last position

    def gap(self, interval: Interval) -> int:
        """The best offset for a buffer."""
        first, last, size = interval
        taken = sorted((offset, end) for offset, end, begun, ended in self.placed if begun <= last and first <= ended)
        return _best_gap(taken, size)[0]

    def place(self, interval: Interval, offset: int) -> None:
        first, last, size = interval
        self.placed.append((offset, offset + size, first, last))


def plan_results(intervals: list[Interval], results: list[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Places in results, given as (first position, bytes), of large buffers that are dead before then.

    >>> plan_results([(0, 2, 8192), (1, 5, 8192), (1, 2, 4096), (0, 1, 64)], [(4, 12288), (3, 4096)])
    {0: (0, 0), 2: (1, 0)}
    """
    places: dict[int, tuple[int, int]] = {}
    by_size = sorted((size, first, i) for i, (first, size) in enumerate(results) if size >= LARGE)
    spaces = {i: _Space() for _, _, i in by_size}
    for number in sorted(range(len(intervals)), key=lambda i: (-intervals[i][2], intervals[i][0])):
        first, last, size = intervals[number]
        if size < LARGE:
            break
        rounded = (first, last, _round(size))
        for room, written, i in by_size:
            if room >= size and last < written and (offset := spaces[i].gap(rounded)) + size <= room:
                spaces[i].place(rounded, offset)
                places[number] = (i, offset)
                break
    return places


class _Planner:
    def __init__(self, func: ir.Operation, stack: bool) -> None:
        self.func = func
        self.position = 0
        self.allocations: list[ir.Operation] = []
        self.first: dict[ir.Value, int] = {}
        self.last: dict[ir.Value, int] = {}
        self.root: dict[ir.Value, ir.Value] = {}
        self.loops = 0  # that the block being numbered is in
        self.in_loops: set[ir.Value] = set()  # buffers used in loops
        self.stack: set[ir.Operation] = set()
        self.room = STACK if stack else 0

    def number(self, block: ir.Block) -> set[ir.Value]:
        """Give positions to a block's operations; returns the outer buffers that it uses."""
        own: set[ir.Value] = set()
        used: set[ir.Value] = set()
        for op in block.operations:
            operation = op.operation
            self.position += 1
            start = self.position
            touched = {self.root[value] for value in operation.operands if value in self.root}
            if operation.name == "memref.alloc":
                result = operation.results[0]
                self.allocations.append(operation)
                self.root[result] = result
                own.add(result)
            elif operation.name in _VIEWS:
                if operation.operands[0] in self.root:
                    self.root[operation.results[0]] = self.root[operation.operands[0]]
                continue
            self.loops += operation.name in _LOOPS
            for region in operation.regions:
                for nested in region.blocks:
                    touched |= self.number(nested)
            self.loops -= operation.name in _LOOPS
            if self.loops:
                self.in_loops |= touched
            for value in touched:
                self.first[value] = min(self.first.get(value, start), start)  # a use in a region counts from its op
                self.last[value] = self.position
            used |= touched
        return used - own

    def on_stack(self, op: ir.Operation) -> bool:
        """Whether a buffer is small state of a loop, which LLVM can keep in registers when it is on the stack."""
        size = op.results[0].type.shape[0]
        if op.results[0] not in self.in_loops or size > SMALL_BYTES or size > self.room:
            return False
        self.room -= _round(size)
        self.stack.add(op)
        return True

    def count(self, name: str) -> int:
        """An attribute that counts arguments; 0 where it is missing."""
        return ir.IntegerAttr(self.func.attributes[name]).value if name in self.func.attributes else 0

    def run(self) -> int:
        block = self.func.regions[0].blocks[0]
        inputs, results = self.count("astra.num_inputs"), self.count("astra.num_outputs")
        outputs = list(block.arguments)[inputs : inputs + results]
        self.root.update({output: output for output in outputs})
        self.number(block)
        live = [op for op in self.allocations if op.results[0] in self.first and not self.on_stack(op)]
        intervals = [(self.first[op.results[0]], self.last[op.results[0]], op.results[0].type.shape[0]) for op in live]
        in_results = plan_results(intervals, [(self.first.get(o, 0), o.type.shape[0]) for o in outputs])
        rest = [i for i in range(len(live)) if i not in in_results]
        offsets, total = plan_offsets([intervals[i] for i in rest])
        loc = self.func.location
        i8 = ir.IntegerType.get_signless(8)
        arena = block.add_argument(ir.MemRefType.get([total], i8), loc)
        places = {live[i]: (arena, offset) for i, offset in zip(rest, offsets, strict=True)}
        places |= {live[i]: (outputs[number], offset) for i, (number, offset) in in_results.items()}
        for op in self.allocations:
            if op in self.stack:
                start = Builder(ir.InsertionPoint.at_block_begin(block), loc)
                attributes = {name: op.attributes[name] for name in op.attributes}
                buffer = start.op("memref.alloca", (), [op.results[0].type], attributes).results[0]
                op.results[0].replace_all_uses_with(buffer)
            elif op in places:
                builder = Builder(ir.InsertionPoint(op), op.location)
                view = builder.view(*places[op], op.results[0].type)
                op.results[0].replace_all_uses_with(view)
            else:
                for use in list(op.results[0].uses):
                    use.owner.operation.erase()
            op.erase()
        kinds = [argument.type for argument in block.arguments]
        self.func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, []))
        return total


@register_pass
@dataclass(frozen=True)
class PlanMemory(Pass):
    """Replace ``memref.alloc`` by views of results that are written later and of one arena, the new last argument.

    The module attribute ``astra.arena_bytes`` is the arena's size: the peak memory beside arguments and results.
    """

    name: ClassVar[str] = "astra-plan-memory"
    summary: ClassVar[str] = "pack the buffers of a function into results and one arena by their lifetimes"
    stack: bool = True  # whether small state of loops may be on the stack, which a GPU does not see

    def run(self, module: ir.Operation) -> None:
        total = 0
        for op in module.regions[0].blocks[0].operations:
            func = op.operation
            if func.name == "func.func" and "astra.num_inputs" in func.attributes:
                total = max(total, _Planner(func, self.stack).run())
        module.attributes["astra.arena_bytes"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), total)
