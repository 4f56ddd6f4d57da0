"""Kernels of a few elements as straight-line vector code: what a loop over small arrays calls in each iteration.

Used by ``astra-kernels-to-loops`` for kernels that are called in loops.  All points of a nest are lanes of one vector,
or of one for each step of a reduction; every address is a constant.  Such code is inlined into the loop
(``astra-emit-entry``), and as small state is in stack buffers (``astra-plan-memory``), LLVM keeps it in registers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_nest import Access, LoopNest, nest_of
from astra_mlir.passes.math_functions import FUNCTIONS
from astra_mlir.passes.memref_utils import Builder, byte_width

__all__ = ["FLAT", "LANES", "SPAN", "SmallKernel"]

LANES = 64  # points of one vector: four registers of the widest target
FLAT = 512  # points of a reduction whose results and steps are all lanes
SPAN = 64  # elements from which an access that is not contiguous picks its lanes
RUNS = 16  # contiguous pieces that one vector is stored in
OPERATIONS = 400  # vector instructions of a kernel; more take LLVM longer than they save
REGISTER_BYTES = 64
MATH_OPERATIONS = 20  # vector instructions of an elementary function

# Reductions that may be done in any order; sums and products of floats need leave.
_TREES = {
    "arith.addf", "arith.mulf", "arith.addi", "arith.muli", "arith.andi", "arith.ori", "arith.xori", "arith.maximumf",
    "arith.minimumf", "arith.maxnumf", "arith.minnumf", "arith.maxsi", "arith.minsi", "arith.maxui", "arith.minui",
}  # fmt: skip
_ROUNDED = ("arith.addf", "arith.mulf")
_MATH = {
    *FUNCTIONS, "math.sqrt", "math.absf", "math.copysign", "math.fma", "math.floor", "math.ceil", "math.trunc",
    "math.roundeven", "math.absi", "math.ctlz", "math.cttz", "math.ctpop",
}  # fmt: skip

Point = tuple[int, ...]


@dataclass(frozen=True)
class _Tree:
    """A reduction ``combine(running, value)`` whose value does not need the running one."""

    combine: ir.Operation
    value: ir.Value


class SmallKernel:
    """A kernel function whose nests may become vector code."""

    def __init__(self, func: ir.Operation) -> None:
        self.body = func.regions[0].blocks[0]
        self.ops = [op.operation for op in self.body.operations if op.operation.name == "linalg.generic"]
        self.loc = func.location

    def emit(self) -> bool:
        """Replace the nests by vector code; gives whether they are small and simple enough."""
        if not all(
            all(_is_simple(op.operation) for op in generic.regions[0].blocks[0].operations) for generic in self.ops
        ):
            return False
        nests = [nest_of(op) for op in self.ops]
        if not nests or not all(map(_fits, nests)) or sum(map(_cost, nests)) > OPERATIONS:
            return False
        end = self.body.operations[len(self.body.operations) - 1].operation
        for nest in nests:
            _NestEmitter(nest, Builder(ir.InsertionPoint(end), self.loc)).run()
        for op in reversed(self.ops):
            op.erase()
        return True


def _is_simple(op: ir.Operation) -> bool:
    """Whether an operation of a nest's body does on a vector what it does on scalars."""
    if op.name in ("linalg.yield", "linalg.index"):
        return True
    known = op.name.startswith("arith.") or op.name in _MATH
    return known and not len(op.regions) and all(_is_number(result.type) for result in op.results)


def _is_number(kind: ir.Type) -> bool:
    """Floats narrower than a byte are stored as bytes by the loops alone."""
    if isinstance(kind, ir.FloatType):
        return kind.width >= 8
    return isinstance(kind, ir.IntegerType | ir.IndexType)


def _points(extents: Sequence[int]) -> list[Point]:
    return list(itertools.product(*map(range, extents)))


def _address(access: Access, point: Point) -> int:
    """The element that a point touches, from the beginning of the flat buffer."""
    start = access.place.offset // byte_width(access.memref.type.element_type)
    return start + access.constant + sum(c * i for c, i in zip(access.coefficients, point, strict=True))


