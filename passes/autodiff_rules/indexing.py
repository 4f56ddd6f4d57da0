"""Derivatives of reads and writes at computed positions.

Reads and writes are each other's transposes, except at positions outside: a gather clamps its windows into the operand,
a scatter leaves out what lies outside.  So the scatter that transposes a gather gets clamped indices, and what a gather
reads for a scatter is masked, unless bounds of the indices show that all lie inside.  JAX's own reverse mode leaves out
what ``x[i]`` reads outside, where JAX calls the result undefined; here the cotangent goes to the element that was read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements, value_of
from astra_mlir.passes.autodiff_rules.core import Emitter, jvp, linear, refuse, vjp
from astra_mlir.passes.simplify_rules.ranges import bounds

MaybeValue = ir.Value | None

# --- one window ------------------------------------------------------------------------------------------------------

linear("dynamic_slice")
linear("dynamic_update_slice", operands=(0, 1))


@vjp("dynamic_slice")
def _dynamic_slice_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """Written into zeros at the same place, to which the write clamps as the read did."""
    (c,), (x, *starts) = cotangents, op.operands
    assert c is not None
    return [b.build("dynamic_update_slice", (b.zeros_like(x), c, *starts), x.type), *(None for _ in starts)]


@vjp("dynamic_update_slice")
def _dynamic_update_slice_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,), (_, update, *starts) = cotangents, op.operands
    assert c is not None
    rest = b.build("dynamic_update_slice", (c, b.zeros_like(update), *starts), c.type) if needs[0] else None
    taken = b.build("dynamic_slice", (c, *starts), update.type, slice_sizes=b.info(update).shape) if needs[1] else None
    return [rest, taken, *(None for _ in starts)]


# --- windows at index vectors ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Windows:
    """Where the windows of a gather or scatter lie in the large tensor, and how they are laid out in the small one.

    ``inserted`` dimensions have windows of size 1 that the small tensor lacks; so have ``batching`` ones, whose
    position is that of the index vector in ``index_batching``.
    """

    indices: ir.Value
    shape: tuple[int, ...]  # of the large tensor
    sizes: tuple[int, ...]  # of a window, by the large tensor's dimensions
    small: tuple[int, ...]  # shape of the small tensor: all windows
    window: tuple[int, ...]  # its dimensions that are windows
    inserted: tuple[int, ...]
    batching: tuple[int, ...]
    index_batching: tuple[int, ...]
    index_map: tuple[int, ...]
    vector: int  # the dimension of ``indices`` along which an index vector lies
    is_sorted: bool
    unique: bool

    @staticmethod
    def of_gather(op: ir.Operation, b: Emitter) -> Windows:
        """Those of a gather."""
        operand, indices, *dynamic = op.operands
        if dynamic:
            refuse(op, "its slice sizes are only known at run time; differentiate for static shapes")
        return Windows(
            indices, b.info(operand).shape, value_of(op, "slice_sizes"), b.info(op.results[0]).shape,
            value_of(op, "offset_dims"), value_of(op, "collapsed_slice_dims"), value_of(op, "operand_batching_dims"),
            value_of(op, "start_indices_batching_dims"), value_of(op, "start_index_map"),
            value_of(op, "index_vector_dim"), value_of(op, "indices_are_sorted", False), False,
        )  # fmt: skip

    @staticmethod
    def of_scatter(op: ir.Operation, b: Emitter) -> Windows:
        """Those of a scatter with one input."""
        operand, indices, updates = op.operands
        inserted, batching = value_of(op, "inserted_window_dims"), value_of(op, "input_batching_dims")
        shape, small, window = b.info(operand).shape, b.info(updates).shape, value_of(op, "update_window_dims")
        written = iter(window)
        sizes = tuple(1 if d in inserted or d in batching else small[next(written)] for d in range(len(shape)))
        return Windows(
            indices, shape, sizes, small, window, inserted, batching, value_of(op, "scatter_indices_batching_dims"),
            value_of(op, "scatter_dims_to_operand_dims"), value_of(op, "index_vector_dim"),
            value_of(op, "indices_are_sorted", False), value_of(op, "unique_indices", False),
        )  # fmt: skip

    @property
    def limits(self) -> list[int]:
        """The largest position inside, of each component of the index vectors."""
        return [self.shape[d] - self.sizes[d] for d in self.index_map]

    @property
    def is_unique(self) -> bool:
        """Whether no two windows overlap: promised, or only one in each batch."""
        dimensions = _shape_of(self.indices)
        batches = [n for d, n in enumerate(dimensions) if d != self.vector and d not in self.index_batching]
        return self.unique or math.prod(batches) == 1

    def all_inside(self, b: Emitter) -> bool:
        """Whether all windows are known to lie inside."""
        if not self.limits:
            return True
        array = b.array(self.indices)
        if array is not None and array.size and len(self.limits) > 1:
            parts = [array.take(i, self.vector) for i in range(len(self.limits))]
            return all(part.min() >= 0 and part.max() <= limit for part, limit in zip(parts, self.limits, strict=True))
        found = bounds(self.indices, b)
        return found is not None and found[0] >= 0 and found[1] <= min(self.limits)

    def _limit(self, b: Emitter) -> ir.Value:
        """The limits, for each element of the indices."""
        info = b.info(self.indices)
        most = ml_dtypes.iinfo(elements.dtype_of(info.element)).max
        limits = [min(limit, most) for limit in self.limits]
        if len(set(limits)) == 1:
            return b.full(info.type, limits[0])
        row = b.constant(limits, b.type((len(limits),), info.element))
        return b.broadcast(row, info.shape, (self.vector,))

    def clamped(self, b: Emitter) -> ir.Value:
        """The indices of the windows that a gather reads."""
        if self.all_inside(b):
            return self.indices
        return b.build("clamp", (b.zeros_like(self.indices), self.indices, self._limit(b)), self.indices.type)

    def inside(self, b: Emitter) -> ir.Value | None:
        """Which elements of the small tensor are in windows that lie inside (``None``: all of them)."""
        if self.all_inside(b):
            return None
        good = b.compare("LE", self.indices, self._limit(b))
        if b.info(self.indices).kind == "i":
            good = b.f("and", good, b.compare("GE", self.indices, b.zeros_like(self.indices)))
        if self.vector < b.info(good).rank:
            good = b.reduce("and", good, [self.vector], True)
        return b.broadcast(good, self.small, [d for d in range(len(self.small)) if d not in self.window])

    # --- building ----------------------------------------------------------------------------------------------------

    def scatter(
        self, kind: str, large: ir.Value, small: ir.Value, b: Emitter, indices: ir.Value | None = None
    ) -> ir.Value:
        """The scatter of the small tensor into the large one, at other (clamped) indices if some are given."""
        # Clamping keeps single numbers in order, but not vectors.
        is_sorted = self.is_sorted and (indices is None or indices == self.indices or len(self.index_map) == 1)
        return b.build(
            "scatter", (large, self.indices if indices is None else indices, small), large.type, kind=kind,
            update_window_dims=self.window, inserted_window_dims=self.inserted, input_batching_dims=self.batching,
            scatter_indices_batching_dims=self.index_batching, scatter_dims_to_operand_dims=self.index_map,
            index_vector_dim=self.vector, indices_are_sorted=is_sorted, unique_indices=self.unique,
        )  # fmt: skip

    def gather(self, large: ir.Value, b: Emitter) -> ir.Value:
        """The gather of the windows of a large tensor, clamped."""
        return b.build(
            "gather", (large, self.indices), b.type(self.small, b.info(large).element), offset_dims=self.window,
            collapsed_slice_dims=self.inserted, operand_batching_dims=self.batching,
            start_indices_batching_dims=self.index_batching, start_index_map=self.index_map,
            index_vector_dim=self.vector, slice_sizes=self.sizes, indices_are_sorted=self.is_sorted,
        )  # fmt: skip

    def read(self, large: ir.Value, b: Emitter) -> ir.Value:
        """What a scatter's updates reach in a large tensor, zero for elements that fall outside of it."""
        if all(self.sizes[d] == 1 for d in self.index_map) or self.all_inside(b):
            found, inside = self.gather(large, b), self.inside(b)
            return found if inside is None else b.select(inside, found, b.zeros_like(found))
        # Windows may lie inside in part, so the tensor is continued by zeros: a clamped window finds nothing else.
        around = [self.sizes[d] if d in self.index_map else 0 for d in range(len(self.shape))]
        grown = tuple(n + 2 * more for n, more in zip(self.shape, around, strict=True))
        info = b.info(large)
        zero = b.zeros(b.type((), info.element))
        padded = b.build(
            "pad", (large, zero), b.type(grown, info.element), low=around, high=around, interior=[0] * len(grown)
        )
        wide = b.convert(self.indices, ir.IntegerType.get_signless(64))
        row = b.constant([around[d] for d in self.index_map], b.type((len(self.index_map),), b.info(wide).element))
        shape = b.info(wide).shape
        spread = (
            b.broadcast(row, shape, (self.vector,))
            if self.vector < len(shape)
            else b.full(wide.type, around[self.index_map[0]])
        )
        moved = Windows(
            b.f("add", wide, spread), grown, self.sizes, self.small, self.window, self.inserted, self.batching,
            self.index_batching, self.index_map, self.vector, self.is_sorted, self.unique,
        )  # fmt: skip
        return moved.gather(padded, b)


