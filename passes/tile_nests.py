"""The nests of one kernel as a tile function: a program of the grid computes a block of the loops that all nests share.

Used by ``astra-kernels-to-tile``.  The shared (parallel) loops are flattened into one axis, *rows*, of which a program
takes a block; the loops inside of them, parallel ones or a reduction, into another, *columns*, which a program takes
whole (a softmax keeps its row in registers) or, for one reduction, in a loop.  A tile is rows by columns, or columns by
rows where memory lies along the rows.  What a nest writes, later nests read as values; nothing goes through memory
between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.loop_nest import LoopNest, nest_of, place_of
from astra_mlir.passes.memref_utils import byte_width
from astra_mlir.passes.split_reductions import neutral_of
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction, block_size, cells, power_of_two

__all__ = ["Axis", "CannotShare", "Nest", "memory_type", "nests_of", "scalar_type", "tile_function"]

FLAT_BLOCKS = ((1 << 18, 1024), (1 << 15, 512), (0, 128))  # elements of a program, by how many there are in all
WHOLE_COLUMNS = 1 << 14  # of a row that is held in registers: 32 f32 of a thread of 16 warps
LOOPED_COLUMNS = 2048  # of a row that is reduced in a loop
TILE_ELEMENTS = 2048  # of a tile with short rows
COLUMN_ROWS = 128  # neighbouring results of a reduction along columns


class CannotShare(Exception):
    """The nests have to be functions of their own."""


@dataclass
class Nest:
    """A ``linalg.generic`` with its canonical loops: per access the buffer, a constant and a step for each loop."""

    nest: LoopNest
    bases: list[ir.Value | None]
    constants: list[int]
    steps: list[tuple[int, ...]]

    @property
    def block(self) -> ir.Block:
        return self.nest.op.regions[0].blocks[0]

    @property
    def extents(self) -> tuple[int, ...]:
        return self.nest.extents


def nests_of(func: ir.Operation) -> list[Nest]:
    """The nests of a kernel function, in order."""
    found = []
    for op in func.regions[0].blocks[0].operations:
        if op.operation.name == "linalg.generic":
            nest = nest_of(op.operation)
            constants = []
            for access in nest.accesses:
                width = byte_width(access.memref.type.element_type) if access else 1
                constants.append(access.constant + access.place.offset // width if access else 0)
            found.append(
                Nest(
                    nest,
                    [access.place.base if access else None for access in nest.accesses],
                    constants,
                    [access.coefficients if access else (0,) * len(nest.extents) for access in nest.accesses],
                )
            )
    return found


def _groups(extents: Sequence[int], steps: Sequence[int]) -> list[tuple[int, int, int]]:
    """An address as (step, trip count, positions behind it) of loops that were merged, outermost first."""
    merged: list[list[int]] = []
    for extent, step in zip(extents, steps, strict=True):
        if merged and merged[-1][0] == step * extent:
            merged[-1] = [step, merged[-1][1] * extent]
        else:
            merged.append([step, extent])
    behind = [math.prod(extent for _, extent in merged[i + 1 :]) for i in range(len(merged))]
    return [(step, extent, after) for (step, extent), after in zip(merged, behind, strict=True)]


@dataclass
class Axis:
    """A flattened set of loops, and the positions on it of a tile's elements."""

    extents: tuple[int, ...]
    position: Tile | None = None
    mask: Tile | None = None

    @property
    def size(self) -> int:
        return math.prod(self.extents)

    def part(self, extent: int, behind: int) -> Tile:
        """``position / behind % extent``."""
        assert self.position is not None
        value = self.position // behind
        return value if extent * behind == self.size else value % extent

    def loop(self, number: int) -> Tile:
        """The variable of a loop."""
        return self.part(self.extents[number], math.prod(self.extents[number + 1 :]))

    def address(self, steps: Sequence[int], wide: bool) -> Tile | int:
        """What the loops add to an address."""
        total: Tile | int = 0
        for step, extent, behind in _groups(self.extents, steps):
            if step and extent > 1:
                variable = self.part(extent, behind)
                variable = variable.to(variable.builder.i64) if wide else variable
                total = variable * step + total
        return total

    def signature(self, steps: Sequence[int]) -> tuple[object, ...]:
        """Equal for two nests where the same positions have the same addresses."""
        groups = tuple(_groups(self.extents, steps))
        return (self.size, groups) if any(step for step, _, _ in groups) else ()