def _lanes(nest: LoopNest) -> str:
    """What the lanes of a vector are: all ``results`` at one step of a reduction (or without one), the ``steps`` of one
    result, or ``both``: where the results' elements at one step are far apart, but all elements one after the other."""
    if _tree_of(nest) is None:
        return "results"
    results, steps = math.prod(nest.extents[: nest.parallel]), math.prod(nest.extents[nest.parallel :])
    if results < 4 and results < steps:
        return "steps"
    apart = any(
        access is not None
        and not access.written
        and _address(access, tuple(e - 1 if i < nest.parallel else 0 for i, e in enumerate(nest.extents)))
        - _address(access, (0,) * len(nest.extents))
        >= SPAN
        and _is_run([_address(access, point) for point in _points(nest.extents)])
        for access in nest.accesses
    )
    return "both" if apart and results * steps <= FLAT and steps & (steps - 1) == 0 else "results"


def _groups(nest: LoopNest) -> list[list[Point]]:
    """The points of each vector."""
    parallel, steps = _points(nest.extents[: nest.parallel]), _points(nest.extents[nest.parallel :])
    lanes = _lanes(nest)
    if lanes == "both":
        return [_points(nest.extents)]
    if lanes == "steps":
        return [[(*point, *step) for step in steps] for point in parallel]
    return [[(*point, *step) for point in parallel] for step in steps]


def _fits(nest: LoopNest) -> bool:
    if nest.loads or nest.iterations > LANES * 16:
        return False
    lanes, groups = _lanes(nest), _groups(nest)
    if len(groups[0]) > (FLAT if lanes == "both" else LANES):
        return False
    for access in nest.accesses:
        if access is None:
            continue
        if access.place.dynamic or not _is_number(access.memref.type.element_type):
            return False
        for group in groups:
            addresses = [_address(access, point) for point in group]
            if access.written and lanes == "results" and len(_runs(addresses)) > RUNS:
                return False
            if max(addresses) - min(addresses) >= SPAN and not _is_run(addresses):
                return False
    return True