def _shape_of(value: ir.Value) -> list[int]:
    """The shape of a tensor."""
    return list(value.type.shape)


linear("gather")


@vjp("gather")
def _gather_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """Added up at the places that were read."""
    (c,), x = cotangents, op.operands[0]
    assert c is not None
    windows = Windows.of_gather(op, b)
    if 0 in b.info(c).shape:
        return [None, None]
    return [windows.scatter("add", b.zeros_like(x), c, b, windows.clamped(b)), None]


# --- scatter ---------------------------------------------------------------------------------------------------------


def _is_choice(op: ir.Operation) -> bool:
    """Whether a combiner gives one of its two arguments: how maximum and minimum of complex numbers are written."""
    block = op.regions[0].blocks[0]
    (given,) = block.operations[len(block.operations) - 1].operands
    if isinstance(given.owner, ir.Block) or given.owner.name != "astra.select":
        return False
    return set(list(given.owner.operands)[1:]) == set(block.arguments)


def _scatter_windows(op: ir.Operation, b: Emitter) -> tuple[str, Windows]:
    kind = value_of(op, "kind")
    if kind == "custom" and len(op.results) == 1 and _is_choice(op):
        kind = "maximum"  # what follows only looks at which candidates are the result
    if kind == "custom" or len(op.results) != 1:
        refuse(
            op, "its combiner is none of update, add, multiply, maximum and minimum; write it with gathers and one of "
            "these, or give it a derivative with jax.custom_vjp",
        )  # fmt: skip
    return kind, Windows.of_scatter(op, b)


