"""Scatters on GPUs, the same bits every run: the updates of a place are applied in order by the program that owns it.

A program owns some columns of the windows, and a range of the places at which windows begin; it looks at all indices, a
block at a time, and goes through those blocks one by one that have some of its own.  Windows that begin at different
places and overlap are applied by one launch each, so there may be only a few of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.cumulative import combiner, wide
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, with_element
from astra_mlir.passes.memref_utils import row_major_strides
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction, block_size, cells
from astra_mlir.passes.tile_nests import Axis

COLUMNS = 256  # of a window that a program owns
INDICES = 128  # that a program looks at together
RANGES = 264  # of places: two programs for each multiprocessor of Hopper
MOST_LAUNCHES = 64


@dataclass(frozen=True)
class _Dimension:
    """One dimension of the operand: extent, that of a window, and where a window begins in it."""

    size: int
    stride: int
    window: int
    update_stride: int  # of a step in the window; 0 where it is one element
    start: int | None  # the component of the index vector
    batch: int | None  # the scatter loop that it goes with


@dataclass(frozen=True)
class _Scatter:
    kind: str
    dimensions: tuple[_Dimension, ...]
    loops: tuple[int, ...]  # extents of the scatter loops
    index_steps: tuple[int, ...]
    vector_step: int
    update_steps: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.loops)

    @property
    def overlaps(self) -> bool:
        """Whether windows at different places may share elements."""
        return self.count > 1 and any(d.start is not None and d.window > 1 for d in self.dimensions)


def _form(op: ir.Operation, operand: ir.Type, indices: ir.Type, update: ir.Type) -> _Scatter:
    window_dims, to_operand = int_list(op, "update_window_dims"), int_list(op, "scatter_dims_to_operand_dims")
    inserted, batching = int_list(op, "inserted_window_dims"), int_list(op, "input_batching_dims")
    vector_dim = value_of(op, "index_vector_dim")
    batches = [d - (d > vector_dim) for d in int_list(op, "scatter_indices_batching_dims")]
    strides, update_strides = row_major_strides(operand.shape), row_major_strides(update.shape)
    index_strides = row_major_strides(indices.shape)
    windows = iter(window_dims)
    dimensions = []
    for d, size in enumerate(operand.shape):
        taken = None if d in inserted or d in batching else next(windows)
        dimensions.append(
            _Dimension(
                size, strides[d], 1 if taken is None else update.shape[taken],
                0 if taken is None else update_strides[taken],
                to_operand.index(d) if d in to_operand else None,
                batches[batching.index(d)] if d in batching else None,
            )
        )  # fmt: skip
    scatter_dims = [d for d in range(len(update.shape)) if d not in window_dims]
    return _Scatter(
        value_of(op, "kind"), tuple(dimensions), tuple(update.shape[d] for d in scatter_dims),
        tuple(step for d, step in enumerate(index_strides) if d != vector_dim),
        index_strides[vector_dim] if vector_dim < len(index_strides) else 0,
        tuple(update_strides[d] for d in scatter_dims),
    )  # fmt: skip


@gpu_kernel_rule("scatter")
def scatter(op: ir.Operation) -> KernelRequest | None:
    """Scatters of one operand with a known combiner."""
    count = len(op.results)
    element = op.results[0].type.element_type
    place = source_place(op.location)
    kind = value_of(op, "kind")
    if count != 1 or (kind != "update" and combiner(kind, element) is None) or isinstance(element, ir.ComplexType):
        raise UnsupportedError(f"{place}: astra.scatter of several operands or kind {kind} has no kernel for GPUs")
    operand, update = (with_element(op, op.operands[i], element) for i in (0, 2))
    form = _form(op, operand.type, op.operands[1].type, update.type)
    if form.overlaps and form.count > MOST_LAUNCHES:
        raise UnsupportedError(
            f"{place}: astra.scatter of {form.count} windows that may overlap has no kernel for GPUs"
        )
    types = (op.operands[1].type, update.type, op.results[0].type)
    name = kernel_name(f"scatter_{kind}", "gpu", form, *types)
    return KernelRequest(
        name, [op.operands[1], update], [Out(op.results[0].type, operand)], lambda: _build(name, form, types)
    )


def _build(name: str, form: _Scatter, types: Sequence[ir.Type]) -> str:
    host = HostFunction(name, [buffer_type(kind) for kind in types])
    window = math.prod(d.window for d in form.dimensions)
    columns = block_size(window, COLUMNS)
    blocks = cells(window, columns)
    if form.overlaps or form.count == 1:
        for number in range(form.count):
            function = host.tile(0, 1, 2)
            program = _Program(function, form, types, columns, function.builder.program_id(0) * columns)
            program.apply(function.builder.index(number))
            host.launch(function, "scatter", [blocks], [0, 1, 2])
        return host.text()
    function = host.tile(0, 1, 2)
    b = function.builder
    places = math.prod(d.size for d in form.dimensions if d.start is not None or d.batch is not None)
    ranges = max(1, min(RANGES // blocks, places))
    each = cells(places, ranges)
    pid = b.program_id(0)
    program = _Program(function, form, types, columns, pid % blocks * columns)
    low = pid // blocks * each
    many = block_size(form.count, INDICES)

    def mine(number: Tile) -> Tile:
        begins = program.begins(number)
        row = b.index(0)
        for d, begin in zip(form.dimensions, begins, strict=True):
            if d.start is not None or d.batch is not None:
                row = row * d.size + begin
        return program.fits(begins) & (number < form.count) & (row >= low) & (row < low + each)

    def block(first: Tile, _: list[Tile]) -> list[Tile]:
        own = mine(first + b.arange(many)).to(b.i32)

        def one(number: Tile, _: list[Tile]) -> list[Tile]:
            program.apply(number, mine(number))
            return []

        some = b.sum(own, 0) > 0
        last = b.select(some, first + many, first)
        b.loop(first, b.minimum(last, form.count), 1, [], one)
        return []

    b.loop(0, form.count, many, [], block)
    host.launch(function, "scatter", [ranges * blocks], [0, 1, 2])
    return host.text()


class _Program:
    """What one program does with one window."""

    def __init__(
        self, function: TileFunction, form: _Scatter, types: Sequence[ir.Type], columns: int, first: Tile
    ) -> None:
        self.b: TileBuilder = function.builder
        self.form, self.types = form, types
        self.indices, self.updates, self.target = function.arguments
        self.window = Axis(tuple(d.window for d in form.dimensions))
        self.window.position = first + self.b.arange(columns)
        self.window.mask = self.window.position < self.window.size if self.window.size % columns else None

    def begins(self, number: Tile) -> list[Tile]:
        """Where the window of an index begins, in each dimension."""
        form, b = self.form, self.b
        loops = Axis(form.loops, number)
        address = loops.address(form.index_steps, False)
        found = []
        for d in form.dimensions:
            begin = b.index(0)
            if d.start is not None:
                at = address + d.start * form.vector_step
                at = at if isinstance(at, Tile) else b.index(at)
                mask = b.broadcast(number < form.count, at.shape) if number.shape else None
                raw = b.load(self.indices, at, mask)
                unsigned = getattr(self.types[0].element_type, "is_unsigned", False)
                if raw.element.width == 64 or unsigned:  # beyond i32 is outside of every dimension
                    wide_ = raw.to(b.i64, unsigned=unsigned)
                    inside = (wide_ >= 0) & (wide_ < 1 << 31)
                    begin = b.select(inside, wide_.to(b.i32), b.constant(-1, b.i32))
                else:
                    begin = raw.to(b.i32)
            elif d.batch is not None:
                begin = loops.loop(d.batch)
            found.append(begin)
        return found

    def fits(self, begins: Sequence[Tile]) -> Tile:
        """Whether the whole window is inside of the operand."""
        result = self.b.constant(1, self.b.i1)
        for d, begin in zip(self.form.dimensions, begins, strict=True):
            if d.start is not None:
                result = result & (begin >= 0) & (begin <= d.size - d.window)
        return result

    def apply(self, number: Tile, wanted: Tile | None = None) -> None:
        """Combine the columns of one window."""
        form, b = self.form, self.b
        begins = self.begins(number)
        mask = wanted if wanted is not None else self.fits(begins)
        place = self.window.address([d.stride for d in form.dimensions], False)
        for d, begin in zip(form.dimensions, begins, strict=True):
            place = begin * d.stride + place
        update = self.window.address([d.update_stride for d in form.dimensions], False)
        update = Axis(form.loops, number).address(form.update_steps, False) + update  # type: ignore[operator]
        assert self.window.position is not None
        shape = self.window.position.shape
        place, update = (b.broadcast(x if isinstance(x, Tile) else b.index(x), shape) for x in (place, update))
        mask = b.broadcast(mask, shape)
        mask = mask if self.window.mask is None else mask & self.window.mask
        new = b.load(self.updates, update, mask)
        if form.kind != "update":
            element = self.types[2].element_type
            combine = combiner(form.kind, element)
            assert combine is not None
            compute = wide(new.element, b)
            is_bool = element == b.i1
            old, more = (x.ne(0) if is_bool else b.convert(x, compute) for x in (b.load(self.target, place, mask), new))
            result = combine(b, old, more)
            new = result.to(b.i8) if is_bool else b.convert(result, new.element)
        b.store(self.target, place, new, mask)
