"""``astra-rematerialize``: fewer bytes alive at once, by computing values a second time in front of a late use.

Works on any function of the Astra dialect; reverse-mode derivatives, whose forward values wait for their use at the
other end of the program, gain most.  The prediction of memory is a model of what code generation will do, told on the
function (``astra.predicted_peak_bytes``) beside what ``exe.memory()`` measures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, value_of
from astra_mlir.errors import AstraError
from astra_mlir.passes.autodiff_rules.residuals import bytes_of
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.simplify_rules.core import UNIQUE
from astra_mlir.passes.simplify_rules.loops import used_values
from astra_mlir.passes.transforms import entry_block, functions_of, prepare
from astra_mlir.passes.traversal import replace_operands

__all__ = ["PEAK_ATTRIBUTE", "Rematerialize", "predicted_peak", "rematerialize"]

PEAK_ATTRIBUTE = "astra.predicted_peak_bytes"

_NO_MEMORY = frozenset(f"astra.{name}" for name in ("constant", "iota"))
_ALIASES = frozenset(f"astra.{name}" for name in ("reshape", "broadcast", "optimization_barrier"))
# Behind a barrier of one value, such as this pass and reverse mode make, lies the same value.
_NEVER = (UNIQUE | {"astra.custom_call", "astra.kernel_call"}) - {"astra.optimization_barrier"}
_CONTRACTIONS = ("astra.dot_general", "astra.convolution")
_ELEMENTWISE = frozenset(name for name, definition in OPS.items() if definition.family == "elementwise")


@dataclass(eq=False)
class _Node:
    """An operation, or one more run of it: which values it uses (operands, then what regions capture) and makes."""

    op: ir.Operation
    reads: list[ir.Value]  # as the operation did at first
    uses: list[int]  # the numbers of these values now
    makes: list[int]
    again: bool = False


class _Program:
    """The operations of a block in order, with sizes and lifetimes of values; changed as values are made again."""

    def __init__(self, block: ir.Block) -> None:
        self.values: list[ir.Value | None] = []
        self.bytes: list[int] = []
        self.own: list[bool] = []  # whether a value has memory, being no view, and not computed where it is used
        # The values whose memory is read when a value is: itself, what it is a view of, or what it is computed from.
        self.bases: dict[int, frozenset[int]] = {}
        numbers: dict[ir.Value, int] = {}

        def number(value: ir.Value, size: int, own: bool) -> int:
            numbers[value] = len(self.values)
            return self.add(value, size, own)

        for argument in block.arguments:
            number(argument, 0, True)
        self.nodes: list[_Node] = []
        operations = [view.operation for view in block.operations]
        returned = set(operations[-1].operands)
        self.sunk: set[ir.Operation] = set()
        for op in self._sink(operations):
            reads = [value for value in used_values(op) if value in numbers]
            makes = []
            for result in op.results:
                own = op.name not in _ALIASES and op not in self.sunk
                free = not own or op.name in _NO_MEMORY or result in returned
                makes.append(number(result, 0 if free else bytes_of(result.type), own))
            self.nodes.append(_Node(op, reads, [numbers[value] for value in reads], makes))

    def _sink(self, operations: Sequence[ir.Operation]) -> list[ir.Operation]:
        """The operations with those that fuse into their only user right in front of it."""
        user_of = {op: user for op in operations if (user := _absorbing_user(op)) is not None}
        self.sunk.update(user_of)
        producers: dict[ir.Operation, list[ir.Operation]] = {}
        for op, user in user_of.items():
            producers.setdefault(user, []).append(op)
        order: list[ir.Operation] = []

        def place(op: ir.Operation) -> None:
            for producer in producers.get(op, ()):
                place(producer)
            order.append(op)

        for op in operations:
            if op not in user_of:
                place(op)
        return order

    def add(self, value: ir.Value | None, size: int, own: bool) -> int:
        """A new value and its number."""
        self.values.append(value)
        self.bytes.append(size)
        self.own.append(own)
        return len(self.values) - 1

    def lifetimes(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        """Where each value with memory is made, and where it or a view of it is used."""
        made: dict[int, int] = {}
        used: dict[int, list[int]] = {}
        self.bases = bases = {}
        for i, node in enumerate(self.nodes):
            read = frozenset().union(*(bases.get(value, frozenset((value,))) for value in node.uses))
            if any(self.own[value] for value in node.makes) or not node.makes:
                for base in read:
                    used.setdefault(base, []).append(i)
            for value in node.makes:
                bases[value] = frozenset((value,)) if self.own[value] else read
                if self.own[value]:
                    made[value] = i
        return made, used

    def peak(self) -> tuple[int, int]:
        """The most bytes alive at once, and at which operation."""
        made, used = self.lifetimes()
        change = [0] * (len(self.nodes) + 1)
        for value, start in made.items():
            if self.bytes[value]:
                change[start] += self.bytes[value]
                change[max(used.get(value, [start])[-1], start) + 1] -= self.bytes[value]
        best = where = alive = 0
        for i, delta in enumerate(change):
            alive += delta
            if alive > best:
                best, where = alive, i
        return best, where


def _absorbing_user(op: ir.Operation) -> ir.Operation | None:
    """The only user of an elementwise operation, if fusion computes it where that one reads it."""
    if op.name not in _ELEMENTWISE:
        return None
    users = [use.owner.operation for use in op.results[0].uses]
    if len(users) != 1 or users[0].block != op.block:
        return None
    return users[0] if users[0].name in _ELEMENTWISE or users[0].name == "astra.reduce" else None


def _cost(op: ir.Operation) -> float:
    """Work of an operation in units of an element computed elementwise."""
    elements = sum(_elements(result) for result in op.results)
    if op.name not in _CONTRACTIONS:
        return float(max(elements, sum(_elements(x) for x in op.operands)))
    if op.name == "astra.dot_general":
        shape = op.operands[0].type.shape
        depth = 1
        for d in value_of(op, "lhs_contracting_dimensions"):
            depth *= shape[d]
        return float(elements * depth)
    kernel = op.operands[1].type.shape
    return float(
        elements * max(1, _elements(op.operands[1]) // max(1, kernel[value_of(op, "kernel_output_feature_dimension")]))
    )


def _elements(value: ir.Value) -> int:
    return math.prod(value.type.shape)


def _may_run_again(op: ir.Operation) -> bool:
    definition = OPS.get(op.name)
    if definition is None or not definition.pure or op.name in _NEVER:
        return False
    return not any(len(region.blocks) for region in op.regions)


def rematerialize(block: ir.Block, budget: int) -> int:
    """Make values of a block again until at most ``budget`` bytes are predicted to be alive, or nothing helps.

    The choice is greedy: of the values that are alive at the peak and not used there, the one that frees most bytes for
    the work of making it again, with what it is made from.  Returns the bytes predicted.
    """
    program = _Program(block)
    peak, where = program.peak()
    refused: set[int] = set()
    for _ in range(_STEPS * len(program.nodes)):  # a step may move the peak without lowering it
        if peak <= budget:
            break
        candidate = _Search(program, where).best(refused)
        if candidate is None:
            break
        before = program.nodes
        program.nodes, value = candidate
        new_peak, new_where = program.peak()
        if new_peak > peak or (new_peak == peak and new_where == where):
            program.nodes = before
            refused.add(value)
        else:
            peak, where = new_peak, new_where
            refused.clear()
    _apply(program)
    return peak


_STEPS = 4  # tried for each operation, at most
_DEPTH = 16  # operations in a row that are run again for one value, at most


class _Search:
    """What could be made again behind the peak of a program."""

    def __init__(self, program: _Program, where: int) -> None:
        self.program, self.where = program, where
        self.made, self.used = program.lifetimes()
        self.maker = {value: node for node in program.nodes for value in node.makes}
        # The first operation behind the peak that reads a value itself (or a view of it, made before).
        self.first_after: dict[int, int] = {}
        for i in reversed(range(where + 1, len(program.nodes))):
            for use in program.nodes[i].uses:
                for value in (use, *program.bases.get(use, ())):
                    self.first_after[value] = i

    def best(self, refused: set[int]) -> tuple[list[_Node], int] | None:
        """The operations with the best value made again, and that value."""
        found: tuple[float, int, int, list[_Node]] | None = None
        for value, start in self.made.items():
            uses = self.used.get(value, ())
            if not self.program.bytes[value] or value in refused or start >= self.where:
                continue
            later = self.first_after.get(value)
            if later is None or self.where in uses:
                continue
            for depth in (0, 1, 3, _DEPTH):
                chain: list[_Node] = []
                longer: set[int] = set()
                if not self._chain(value, later, depth, chain, longer):
                    break
                gain = self.program.bytes[value] - sum(self.program.bytes[base] for base in longer)
                score = gain / max(1.0, sum(_cost(node.op) for node in chain))
                if gain > 0 and (found is None or score > found[0]):
                    found = (score, value, later, chain)
        if found is None:
            return None
        _, value, later, chain = found
        return self._with_copies(value, later, chain), value

    def _chain(self, value: int, later: int, depth: int, chain: list[_Node], longer: set[int]) -> bool:
        """Put the operations that make a value into ``chain``, and what must live longer for them into ``longer``."""
        node = self.maker.get(value)
        if node is None or not _may_run_again(node.op) or len(node.makes) != 1:
            return False
        if node in chain:
            return True
        for operand in node.uses:
            dead = {
                base for base in self.program.bases.get(operand, ())
                if base in self.made and base not in longer and self.used.get(base, [-1])[-1] < later
            }  # fmt: skip
            if not self.program.own[operand] and operand in self.maker:
                # Without memory of its own: taken from what it is a view of, or computed from, once more.
                if not self._chain(operand, later, depth, chain, longer):
                    return False
                continue
            if not dead:
                continue
            if depth > 0 and len(chain) < _DEPTH and self._chain(operand, later, depth - 1, chain, longer):
                continue
            longer |= dead
        chain.append(node)
        return True

    def _with_copies(self, value: int, later: int, chain: list[_Node]) -> list[_Node]:
        program, nodes = self.program, self.program.nodes
        copies: dict[int, int] = {}
        again: list[_Node] = []
        for node in chain:
            made = node.makes[0]
            uses = [copies.get(use, use) for use in node.uses]
            copies[made] = program.add(None, program.bytes[made], program.own[made])
            again.append(_Node(node.op, node.reads, uses, [copies[made]], True))
        # Views of the value are made again with it, where they are used later.
        family = {value}
        for node in nodes[:later]:
            if node.op.name in _ALIASES and len(node.makes) == 1 and node.uses and node.uses[0] in family:
                view = node.makes[0]
                if view not in copies and any(view in other.uses for other in nodes[later:]):
                    family.add(view)
                    copies[view] = program.add(None, 0, False)
                    again.append(_Node(node.op, node.reads, [copies[node.uses[0]]], [copies[view]], True))
        own = {value: copies[value], **{view: copies[view] for view in family}}
        changed = [
            _Node(node.op, node.reads, [own.get(use, use) for use in node.uses], node.makes, node.again)
            for node in nodes[later:]
        ]
        return [*nodes[:later], *again, *changed]


def _apply(program: _Program) -> None:
    """Make the operations that run again, and let those behind them use their results."""
    anchors: dict[_Node, ir.Operation] = {}
    following = program.nodes[-1].op
    for node in reversed(program.nodes):
        if node.again:
            anchors[node] = following
            continue
        if node.op in program.sunk:
            node.op.move_before(following)
        following = node.op
    for node in program.nodes:
        values = [program.values[use] for use in node.uses]
        if node in anchors:
            program.values[node.makes[0]] = _run_again(node, values, anchors[node])
        else:
            changed = {old: new for old, new in zip(node.reads, values, strict=True) if new != old}
            if changed:
                replace_operands(node.op, changed)


def _run_again(node: _Node, operands: Sequence[ir.Value], before: ir.Operation) -> ir.Value:
    """A copy of an operation on these operands; behind a barrier, if it could be taken for the original otherwise."""
    op, ip = node.op, ir.InsertionPoint(before)
    operands = list(operands)
    if operands == node.reads:
        for i, value in enumerate(operands):
            if not _is_constant(value):
                barrier = ir.Operation.create(
                    "astra.optimization_barrier", results=[value.type], operands=[value], loc=op.location, ip=ip
                )
                operands[i] = barrier.results[0]
                break
    copy = ir.Operation.create(
        op.name, results=[result.type for result in op.results], operands=operands,
        attributes=dict(op.attributes.items()), regions=len(op.regions), loc=op.location, ip=ip,
    )  # fmt: skip
    return copy.results[0]


def _is_constant(value: ir.Value) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name in _NO_MEMORY


def predicted_peak(function: ir.Operation) -> int:
    """The bytes of temporary values that a function is predicted to have alive at once, arguments and results aside."""
    return _Program(entry_block(function)).peak()[0]


@register_pass
@dataclass(frozen=True)
class Rematerialize(Pass):
    """Compute values again in front of late uses, so that at most ``budget`` bytes of temporaries are alive at once.

    Before (``astra-rematerialize{budget=64}``)::

        %0 = "astra.exponential"(%x) : (tensor<16xf32>) -> tensor<16xf32>
        %1 = ... other work, that needs much memory
        %2 = "astra.dot_general"(%0, %1) ...

    After::

        %0 = "astra.exponential"(%x) : (tensor<16xf32>) -> tensor<16xf32>
        %1 = ... other work, that needs much memory
        %2 = "astra.optimization_barrier"(%x) : (tensor<16xf32>) -> tensor<16xf32>
        %3 = "astra.exponential"(%2) : (tensor<16xf32>) -> tensor<16xf32>
        %4 = "astra.dot_general"(%3, %1) ...

    The barrier keeps passes from merging both again.  What is predicted in the end is told as the attribute
    ``astra.predicted_peak_bytes`` of each function, also where no budget is given or it cannot be met.
    """

    name: ClassVar[str] = "astra-rematerialize"
    summary: ClassVar[str] = "compute values again in front of late uses to stay within a budget of bytes"

    budget: int = field(default=-1, metadata={"doc": "the most bytes of temporaries; -1 only predicts"})

    def run(self, module: ir.Operation) -> None:
        """Rematerialize in every function of ``module``."""
        if self.budget < -1:
            raise AstraError(f"{self.name}: budget {self.budget} is negative")
        prepare(module)
        for function in functions_of(module).values():
            if len(function.regions[0].blocks):
                block = entry_block(function)
                peak = rematerialize(block, self.budget) if self.budget >= 0 else predicted_peak(function)
                function.attributes[PEAK_ATTRIBUTE] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), peak)