def _require_unique(op: ir.Operation, windows: Windows) -> None:
    if not windows.is_unique:
        refuse(
            op, "several factors may be multiplied into one element; say that they are not with unique_indices=True, "
            "or multiply by a product that is gathered first",
        )  # fmt: skip


def _promoted(value: ir.Value, op: ir.Operation, b: Emitter) -> ir.Value:
    """A (co)tangent or operand in the element type that the scatter computes in."""
    return b.convert(value, b.info(op.results[0]).element)


@jvp("scatter")
def _scatter_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    kind, windows = _scatter_windows(op, b)
    x, _, updates = op.operands
    of_x, _, of_updates = (None if t is None else _promoted(t, op, b) for t in tangents)
    type = op.results[0].type
    if kind in ("update", "add"):  # linear in both
        if of_updates is None and kind == "add":
            return [of_x]
        zeros = b.zeros(b.type(windows.small, b.info_of(type).element))
        large = b.zeros(type) if of_x is None else of_x
        return [windows.scatter(kind, large, zeros if of_updates is None else of_updates, b)]
    if kind == "multiply":
        total = None if of_x is None else windows.scatter(kind, of_x, _promoted(updates, op, b), b)
        if of_updates is not None:
            _require_unique(op, windows)
            added = windows.scatter("add", b.zeros(type), of_updates, b)
            total = b.add(total, b.f("multiply", _promoted(x, op, b), added))
        return [total]
    chosen = _Extreme(op, windows, b)
    total = None if of_x is None else b.select(chosen.kept, b.f("multiply", of_x, chosen.share), b.zeros_like(of_x))
    if of_updates is not None:
        taken = b.select(chosen.taken, of_updates, b.zeros_like(of_updates))
        added = windows.scatter("add", b.zeros(type), taken, b)
        total = b.add(total, b.f("multiply", added, chosen.share))
    return [total]


@vjp("scatter")
def _scatter_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    kind, windows = _scatter_windows(op, b)
    x, _, updates = op.operands
    of_x, of_updates = _SCATTER_VJP[kind](op, windows, c, (needs[0], needs[2]), b)
    return [
        None if of_x is None else b.convert(of_x, b.info(x).element),
        None,
        None if of_updates is None else b.convert(of_updates, b.info(updates).element),
    ]


_Needs = tuple[bool, bool]
_Pair = tuple[MaybeValue, MaybeValue]


def _add_vjp(op: ir.Operation, windows: Windows, c: ir.Value, needs: _Needs, b: Emitter) -> _Pair:
    return c, windows.read(c, b) if needs[1] else None