def _cost(nest: LoopNest) -> int:
    """Vector instructions of a nest, about."""
    operations = list(nest.op.regions[0].blocks[0].operations)
    body = sum(MATH_OPERATIONS if op.operation.name in FUNCTIONS else 1 for op in operations) + len(nest.accesses)
    widths = [byte_width(a.memref.type.element_type) for a in nest.accesses if a is not None]
    groups = _groups(nest)
    return body * len(groups) * -(-len(groups[0]) * max(widths, default=4) // REGISTER_BYTES)


def _tree_of(nest: LoopNest) -> _Tree | None:
    """The reduction of a nest with one result, if its order does not matter."""
    block = nest.op.regions[0].blocks[0]
    if nest.parallel == len(nest.extents) or len(block.arguments) != nest.inputs + 1:
        return None
    running = block.arguments[nest.inputs]
    value = block.operations[len(block.operations) - 1].operation.operands[0]
    uses = list(running.uses)
    if isinstance(value.owner, ir.Block) or len(uses) != 1 or uses[0].owner.operation != value.owner.operation:
        return None
    combine = value.owner.operation
    if combine.name not in _TREES or combine.block != block:
        return None
    if combine.name in _ROUNDED and "reassoc" not in str(combine.attributes["fastmath"]):
        return None
    return _Tree(combine, combine.operands[1 if combine.operands[0] == running else 0])


def _runs(addresses: Sequence[int]) -> list[tuple[int, int]]:
    """The contiguous pieces of lanes as (first lane, number of lanes)."""
    runs = [(0, 1)]
    for lane in range(1, len(addresses)):
        first, count = runs[-1]
        if addresses[lane] == addresses[lane - 1] + 1:
            runs[-1] = first, count + 1
        else:
            runs.append((lane, 1))
    return runs


def _is_run(addresses: Sequence[int]) -> bool:
    return len(_runs(addresses)) == 1


class _NestEmitter:
    """Writes one nest; values of one lane are scalars."""

    def __init__(self, nest: LoopNest, builder: Builder) -> None:
        self.nest, self.b = nest, builder
        self.block = nest.op.regions[0].blocks[0]
        self.operations = [op.operation for op in self.block.operations]

    def run(self) -> None:
        nest = self.nest
        parallel, steps = _points(nest.extents[: nest.parallel]), _points(nest.extents[nest.parallel :])
        tree, lanes = _tree_of(nest), _lanes(nest)
        if tree is not None and lanes == "steps":
            for point in parallel:
                self.reduce_lanes(tree, point, steps)
            return
        if tree is not None and lanes == "both":
            self.reduce_neighbours(tree, [(*point, *steps[0]) for point in parallel])
            return
        if nest.parallel == len(nest.extents):
            self.store(parallel, self.apply(parallel, {}))
            return
        outputs = range(nest.inputs, len(nest.accesses))
        first = [(*point, *steps[0]) for point in parallel]
        running = {number: self.load(number, first) for number in outputs}
        groups = [[(*point, *step) for point in parallel] for step in steps]
        if tree is None:
            for group in groups:
                running = dict(zip(outputs, self.apply(group, running), strict=True))
            self.store(first, [running[number] for number in outputs])
            return
        self.store(first, [self.sum(tree, groups, running[nest.inputs])])

    # -- values -----------------------------------------------------------------------------------------------

    def sum(self, tree: _Tree, groups: Sequence[Sequence[Point]], initial: ir.Value | None) -> ir.Value:
        """Halves of the steps combined, one after the other so that few values wait; the first step joins the initial
        value, so that a product and a sum become one instruction."""
        if len(groups) == 1:
            value = self.value(tree, groups[0])
            return value if initial is None else self.combine(tree, initial, value)
        half = 1 << (len(groups) - 1).bit_length() - 1
        return self.combine(tree, self.sum(tree, groups[:half], initial), self.sum(tree, groups[half:], None))

    def reduce_neighbours(self, tree: _Tree, results: Sequence[Point]) -> None:
        """All results: neighbouring lanes are combined until each result has one."""
        points = _points(self.nest.extents)
        value, lanes = self.value(tree, points), len(points)
        while lanes > len(results):
            even, odd = (self.shuffle(value, range(first, lanes, 2)) for first in (0, 1))
            value, lanes = self.combine(tree, even, odd), lanes // 2
        self.store(results, [self.combine(tree, self.load(self.nest.inputs, results), value)])

    def reduce_lanes(self, tree: _Tree, point: Point, steps: Sequence[Point]) -> None:
        """One result: the steps are lanes, and halves of the vector are combined."""
        points = [(*point, *step) for step in steps]
        value, lanes = self.value(tree, points), len(points)
        while lanes > 1:
            half = lanes // 2
            low, high = self.shuffle(value, range(half)), self.shuffle(value, range(half, 2 * half))
            combined = self.combine(tree, low, high)
            if lanes % 2:
                last = self.shuffle(value, [lanes - 1])
                one = self.combine(tree, self.shuffle(combined, [0]), last)
                combined = one if half == 1 else self.insert(one, combined)
            value, lanes = combined, half
        running = self.load(self.nest.inputs, points[:1])
        self.store(points[:1], [self.combine(tree, running, value)])

    def combine(self, tree: _Tree, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        attributes = {name: tree.combine.attributes[name] for name in tree.combine.attributes}
        if "fastmath" in attributes:  # LLVM would make a chain of what it may reassociate: the loop waits for each sum
            attributes["fastmath"] = ir.Attribute.parse("#arith.fastmath<contract>")
        return self.b.op(tree.combine.name, (lhs, rhs), (lhs.type,), attributes).results[0]

    def value(self, tree: _Tree, points: Sequence[Point]) -> ir.Value:
        """What one step, or all of them, add to the running value."""
        return self.evaluate(points, {}, [tree.value], skip=tree.combine)[0]

    def apply(self, points: Sequence[Point], running: dict[int, ir.Value]) -> list[ir.Value]:
        return self.evaluate(points, running, list(self.operations[-1].operands))

    def evaluate(
        self, points: Sequence[Point], running: dict[int, ir.Value], wanted: Sequence[ir.Value],
        skip: ir.Operation | None = None,
    ) -> list[ir.Value]:  # fmt: skip
        """The body for one vector of points."""
        lanes = len(points)
        known: dict[ir.Value, ir.Value] = {}
        for number, (argument, operand) in enumerate(zip(self.block.arguments, self.nest.op.operands, strict=True)):
            if number in running:
                known[argument] = running[number]
            elif self.nest.accesses[number] is None:
                known[argument] = self.spread(operand, lanes)
            elif any(True for _ in argument.uses) and (skip is None or number < self.nest.inputs):
                known[argument] = self.load(number, points)

        def get(value: ir.Value) -> ir.Value:
            if value not in known:  # from outside of the nest: the same in all lanes
                known[value] = self.spread(value, lanes)
            return known[value]

        for op in self.operations[:-1]:
            if skip is not None and op == skip:
                continue
            result = op.results[0]
            kind = self.vector(result.type, lanes)
            if op.name == "linalg.index":
                known[result] = self.indices(op.attributes["dim"].value, points)
            elif op.name == "arith.constant":
                known[result] = self.spread(op.clone(self.b.ip).results[0], lanes)
            else:
                attributes = {name: op.attributes[name] for name in op.attributes}
                known[result] = self.b.op(op.name, [get(v) for v in op.operands], (kind,), attributes).results[0]
        return [get(value) for value in wanted]

    def indices(self, dimension: int, points: Sequence[Point]) -> ir.Value:
        """A dimension's index at each point."""
        loops = list(self.nest.loops)
        numbers = [point[loops.index(dimension)] if dimension in loops else 0 for point in points]
        if len(points) == 1:
            return self.b.constant(numbers[0])
        kind = self.vector(self.b.index, len(points))
        values = ir.DenseElementsAttr.get([ir.IntegerAttr.get(self.b.index, n) for n in numbers], kind)
        return self.b.op("arith.constant", (), (kind,), {"value": values}).results[0]

    # -- lanes ------------------------------------------------------------------------------------------------

    @staticmethod
    def vector(kind: ir.Type, lanes: int) -> ir.Type:
        return kind if lanes == 1 else ir.VectorType.get([lanes], kind)

    def spread(self, value: ir.Value, lanes: int) -> ir.Value:
        if lanes == 1 or isinstance(value.type, ir.VectorType):
            return value
        return self.b.op("vector.broadcast", (value,), (self.vector(value.type, lanes),)).results[0]

    def shuffle(self, value: ir.Value, lanes: Sequence[int]) -> ir.Value:
        """Some lanes of a value, in the given order."""
        lanes = list(lanes)
        if not isinstance(value.type, ir.VectorType):
            return self.spread(value, len(lanes))
        if lanes == list(range(value.type.shape[0])):
            return value
        element = value.type.element_type
        if len(lanes) == 1:
            attributes = {"static_position": ir.DenseI64ArrayAttr.get(lanes)}
            return self.b.op("vector.extract", (value,), (element,), attributes).results[0]
        mask = {"mask": ir.DenseI64ArrayAttr.get(lanes)}
        return self.b.op("vector.shuffle", (value, value), (self.vector(element, len(lanes)),), mask).results[0]

    def insert(self, value: ir.Value, vector: ir.Value) -> ir.Value:
        """A vector with another first lane."""
        attributes = {"static_position": ir.DenseI64ArrayAttr.get([0])}
        return self.b.op("vector.insert", (value, vector), (vector.type,), attributes).results[0]

    # -- memory -----------------------------------------------------------------------------------------------

    def memory(self, number: int) -> ir.Value:
        """The flat buffer of an access; elements narrower than a byte are bytes in memory."""
        access = self.nest.accesses[number]
        assert access is not None
        base, element = access.place.base, access.memref.type.element_type
        if isinstance(element, ir.IntegerType) and element.width < 8:
            kind = ir.MemRefType.get(base.type.shape, ir.IntegerType.get_signless(8))
            return self.b.op("builtin.unrealized_conversion_cast", (base,), (kind,)).results[0]
        return base

    def load(self, number: int, points: Sequence[Point]) -> ir.Value:
        access = self.nest.accesses[number]
        assert access is not None
        memory = self.memory(number)
        addresses = [_address(access, point) for point in points]
        low, span = min(addresses), max(addresses) - min(addresses) + 1
        at = self.b.constant(low)
        if span == 1:
            value = self.b.load(memory, [at])
        else:
            kind = self.vector(memory.type.element_type, span)
            value = self.b.op("vector.load", (memory, at), (kind,)).results[0]
        value = self.narrow(value, access.memref.type.element_type)
        return self.shuffle(value, [address - low for address in addresses])

    def narrow(self, value: ir.Value, element: ir.Type) -> ir.Value:
        vector = isinstance(value.type, ir.VectorType)
        if (value.type.element_type if vector else value.type) == element:
            return value
        kind = self.vector(element, value.type.shape[0]) if vector else element
        return self.b.op("arith.trunci", (value,), (kind,)).results[0]

    def store(self, points: Sequence[Point], values: Sequence[ir.Value]) -> None:
        for number, value in zip(range(self.nest.inputs, len(self.nest.accesses)), values, strict=True):
            access = self.nest.accesses[number]
            assert access is not None
            memory = self.memory(number)
            value = self.spread(value, len(points))
            if memory != access.place.base:
                wide = self.vector(ir.IntegerType.get_signless(8), len(points))
                value = self.b.op("arith.extui", (value,), (wide,)).results[0]
            addresses = [_address(access, point) for point in points]
            for first, count in _runs(addresses):
                part = self.shuffle(value, range(first, first + count))
                at = self.b.constant(addresses[first])
                name = "memref.store" if count == 1 else "vector.store"
                self.b.op(name, (part, memory, at))