@dataclass
class _Shape:
    """How a kernel is cut: elements of a tile along rows and columns, whether columns come first, and warps."""

    rows: int
    columns: int  # 0: there are none
    columns_first: bool
    warps: int
    looped: bool  # over blocks of columns


def tile_function(
    func: ir.Operation, nests: Sequence[Nest], shared: int, arguments: Sequence[ir.Value], local: set[ir.Value]
) -> tuple[TileFunction, tuple[int, int, int]]:
    """The tile function of nests and its grid; ``arguments`` are the buffers and scalars that it takes.

    Raises :class:`CannotShare` where one function does not do, :class:`UnsupportedError` for what none can.
    """
    extents = nests[0].extents[:shared]
    shape = _shape_of(nests, shared)
    kinds = [_argument_type(value, func) for value in arguments]
    made = TileFunction(kinds, func.location, warps=shape.warps)
    values = dict(zip(arguments, made.arguments, strict=True))
    emitter = _Emitter(made.builder, shape, Axis(extents), values, local, nests)
    for nest in nests:
        emitter.emit(nest)
    return made, (cells(math.prod(extents), shape.rows), 1, 1)


def _argument_type(value: ir.Value, func: ir.Operation) -> tuple[ir.Type, bool]:
    if isinstance(value.type, ir.MemRefType):
        return memory_type(value.type.element_type, func), True
    return scalar_type(value.type), False


def scalar_type(kind: ir.Type) -> ir.Type:
    """How a scalar of the host comes to a tile function: index as i64, i1 as a byte."""
    if isinstance(kind, ir.IndexType):
        return ir.IntegerType.get_signless(64)
    if isinstance(kind, ir.IntegerType) and kind.width < 8:
        return ir.IntegerType.get_signless(8)
    return kind


def memory_type(element: ir.Type, op: ir.Operation) -> ir.Type:
    """How elements lie in memory: booleans as bytes."""
    if isinstance(element, ir.IntegerType) and element.width in (1, 8, 16, 32, 64):
        return ir.IntegerType.get_signless(max(8, element.width))
    if isinstance(element, ir.FloatType) and element.width in (8, 16, 32, 64):
        return element
    raise UnsupportedError(f"{source_place(op.location)}: arrays of {element} are not supported on GPUs")