def _update_vjp(op: ir.Operation, windows: Windows, c: ir.Value, needs: _Needs, b: Emitter) -> _Pair:
    """Of several updates of one element, the last one is what the result holds."""
    of_x = None
    if needs[0]:
        of_x = windows.scatter("update", c, b.zeros(b.type(windows.small, b.info(c).element)), b)
    if not needs[1]:
        return of_x, None
    found = windows.read(c, b)
    return of_x, found if windows.is_unique else b.select(_last(windows, b), found, b.zeros_like(found))


def _last(windows: Windows, b: Emitter) -> ir.Value:
    """Which updates no later one has overwritten: windows leave their number behind, and see whose is still there.

    Dimensions that every window covers need no numbers of their own.
    """
    covered = [
        d for d, (size, whole) in enumerate(zip(windows.sizes, windows.shape, strict=True))
        if size == whole and d not in (*windows.index_map, *windows.inserted, *windows.batching)
    ]  # fmt: skip
    windowed = [d for d in range(len(windows.shape)) if d not in (*windows.inserted, *windows.batching)]
    place = dict(zip(windowed, windows.window, strict=True))  # in the small tensor

    def left(values: Sequence[int], dropped: Sequence[int]) -> tuple[int, ...]:
        return tuple(v - sum(d < v for d in dropped) for v in values if v not in dropped)

    dropped = [place[d] for d in covered]
    shape = tuple(n for d, n in enumerate(windows.shape) if d not in covered)
    small = tuple(n for d, n in enumerate(windows.small) if d not in dropped)
    narrow = Windows(
        windows.indices, shape, tuple(n for d, n in enumerate(windows.sizes) if d not in covered), small,
        left(windows.window, dropped), left(windows.inserted, covered), left(windows.batching, covered),
        windows.index_batching, left(windows.index_map, covered), windows.vector, windows.is_sorted, windows.unique,
    )  # fmt: skip
    i32 = ir.IntegerType.get_signless(32)
    numbered = [n for d, n in enumerate(windows.small) if d not in windows.window]
    numbers = b.reshape(b.iota((math.prod(numbered),), 0, i32), numbered)
    numbers = b.broadcast(numbers, small, [d for d in range(len(small)) if d not in narrow.window])
    left_behind = narrow.scatter("update", b.zeros(b.type(shape, i32)), numbers, b)
    same = b.compare("EQ", narrow.read(left_behind, b), numbers)
    return b.broadcast(same, windows.small, [d for d in range(len(windows.small)) if d not in dropped])


def _multiply_vjp(op: ir.Operation, windows: Windows, c: ir.Value, needs: _Needs, b: Emitter) -> _Pair:
    x, _, updates = op.operands
    of_x = windows.scatter("multiply", c, _promoted(updates, op, b), b) if needs[0] else None
    if not needs[1]:
        return of_x, None
    _require_unique(op, windows)
    return of_x, windows.read(b.f("multiply", c, _promoted(x, op, b)), b)


def _extreme_vjp(op: ir.Operation, windows: Windows, c: ir.Value, needs: _Needs, b: Emitter) -> _Pair:
    chosen = _Extreme(op, windows, b)
    shared = b.f("multiply", c, chosen.share)
    of_x = b.select(chosen.kept, shared, b.zeros_like(shared)) if needs[0] else None
    if not needs[1]:
        return of_x, None
    found = windows.read(shared, b)
    return of_x, b.select(chosen.taken, found, b.zeros_like(found))


_SCATTER_VJP: dict[str, Any] = {
    "add": _add_vjp,
    "update": _update_vjp,
    "multiply": _multiply_vjp,
    "maximum": _extreme_vjp,
    "minimum": _extreme_vjp,
}


class _Extreme:
    """Which candidates are the result of a scatter by maximum or minimum, and what each is given: equal shares."""

    def __init__(self, op: ir.Operation, windows: Windows, b: Emitter) -> None:
        x, _, updates = op.operands
        result = op.results[0]
        self.kept = b.compare("EQ", _promoted(x, op, b), result)
        # Of what lies outside nothing is ever written or read, so it does not matter whether it is taken.
        self.taken = b.compare("EQ", _promoted(updates, op, b), windows.read(result, b))
        element = b.info(result).element
        ones = b.convert(self.taken, element)
        count = windows.scatter("add", b.convert(self.kept, element), ones, b)
        self.share = b.f("divide", b.full(result.type, 1), count)
