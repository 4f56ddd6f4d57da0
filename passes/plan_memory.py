"""``astra-plan-memory``: the buffers of a function become offsets in one arena that the caller provides.

Each allocation lives from its first to its last use in program order (a use inside of a loop counts for the whole loop
when the buffer was made outside of it); buffers whose lives do not overlap share memory.  Each buffer, in order of its
first use, goes into the smallest gap between live ones that holds it: the greedy-by-order strategy with best fit of
Pisarchyk and Lee, "Efficient memory management for deep neural net inference" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import Builder

__all__ = ["PlanMemory", "plan_offsets"]

ALIGNMENT = 64

_VIEWS = ("memref.view", "memref.subview", "memref.reinterpret_cast", "memref.cast")


def plan_offsets(intervals: list[tuple[int, int, int]]) -> tuple[list[int], int]:
    """Offsets for buffers given as (first position, last position, bytes), and the arena's size in bytes.

    Buffers whose position intervals overlap get disjoint byte ranges; all offsets are multiples of 64.

    >>> plan_offsets([(0, 2, 100), (1, 3, 10), (3, 4, 64)])
    ([0, 128, 0], 192)
    """
    offsets = [0] * len(intervals)
    live: list[tuple[int, int, int]] = []  # (offset, end, last position), sorted by offset
    total = 0
    for number in sorted(range(len(intervals)), key=lambda i: (intervals[i][0], -intervals[i][2])):
        first, last, size = intervals[number]
        size = max(ALIGNMENT, -(-size // ALIGNMENT) * ALIGNMENT)
        live = [entry for entry in live if entry[2] >= first]
        best, position, start = None, 0, 0
        for index, (offset, end, _) in enumerate([*live, (1 << 62, 1 << 62, 0)]):
            gap = offset - start
            if gap >= size and (best is None or gap < best):
                best, position, chosen = gap, index, start
            start = max(start, end)
        offsets[number] = chosen
        live.insert(position, (chosen, chosen + size, last))
        total = max(total, chosen + size)
    return offsets, total


class _Planner:
    def __init__(self, func: ir.Operation) -> None:
        self.func = func
        self.position = 0
        self.allocations: list[ir.Operation] = []
        self.first: dict[ir.Value, int] = {}
        self.last: dict[ir.Value, int] = {}
        self.root: dict[ir.Value, ir.Value] = {}

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
            for region in operation.regions:
                for nested in region.blocks:
                    touched |= self.number(nested)
            for value in touched:
                self.first[value] = min(self.first.get(value, start), start)  # a use in a region counts from its op
                self.last[value] = self.position
            used |= touched
        return used - own

    def run(self) -> int:
        block = self.func.regions[0].blocks[0]
        self.number(block)
        live = [op for op in self.allocations if op.results[0] in self.first]
        intervals = [(self.first[op.results[0]], self.last[op.results[0]], op.results[0].type.shape[0]) for op in live]
        offsets, total = plan_offsets(intervals)
        loc = self.func.location
        i8 = ir.IntegerType.get_signless(8)
        arena = block.add_argument(ir.MemRefType.get([total], i8), loc)
        places = dict(zip(live, offsets, strict=True))
        for op in self.allocations:
            if op in places:
                builder = Builder(ir.InsertionPoint(op), op.location)
                view = builder.view(arena, places[op], op.results[0].type)
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
    """Replace ``memref.alloc`` by views of one arena, the function's new last argument.

    The module attribute ``astra.arena_bytes`` is the arena's size: the peak memory beside arguments and results.
    """

    name: ClassVar[str] = "astra-plan-memory"
    summary: ClassVar[str] = "pack the buffers of a function into one arena by their lifetimes"

    def run(self, module: ir.Operation) -> None:
        total = 0
        for op in module.regions[0].blocks[0].operations:
            func = op.operation
            if func.name == "func.func" and "astra.num_inputs" in func.attributes:
                total = max(total, _Planner(func).run())
        module.attributes["astra.arena_bytes"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), total)