def _shape_of(nests: Sequence[Nest], shared: int) -> _Shape:
    total = math.prod(nests[0].extents[:shared])
    columns = max(math.prod(nest.extents[shared:]) for nest in nests)
    if columns == 1:
        block = next(block for least, block in FLAT_BLOCKS if total >= least)
        rows = block_size(total, block)
        return _Shape(rows, 0, False, max(1, min(4, rows // 32)), False)
    reductions = [nest for nest in nests if nest.nest.parallel < len(nest.extents)]
    alone = [nest for nest in nests if len(nest.extents) > shared] == reductions[:1]
    if alone and _along_rows(reductions[0], shared):
        rows = block_size(total, COLUMN_ROWS)
        block = block_size(columns, max(1, TILE_ELEMENTS // rows))
        return _Shape(rows, block, True, 4, True)
    if alone and columns > LOOPED_COLUMNS:
        return _Shape(1, LOOPED_COLUMNS, False, 4, True)
    block = power_of_two(columns)
    if block > WHOLE_COLUMNS:
        raise CannotShare
    rows = block_size(total, max(1, TILE_ELEMENTS // block)) if block < TILE_ELEMENTS else 1
    warps = 4 if block <= 2048 else 8 if block <= 8192 else 16
    return _Shape(rows, block, False, warps, alone)


def _along_rows(nest: Nest, shared: int) -> bool:
    """Whether a reduction's inputs lie along its results: a column reduction, a window over channels."""
    inputs = [
        steps for steps, base in zip(nest.steps[: nest.nest.inputs], nest.bases, strict=False) if base is not None
    ]
    rows = sum(
        any(step == 1 for step, extent in zip(steps, nest.extents, strict=True) if extent > 1) and 1 in steps[:shared]
        for steps in inputs
    )
    columns = sum(1 in steps[shared:] for steps in inputs)
    return rows > columns or (rows > 0 and math.prod(nest.extents[shared:]) < 32)


class _Emitter:
    """Emits nests into one tile function."""

    def __init__(
        self, b: TileBuilder, shape: _Shape, rows: Axis, values: dict[ir.Value, ir.Value], local: set[ir.Value],
        nests: Sequence[Nest],
    ) -> None:  # fmt: skip
        self.b, self.shape, self.rows, self.values, self.local = b, shape, rows, values, local
        self.read_later: dict[ir.Value, int] = {}
        for nest in nests:
            for base in nest.bases:
                if base is not None:
                    self.read_later[base] = self.read_later.get(base, 0) + 1
        self.known: dict[ir.Value, tuple[object, Tile]] = {}  # what buffers hold: where, and as a value
        position = b.program_id(0) * shape.rows + b.arange(shape.rows)
        if shape.columns:
            position = position[None, :] if shape.columns_first else position[:, None]
        rows.position = position
        rows.mask = position < rows.size if rows.size % shape.rows else None

    @property
    def shared(self) -> int:
        return len(self.rows.extents)

    @property
    def column_axis(self) -> int:
        return 0 if self.shape.columns_first else 1

    @property
    def full(self) -> tuple[int, ...]:
        """The shape of a tile of rows and columns."""
        shape = self.shape
        return (shape.columns, shape.rows) if shape.columns_first else (shape.rows, shape.columns)

    def columns(self, nest: Nest, first: Tile | int = 0) -> Axis:
        """The inner loops of a nest, at the block of columns that begins at ``first``."""
        axis = Axis(nest.extents[self.shared :])
        if axis.size > 1:
            position = self.b.arange(self.shape.columns)
            position = position[:, None] if self.shape.columns_first else position[None, :]
            axis.position = position + first
            if axis.size % self.shape.columns:
                axis.mask = axis.position < axis.size
        return axis

    def emit(self, nest: Nest) -> None:
        reduced = nest.nest.parallel < len(nest.extents)
        if reduced and nest.nest.parallel > self.shared:
            raise CannotShare
        if not reduced:
            axis = self.columns(nest)
            mapping = self.inputs(nest, axis)
            self.write(nest, self.body(nest, mapping, axis, list(nest.block.operations)), axis)
        else:
            self.reduction(nest)

    # --- memory --------------------------------------------------------------------------------------------------

    def address(self, nest: Nest, number: int, axis: Axis) -> Tile:
        steps, constant = nest.steps[number], nest.constants[number]
        span = constant + sum(abs(step) * (extent - 1) for step, extent in zip(steps, nest.extents, strict=True))
        wide = span >= 1 << 31
        total = self.rows.address(steps[: self.shared], wide)
        inner = axis.address(steps[self.shared :], wide) if axis.position is not None else 0
        total = total if isinstance(inner, int) else inner if isinstance(total, int) else total + inner
        if isinstance(total, int):
            kind = self.b.i64 if wide else self.b.i32
            return self.b.constant(constant, kind)
        return total + constant

    def mask(self, shape: Sequence[int], axis: Axis) -> Tile | None:
        """Which elements of a tile of that shape exist."""
        found = None
        for part in (self.rows.mask, axis.mask):
            if part is not None and any(n > 1 and n == m for n, m in zip(shape, part.shape, strict=False)):
                found = part if found is None else found & part
        return found

    def place(self, nest: Nest, number: int, axis: Axis) -> tuple[object, ...]:
        """Equal for accesses of two nests that touch the same elements at the same places of a tile."""
        steps = nest.steps[number]
        return (
            nest.constants[number],
            self.rows.signature(steps[: self.shared]),
            axis.signature(steps[self.shared :]),
        )

    def read(self, nest: Nest, number: int, axis: Axis) -> Tile:
        """The values of an access."""
        base = nest.bases[number]
        assert base is not None
        element = nest.nest.op.operands[number].type.element_type
        if base in self.known:
            place, value = self.known[base]
            if place != self.place(nest, number, axis):
                raise CannotShare
            return value
        if base in self.local:
            raise CannotShare
        offsets = self.address(nest, number, axis)
        loaded = self.b.load(self.values[base], offsets, self.mask(offsets.shape, axis))
        return self.from_memory(loaded, element)

    def from_memory(self, value: Tile, element: ir.Type) -> Tile:
        return value.ne(0) if isinstance(element, ir.IntegerType) and element.width == 1 else value

    def write(self, nest: Nest, results: Sequence[Tile], axis: Axis) -> None:
        """What a nest yields goes to its outputs."""
        for number, value in enumerate(results, nest.nest.inputs):
            base = nest.bases[number]
            assert base is not None
            self.known[base] = (self.place(nest, number, axis), value)
            if base not in self.local:
                offsets = self.address(nest, number, axis)
                if value.element == self.b.i1:
                    value = value.to(self.b.i8)
                ones = (1,) * max(len(value.shape), len(offsets.shape))
                if any(n > m for n, m in zip(value.shape or ones, offsets.shape or ones, strict=True)):
                    raise CannotShare  # several iterations write one element
                offsets = self.b.broadcast(offsets, ones) if not offsets.shape else offsets
                self.b.store(self.values[base], offsets, value, self.mask(offsets.shape, axis))

    def inputs(self, nest: Nest, axis: Axis, outputs: bool = True) -> dict[ir.Value, Tile]:
        """The arguments of a body that it uses."""
        mapping = {}
        for number, argument in enumerate(nest.block.arguments):
            if not list(argument.uses) or (number >= nest.nest.inputs and not outputs):
                continue
            operand = nest.nest.op.operands[number]
            if isinstance(operand.type, ir.MemRefType):
                mapping[argument] = self.read(nest, number, axis)
            else:
                mapping[argument] = self.scalar(operand)
        return mapping

    def scalar(self, value: ir.Value) -> Tile:
        """A value from outside of the body: an argument, or a constant."""
        if value in self.values:
            return self.from_host(self.b.wrap(self.values[value]), value.type)
        op = value.owner.operation
        if op.name != "arith.constant":
            raise UnsupportedError(f"{source_place(op.location)}: {op.name} is not supported in kernels for GPUs")
        return self.constant(op)

    def from_host(self, value: Tile, kind: ir.Type) -> Tile:
        if isinstance(kind, ir.IndexType):
            return value.to(self.b.i32)
        return value.to(kind) if isinstance(kind, ir.IntegerType) else value

    def constant(self, op: ir.Operation) -> Tile:
        attribute, kind = op.attributes["value"], op.results[0].type
        if isinstance(kind, ir.IndexType):
            return self.b.index(ir.IntegerAttr(attribute).value)
        return self.b.one("arith.constant", [], kind, value=attribute)

    # --- bodies --------------------------------------------------------------------------------------------------

    def body(
        self, nest: Nest, mapping: dict[ir.Value, Tile], axis: Axis, operations: Sequence[ir.OpView]
    ) -> list[Tile]:
        """Operations on scalars as operations on tiles; what the terminator among them yields."""
        for view in operations:
            op = view.operation
            if op.name == "linalg.yield":
                return [self.mapped(value, mapping) for value in op.operands]
            if op.name == "arith.constant":
                mapping[op.results[0]] = self.constant(op)
            elif op.name == "linalg.index":
                mapping[op.results[0]] = self.index(nest, op.attributes["dim"].value, axis)
            elif op.name == "memref.load":
                mapping[op.results[0]] = self.gather(op, mapping, axis)
            else:
                operands = [self.mapped(value, mapping) for value in op.operands]
                mapping[op.results[0]] = self.operation(op, operands)
        return []

    def mapped(self, value: ir.Value, mapping: dict[ir.Value, Tile]) -> Tile:
        if value not in mapping:
            mapping[value] = self.scalar(value)
        return mapping[value]

    def operation(self, op: ir.Operation, operands: Sequence[Tile]) -> Tile:
        kind = op.results[0].type if len(op.results) == 1 else None
        if op.name in ("arith.index_cast", "arith.index_castui"):
            return operands[0].to(
                self.b.i32 if isinstance(kind, ir.IndexType) else kind, unsigned=op.name.endswith("ui")
            )
        if (
            kind is None
            or len(op.regions)
            or not op.name.startswith(("arith.", "math."))
            or isinstance(kind, ir.ComplexType)
        ):
            raise UnsupportedError(f"{source_place(op.location)}: {op.name} is not supported in kernels for GPUs")
        if any(isinstance(value.type, ir.ComplexType) for value in op.operands):
            raise UnsupportedError(f"{source_place(op.location)}: complex numbers are not supported on GPUs")
        element = self.b.i32 if isinstance(kind, ir.IndexType) else kind
        return self.b.elementwise(op.name, operands, element, **{name: op.attributes[name] for name in op.attributes})

    def index(self, nest: Nest, dimension: int, axis: Axis) -> Tile:
        """The position of a loop of the operation."""
        if dimension not in nest.nest.loops:
            return self.b.index(0)
        loop = nest.nest.loops.index(dimension)
        where, number = (self.rows, loop) if loop < self.shared else (axis, loop - self.shared)
        return where.loop(number)

    def gather(self, op: ir.Operation, mapping: dict[ir.Value, Tile], axis: Axis) -> Tile:
        """A load at computed indices."""
        memref, *indices = op.operands
        place = place_of(memref)
        width = byte_width(memref.type.element_type)
        wide = sum(step * (size - 1) for step, size in zip(place.strides, memref.type.shape, strict=True)) >= 1 << 31
        kind = self.b.i64 if wide else self.b.i32
        total = self.b.constant(place.offset // width, kind)
        for index, step in zip(indices, place.strides, strict=True):
            total = self.mapped(index, mapping).to(kind) * step + total
        if place.base not in self.values or place.base in self.known:
            raise CannotShare
        loaded = self.b.load(self.values[place.base], total, self.mask(total.shape, axis))
        return self.from_memory(loaded, memref.type.element_type)

    # --- reductions ----------------------------------------------------------------------------------------------

    def reduction(self, nest: Nest) -> None:
        """Columns are combined by the tree of ``astra.tile_reduce``, blocks of them one after the other before."""
        form = _combiner_of(nest)
        axis = self.columns(nest)
        blocks = cells(axis.size, self.shape.columns)
        if blocks > 1 and not self.shape.looped:
            raise CannotShare
        neutral = form.neutral
        kinds = [argument.type for argument in form.running]

        def leaves(axis: Axis) -> list[Tile]:
            """The new elements of a block, those that do not exist as the neutral one or marked by a last tile."""
            mapping = self.inputs(nest, axis, outputs=False)
            self.body(nest, mapping, axis, form.before)
            values = [self.b.broadcast(self.mapped(leaf, mapping), self.full) for leaf in form.leaves]
            if form.negated:
                values = [0 - values[0]]
            valid = None if axis.mask is None else self.b.broadcast(axis.mask, self.full)
            if neutral is not None:
                start = self.b.one("arith.constant", [], kinds[0], value=neutral)
                return values if valid is None else [self.b.select(valid, values[0], start)]
            return [*values, self.b.full(self.full, 1, self.b.i1) if valid is None else valid]

        def combine(b: TileBuilder, lhs: Sequence[Tile], rhs: Sequence[Tile]) -> list[Tile]:
            del b
            if neutral is not None:
                return self.combined(form, lhs, rhs)
            *left, has_left = lhs
            *right, has_right = rhs
            both = has_left & has_right
            new = [
                self.b.select(both, value, self.b.select(has_left, x, y))
                for value, x, y in zip(self.combined(form, left, right), left, right, strict=True)
            ]
            return [*new, has_left | has_right]

        if blocks == 1:
            total = leaves(axis)
        else:
            if neutral is not None:
                start = [self.b.broadcast(self.b.one("arith.constant", [], kinds[0], value=neutral), self.full)]
            else:
                start = [self.b.full(self.full, 0, kind) for kind in (*kinds, self.b.i1)]

            def step(first: Tile, state: list[Tile]) -> list[Tile]:
                return combine(self.b, state, leaves(self.columns(nest, first)))

            total = self.b.loop(0, axis.size, self.shape.columns, start, step)
        reduced = self.b.reduce(total, self.column_axis, combine)[: len(kinds)]
        one = (1, self.shape.rows) if self.shape.columns_first else (self.shape.rows, 1)
        reduced = [self.b.reshape(value, one) for value in reduced]
        outer = Axis((1,) * (len(nest.extents) - self.shared))
        old = [self.read(nest, nest.nest.inputs + i, outer) for i in range(len(kinds))]
        self.write(nest, self.combined(form, old, reduced), outer)

    def combined(self, form: _Combiner, lhs: Sequence[Tile], rhs: Sequence[Tile]) -> list[Tile]:
        """The combiner on the running values ``lhs`` and new elements ``rhs``, scalars or tiles."""
        if form.negated:
            return [lhs[0] + rhs[0]]
        mapping = dict(zip((*form.running, *form.leaves), (*lhs, *rhs), strict=True))
        for op in form.combine:
            if op.name == "arith.constant":
                mapping[op.results[0]] = self.constant(op)
                continue
            operands = [
                mapping[value] if value in mapping else self.constant(value.owner.operation) for value in op.operands
            ]
            mapping[op.results[0]] = self.operation(op, operands)
        return [mapping[value] for value in form.results]


@dataclass
class _Combiner:
    """The body of a reduction in two: what does not depend on the running values, and what combines with them."""

    running: list[ir.Value]
    leaves: list[ir.Value]  # what the first part gives to the second, one for each running value
    before: list[ir.OpView]
    combine: list[ir.Operation]
    results: list[ir.Value]
    neutral: ir.Attribute | None  # where one running value has a neutral element
    negated: bool = False  # the running value less each element: elements are negated, and added in any order


def _combiner_of(nest: Nest) -> _Combiner:
    block, inputs = nest.block, nest.nest.inputs
    running = list(block.arguments)[inputs:]
    *operations, end = list(block.operations)
    depends: set[ir.Value] = set(running)
    before, combine = [], []
    for view in operations:
        op = view.operation
        if any(value in depends for value in op.operands):
            depends.update(op.results)
            combine.append(op)
        else:
            before.append(view)
    results = list(end.operation.operands)
    leaves: dict[ir.Value, None] = {}
    for op in combine:
        for value in op.operands:
            if value not in depends and not _is_constant(value):
                leaves[value] = None
    found = list(leaves)
    arguments = {argument: i for i, argument in enumerate(block.arguments)}
    if len(found) > 1:
        found.sort(key=lambda value: arguments.get(value, len(arguments)))
    fits = len(found) == len(running) and all(
        a.type == b.type == c.type for a, b, c in zip(found, running, results, strict=True)
    )
    if not fits or any(value not in depends for value in results):
        raise UnsupportedError(
            f"{source_place(nest.nest.op.location)}: this reduction's combiner is not supported on GPUs"
        )
    if len(combine) == 1 and combine[0].name in ("arith.subf", "arith.subi"):
        kind = running[0].type
        if combine[0].operands[0] != running[0]:
            raise UnsupportedError(f"{source_place(combine[0].location)}: this reduction is not supported on GPUs")
        zero = ir.FloatAttr.get(kind, 0.0) if combine[0].name == "arith.subf" else ir.IntegerAttr.get(kind, 0)
        return _Combiner(running, found, before, combine, results, zero, negated=True)
    neutral = neutral_of(combine[0]) if len(combine) == 1 and len(running) == 1 else None
    return _Combiner(running, found, before, combine, results, neutral)


def _is_constant(value: ir.Value) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name == "arith.constant"
