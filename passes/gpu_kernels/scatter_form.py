"""The form of a scatter on GPUs: where windows begin, where their elements and those of the updates lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.gpu_kernels.cumulative import combiner, wide
from astra_mlir.passes.memref_utils import row_major_strides
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction
from astra_mlir.passes.tile_nests import Axis

__all__ = ["Combining", "Scatter", "Windows", "scatter_form"]


@dataclass(frozen=True)
class Dimension:
    """One dimension of the operand: extent, that of a window, and where a window begins in it."""

    size: int
    stride: int
    window: int
    update_stride: int  # of a step in the window; 0 where it is one element
    start: int | None  # the component of the index vector
    batch: int | None  # the scatter loop that it goes with


@dataclass(frozen=True)
class Scatter:
    kind: str
    dimensions: tuple[Dimension, ...]
    loops: tuple[int, ...]  # extents of the scatter loops
    index_steps: tuple[int, ...]
    vector_step: int
    update_steps: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.loops)

    @property
    def rows(self) -> int:
        """Places where a window may begin."""
        return math.prod(d.size for d in self.dimensions if d.start is not None or d.batch is not None)

    @property
    def window(self) -> int:
        """Elements of a window."""
        return math.prod(d.window for d in self.dimensions)

    @property
    def overlaps(self) -> bool:
        """Whether windows at different places may share elements."""
        return self.count > 1 and any(d.start is not None and d.window > 1 for d in self.dimensions)


def scatter_form(op: ir.Operation, operand: ir.Type, indices: ir.Type, update: ir.Type) -> Scatter:
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
            Dimension(
                size, strides[d], 1 if taken is None else update.shape[taken],
                0 if taken is None else update_strides[taken],
                to_operand.index(d) if d in to_operand else None,
                batches[batching.index(d)] if d in batching else None,
            )
        )  # fmt: skip
    scatter_dims = [d for d in range(len(update.shape)) if d not in window_dims]
    return Scatter(
        value_of(op, "kind"), tuple(dimensions), tuple(update.shape[d] for d in scatter_dims),
        tuple(step for d, step in enumerate(index_strides) if d != vector_dim),
        index_strides[vector_dim] if vector_dim < len(index_strides) else 0,
        tuple(update_strides[d] for d in scatter_dims),
    )  # fmt: skip


@dataclass(frozen=True)
class Combining:
    """How elements are combined: as truths, or in a type that may be wider than that in memory."""

    kind: str
    element: ir.Type

    @property
    def is_bool(self) -> bool:
        return bool(self.element == ir.IntegerType.get_signless(1))

    def value(self, b: TileBuilder, stored: Tile) -> Tile:
        """What lies in memory, to be combined."""
        return stored.ne(0) if self.is_bool else b.convert(stored, wide(stored.element, b))

    def stored(self, b: TileBuilder, value: Tile, memory: ir.Type) -> Tile:
        """A combined value as it lies in memory."""
        return value.to(b.i8) if self.is_bool else b.convert(value, memory)

    def both(self, b: TileBuilder, old: Tile, more: Tile) -> Tile:
        combine = combiner(self.kind, self.element)
        assert combine is not None
        return combine(b, old, more)


class Windows:
    """Where things lie, in a tile function whose first arguments are indices, updates and target.

    ``position`` are numbers of elements in the window, ``mask`` which of them there are.
    """

    def __init__(
        self, function: TileFunction, form: Scatter, types: Sequence[ir.Type], position: Tile,
        mask: Tile | None = None,
    ) -> None:  # fmt: skip
        self.b: TileBuilder = function.builder
        self.form, self.types = form, types
        self.indices, self.updates, self.target = function.arguments[:3]
        self.window = Axis(tuple(d.window for d in form.dimensions), position, mask)
        self.combining = Combining(form.kind, types[2].element_type)

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

    def row(self, begins: Sequence[Tile]) -> Tile:
        """The number of the place where a window begins, counted in the dimensions where it may begin anywhere."""
        row = self.b.index(0)
        for d, begin in zip(self.form.dimensions, begins, strict=True):
            if d.start is not None or d.batch is not None:
                row = row * d.size + begin
        return row

    def of_row(self, row: Tile) -> Tile:
        """Where in memory the window of a :meth:`row` begins."""
        kept = [d for d in self.form.dimensions if d.start is not None or d.batch is not None]
        place = Axis(tuple(d.size for d in kept), row).address([d.stride for d in kept], False)
        return place if isinstance(place, Tile) else self.b.index(place)

    def place(self, begin: Tile) -> Tile:
        """Where in memory elements of a window are that begins there."""
        return begin + self._tile(self.window.address([d.stride for d in self.form.dimensions], False))

    def begin(self, begins: Sequence[Tile]) -> Tile:
        place = self.b.index(0)
        for d, begin in zip(self.form.dimensions, begins, strict=True):
            place = begin * d.stride + place
        return place

    def update(self, number: Tile) -> Tile:
        """Where the updates of elements of windows are."""
        own = self._tile(self.window.address([d.update_stride for d in self.form.dimensions], False))
        return own + self._tile(Axis(self.form.loops, number).address(self.form.update_steps, False))

    def _tile(self, value: Tile | int) -> Tile:
        return value if isinstance(value, Tile) else self.b.index(value)

    def apply(self, place: Tile, update: Tile, mask: Tile) -> None:
        """Combine elements of the target with those of the updates."""
        b = self.b
        new = b.load(self.updates, update, mask)
        if self.form.kind != "update":
            old, more = (self.combining.value(b, x) for x in (b.load(self.target, place, mask), new))
            new = self.combining.stored(b, self.combining.both(b, old, more), new.element)
        b.store(self.target, place, new, mask)
