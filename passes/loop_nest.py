"""The loop nest that a ``linalg.generic`` on memrefs means: extents, and linear addresses of every access.

Shared by ``astra-form-kernels`` (which nests may run under the same outer loops) and ``astra-kernels-to-loops`` (which
emits them).  Loops are put in canonical order: parallel ones in the order of the first output's dimensions, the other
parallel ones, then reductions; loops that run once are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.memref_utils import DYNAMIC, byte_width, strides_and_offset

__all__ = ["Access", "LoopNest", "Place", "constant_index", "nest_of", "place_of", "stride_score", "transposed_input"]


OWN_SCHEDULE_ITERATIONS = 4096  # smaller nests stay in the first-level cache whatever their order


def stride_score(steps: Sequence[int | None], outputs: Sequence[bool], extent: int) -> float:
    """How good a loop is as the innermost one: unit strides are vector loads, an invariant output is a register.

    ``steps`` are the elements that one iteration moves in each access (``None`` for scalars).
    """
    score = 0.0
    for step, output in zip(steps, outputs, strict=True):
        if step is not None:
            invariant = 1.0 if output else 0.5
            score += (2.0 if output else 1.0) * {0: invariant, 1: 1.0}.get(abs(step), -1.0)
    return score * min(extent, 16)


def transposed_input(steps: Sequence[Sequence[int] | None], extents: Sequence[int]) -> tuple[int, int, int] | None:
    """For an elementwise nest (the last access is the output) that reads along one loop and writes along another.

    Gives (number of such an input, the loop it reads along, the loop the output is written along), else ``None``.
    """
    output = steps[-1]
    written = next((i for i in range(len(extents) - 1, -1, -1) if output is not None and abs(output[i]) == 1), None)
    if written is None or extents[written] < 8:
        return None
    for number, row in enumerate(steps[:-1]):
        if row is None or row[written] == 0 or abs(row[written]) == 1:
            continue
        read = next((i for i, step in enumerate(row) if abs(step) == 1 and i != written), None)
        if read is not None and extents[read] >= 8:
            return number, read, written
    return None


@dataclass(frozen=True)
class Place:
    """Where a memref lies: a base buffer, a byte offset in it (a static part and SSA parts) and strides in elements."""

    base: ir.Value
    offset: int
    dynamic: tuple[tuple[ir.Value, int], ...]  # (index value, bytes per unit)
    strides: tuple[int, ...]

    @property
    def origin(self) -> tuple[ir.Value, int, tuple[tuple[ir.Value, int], ...]]:
        """What two views share when they start at the same byte."""
        return self.base, self.offset, self.dynamic


def place_of(memref: ir.Value) -> Place:
    """Trace a memref to the buffer that it views."""
    kind = memref.type
    strides, _ = strides_and_offset(kind)
    if isinstance(memref.owner, ir.Block):
        return Place(memref, 0, (), tuple(strides))
    op = memref.owner.operation
    if op.name == "memref.view":
        shift = op.operands[1]
        constant = constant_index(shift)
        if constant is not None:
            return Place(op.operands[0], constant, (), tuple(strides))
        return Place(op.operands[0], 0, ((shift, 1),), tuple(strides))
    if op.name == "memref.reinterpret_cast":
        source = place_of(op.operands[0])
        _, offset = strides_and_offset(kind)
        return Place(
            source.base, source.offset + offset * byte_width(kind.element_type), source.dynamic, tuple(strides)
        )
    if op.name == "memref.subview":
        width = byte_width(kind.element_type)
        source = place_of(op.operands[0])
        starts = iter(list(op.operands)[1:])
        offset, parts = source.offset, list(source.dynamic)
        for start, stride in zip(op.attributes["static_offsets"], source.strides, strict=True):
            if start == DYNAMIC:
                parts.append((next(starts), stride * width))
            else:
                offset += start * stride * width
        return Place(source.base, offset, tuple(parts), tuple(strides))
    return Place(memref, 0, (), tuple(strides))


def constant_index(value: ir.Value) -> int | None:
    """The value of an index constant, else None."""
    owner = value.owner
    if not isinstance(owner, ir.Block) and owner.operation.name == "arith.constant":
        return ir.IntegerAttr(owner.operation.attributes["value"]).value
    return None


@dataclass(frozen=True)
class Access:
    """One operand of a nest: its place and, per canonical loop, how many elements one step moves."""

    memref: ir.Value
    place: Place
    coefficients: tuple[int, ...]
    constant: int  # elements, from constants in the indexing map
    written: bool


@dataclass
class LoopNest:
    """A ``linalg.generic`` in canonical loops."""

    op: ir.Operation
    extents: tuple[int, ...]
    parallel: int  # how many of the loops (the leading ones) are parallel
    loops: tuple[int, ...]  # for each canonical loop the dimension of the operation that it walks
    accesses: list[Access | None] = field(default_factory=list)  # one per operand; None for scalars
    loads: list[ir.Operation] = field(default_factory=list)  # memref.load operations in the body

    def best_loop(self) -> int:
        """The loop that would run best innermost."""
        outputs = [access is not None and access.written for access in self.accesses]
        scores = [
            stride_score([a.coefficients[i] if a else None for a in self.accesses], outputs, extent)
            for i, extent in enumerate(self.extents)
        ]
        return max(range(len(scores)), key=scores.__getitem__)

    def wants_own_schedule(self) -> bool:
        """Whether the nest runs badly under the loops of others: a column reduction, or a transposition."""
        if not self.extents or self.iterations < OWN_SCHEDULE_ITERATIONS:
            return False
        if self.parallel < len(self.extents):
            return self.best_loop() < self.parallel
        steps = [access.coefficients if access else None for access in self.accesses]
        return transposed_input(steps, self.extents) is not None

    @property
    def inputs(self) -> int:
        """Number of input operands."""
        return self.op.attributes["operandSegmentSizes"][0]

    @property
    def iterations(self) -> int:
        """How many times the body runs."""
        return math.prod(self.extents)


def _linear(expression: ir.AffineExpr, coefficients: dict[int, int]) -> int:
    """Add an affine expression to ``coefficients`` per dimension; returns its constant part."""
    if isinstance(expression, ir.AffineConstantExpr):
        return expression.value
    if isinstance(expression, ir.AffineDimExpr):
        coefficients[expression.position] = coefficients.get(expression.position, 0) + 1
        return 0
    if isinstance(expression, ir.AffineAddExpr):
        return _linear(expression.lhs, coefficients) + _linear(expression.rhs, coefficients)
    if isinstance(expression, ir.AffineMulExpr):
        for factor, other in ((expression.lhs, expression.rhs), (expression.rhs, expression.lhs)):
            if isinstance(factor, ir.AffineConstantExpr):
                inner: dict[int, int] = {}
                constant = _linear(other, inner)
                for position, coefficient in inner.items():
                    coefficients[position] = coefficients.get(position, 0) + factor.value * coefficient
                return factor.value * constant
    raise UnsupportedError(f"indexing expression {expression} is not linear")


# per result of a map: ((dimension, coefficient), ...) and a constant
_Rows = tuple[tuple[tuple[tuple[int, int], ...], int], ...]
_LINEAR_MAPS: dict[str, _Rows] = {}


def _linear_map(attribute: ir.AffineMapAttr) -> _Rows:
    """The rows of an indexing map, remembered by its text."""
    text = str(attribute)
    if text not in _LINEAR_MAPS:
        rows = []
        for expression in attribute.value.results:
            coefficients: dict[int, int] = {}
            constant = _linear(expression, coefficients)
            rows.append((tuple(coefficients.items()), constant))
        _LINEAR_MAPS[text] = tuple(rows)
    return _LINEAR_MAPS[text]


def nest_of(op: ir.Operation) -> LoopNest:
    """The canonical loop nest of a ``linalg.generic`` on memrefs of static shape."""
    try:
        maps = [_linear_map(attribute) for attribute in op.attributes["indexing_maps"]]
    except UnsupportedError as error:
        raise UnsupportedError(f"{source_place(op.location)}: {error}") from None
    reduction = ["reduction" in str(kind) for kind in op.attributes["iterator_types"]]
    rank = len(reduction)
    operands = list(op.operands)
    inputs = op.attributes["operandSegmentSizes"][0]
    extents: list[int | None] = [None] * rank
    for operand, rows in zip(operands, maps, strict=True):
        if isinstance(operand.type, ir.MemRefType):
            for size, (row, constant) in zip(operand.type.shape, rows, strict=True):
                if len(row) == 1 and row[0][1] == 1 and constant == 0 and extents[row[0][0]] is None:
                    extents[row[0][0]] = size
    if any(extent is None for extent in extents):
        place = source_place(op.location)
        raise UnsupportedError(f"{place}: the loop bounds of {op.name} do not follow from its operands")
    order: list[int] = []
    for row, _ in maps[inputs]:
        order += [dimension for dimension, _ in row if dimension not in order and not reduction[dimension]]
    order += [d for d in range(rank) if not reduction[d] and d not in order]
    parallel = [d for d in order if extents[d] != 1]
    loops = parallel + [d for d in range(rank) if reduction[d] and extents[d] != 1]
    nest = LoopNest(op, tuple(extents[d] for d in loops), len(parallel), tuple(loops))
    for number, (operand, rows) in enumerate(zip(operands, maps, strict=True)):
        if not isinstance(operand.type, ir.MemRefType):
            nest.accesses.append(None)
            continue
        place = place_of(operand)
        per_dimension = [0] * rank
        constant = 0
        for stride, (row, shift) in zip(place.strides, rows, strict=True):
            constant += stride * shift
            for dimension, coefficient in row:
                per_dimension[dimension] += stride * coefficient
        nest.accesses.append(Access(operand, place, tuple(per_dimension[d] for d in loops), constant, number >= inputs))
    _collect_loads(op.regions[0].blocks[0], nest.loads)
    return nest


def _collect_loads(block: ir.Block, loads: list[ir.Operation]) -> None:
    for op in block.operations:
        operation = op.operation
        if operation.name == "memref.load":
            loads.append(operation)
        for region in operation.regions:
            for nested in region.blocks:
                _collect_loads(nested, loads)
