"""Simplification rules: slices, padding, concatenation, reversal, and reads and writes at known positions."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.simplify_rules.core import FOLD_LIMIT, Replacement, Rewriter, defining, rule
from astra_mlir.passes.simplify_rules.ranges import bounds


def _slice(
    rw: Rewriter, operand: ir.Value, starts: Sequence[int], limits: Sequence[int], strides: Sequence[int]
) -> ir.Value:
    shape = [max(0, -(-(b - a) // s)) for a, b, s in zip(starts, limits, strides, strict=True)]
    return rw.build(
        "slice", (operand,), rw.type(shape, rw.info(operand).element),
        start_indices=list(starts), limit_indices=list(limits), strides=list(strides),
    )  # fmt: skip


def _window(op: ir.Operation) -> tuple[list[int], list[int], list[int]]:
    return int_list(op, "start_indices"), int_list(op, "limit_indices"), int_list(op, "strides")


# --- slice ---------------------------------------------------------------------------------------------------------


@rule("slice")
def slice_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A slice of everything, of a slice, a broadcast, an iota, a small constant, a concatenation or a padding."""
    if len(op.operands) != 1 or not rw.info(op.results[0]).static:
        return None
    operand, type = op.operands[0], op.results[0].type
    if operand.type == type:
        return operand
    maker = defining(operand)
    if maker is None or maker.name not in _SLICE_OF:
        return None
    return _SLICE_OF[maker.name](op, maker, rw)


def _slice_of_slice(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    if len(maker.operands) != 1:
        return None
    starts, limits, strides = _window(op)
    outer_starts, _, outer_strides = _window(maker)
    sizes = rw.info(op.results[0]).shape
    del limits
    new_starts = [a + s * b for a, s, b in zip(outer_starts, outer_strides, starts, strict=True)]
    new_strides = [s * t for s, t in zip(outer_strides, strides, strict=True)]
    new_limits = [a + (n - 1) * s + 1 if n else a for a, n, s in zip(new_starts, sizes, new_strides, strict=True)]
    return _slice(rw, maker.operands[0], new_starts, new_limits, new_strides)


def _slice_of_broadcast(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    if len(maker.operands) != 1:
        return None
    source, dimensions = rw.info(maker.operands[0]), int_list(maker, "dimensions")
    if not source.static:
        return None
    starts, limits, strides = _window(op)
    window = [
        (0, 1, 1) if source.shape[i] == 1 else (starts[d], limits[d], strides[d]) for i, d in enumerate(dimensions)
    ]
    operand = maker.operands[0]
    if any(b - a != n or s != 1 for (a, b, s), n in zip(window, source.shape, strict=True)):
        starts, limits, strides = ([numbers[k] for numbers in window] for k in range(3))
        operand = _slice(rw, operand, starts, limits, strides)
    return rw.build("broadcast", (operand,), op.results[0].type, dimensions=dimensions)


def _slice_of_iota(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    dimension = value_of(maker, "dimension")
    starts, _, strides = _window(op)
    info = rw.info(op.results[0])
    if len(maker.operands) or (strides[dimension] != 1 and info.shape[dimension] > 1) or not info.size:
        return None
    start = starts[dimension]
    if start and info.kind not in "iu":
        return None
    counted = rw.build("iota", (), info.type, dimension=dimension)
    return rw.build("add", (counted, rw.splat(start, info.type)), info.type) if start else counted


def _slice_of_constant(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    info = rw.info(op.results[0])
    array = rw.array(maker.results[0], sys.maxsize) if 0 < info.size <= FOLD_LIMIT else None
    if array is None:
        return None
    window = tuple(slice(a, b, s) for a, b, s in zip(*_window(op), strict=True))
    return rw.constant(array[window], info.type)


def _slice_of_concatenate(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    dimension = value_of(maker, "dimension")
    starts, limits, strides = _window(op)
    offset = 0
    for part in maker.operands:
        size = rw.info(part).shape[dimension]
        if size < 0:
            return None
        if offset <= starts[dimension] and limits[dimension] <= offset + size:
            starts[dimension] -= offset
            limits[dimension] -= offset
            return _slice(rw, part, starts, limits, strides)
        offset += size
    return None


def _slice_of_pad(op: ir.Operation, maker: ir.Operation, rw: Rewriter) -> Replacement:
    source = rw.info(maker.operands[0])
    if len(maker.operands) != 2 or not source.static or any(int_list(maker, "interior")):
        return None
    starts, limits, strides = _window(op)
    low = int_list(maker, "low")
    inside, outside = True, False
    for a, b, lo, size in zip(starts, limits, low, source.shape, strict=True):
        inside &= lo <= a and b <= lo + size
        outside |= b <= lo or a >= lo + size
    if outside:
        return rw.build("broadcast", (maker.operands[1],), op.results[0].type, dimensions=())
    if not inside:
        return None
    starts = [n - lo for n, lo in zip(starts, low, strict=True)]
    limits = [n - lo for n, lo in zip(limits, low, strict=True)]
    return _slice(rw, maker.operands[0], starts, limits, strides)


_SLICE_OF = {
    "astra.slice": _slice_of_slice, "astra.broadcast": _slice_of_broadcast, "astra.iota": _slice_of_iota,
    "astra.constant": _slice_of_constant, "astra.concatenate": _slice_of_concatenate, "astra.pad": _slice_of_pad,
}  # fmt: skip


# --- pad, concatenate, reverse ---------------------------------------------------------------------------------------


@rule("pad")
def pad_of_nothing(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Padding by nothing, by less than nothing (a slice), and of a splat with the same value."""
    operand, info = op.operands[0], rw.info(op.results[0])
    if len(op.operands) != 2 or not info.static or not rw.info(operand).static:
        return None
    low, high, interior = (int_list(op, name) for name in ("low", "high", "interior"))
    shape = rw.info(operand).shape
    if not any(interior) and all(n <= 0 for n in (*low, *high)):
        if not any((*low, *high)):
            return operand
        limits = [size + n for size, n in zip(shape, high, strict=True)]
        return _slice(rw, operand, [-n for n in low], limits, [1] * info.rank) if 0 not in info.shape else None
    attribute, value = rw.attribute(operand), rw.attribute(op.operands[1])
    if attribute is not None and value is not None and rw.splat_of(operand) is not None:
        same = rw.splat_of(operand).tobytes() == rw.splat_of(op.operands[1]).tobytes()
        return rw.splat(rw.splat_of(operand), info.type) if same else None
    return None


@rule("concatenate")
def concatenate_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A concatenation of one, with empty parts, of concatenations, of adjacent slices, or of constants."""
    operands, dimension, info = list(op.operands), value_of(op, "dimension"), rw.info(op.results[0])
    if len(operands) == 1:
        return operands[0]
    if not info.static:
        return None
    parts: list[ir.Value] = []
    for value in operands:
        maker = defining(value, "concatenate")
        if rw.info(value).shape[dimension] == 0:
            continue
        if maker is not None and value_of(maker, "dimension") == dimension:
            parts.extend(maker.operands)
        else:
            parts.append(value)
    joined = _join_slices(parts, dimension, rw)
    if not joined:
        return operands[0]
    if len(joined) < len(operands) or joined != operands:
        if len(joined) == 1 and joined[0].type == info.type:
            return joined[0]
        return rw.build("concatenate", joined, info.type, dimension=dimension)
    return _concatenate_constants(operands, dimension, rw, op)


def _join_slices(parts: list[ir.Value], dimension: int, rw: Rewriter) -> list[ir.Value]:
    """The parts with neighbours that are adjacent slices of one value joined."""
    joined: list[ir.Value] = []
    for value in parts:
        new = _adjacent(joined[-1], value, dimension, rw) if joined else None
        if new is None:
            joined.append(value)
        else:
            joined[-1] = new
    return joined


def _adjacent(a: ir.Value, b: ir.Value, dimension: int, rw: Rewriter) -> ir.Value | None:
    first, second = defining(a, "slice"), defining(b, "slice")
    if first is None or second is None or first.operands[0] != second.operands[0]:
        return None
    if len(first.operands) != 1 or len(second.operands) != 1:
        return None
    (starts_a, limits_a, strides_a), (starts_b, limits_b, strides_b) = _window(first), _window(second)
    if strides_a != strides_b or strides_a[dimension] != 1 or limits_a[dimension] != starts_b[dimension]:
        return None
    others = [i for i in range(len(starts_a)) if i != dimension]
    if any(starts_a[i] != starts_b[i] or limits_a[i] != limits_b[i] for i in others):
        return None
    limits_a[dimension] = limits_b[dimension]
    source = first.operands[0]
    if tuple(limits_a) == rw.info(source).shape and not any(starts_a) and set(strides_a) == {1}:
        return source
    return _slice(rw, source, starts_a, limits_a, strides_a)


def _concatenate_constants(operands: list[ir.Value], dimension: int, rw: Rewriter, op: ir.Operation) -> Replacement:
    info = rw.info(op.results[0])
    splats = [rw.splat_of(v) for v in operands]
    if all(s is not None for s in splats) and len({s.tobytes() for s in splats}) == 1:
        return rw.splat(splats[0], info.type)
    if info.size > FOLD_LIMIT:
        return None
    arrays = [array for array in map(rw.array, operands) if array is not None]
    if len(arrays) < len(operands):
        return None
    return rw.constant(np.concatenate(arrays, axis=dimension), info.type)


@rule("reverse")
def reverse_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Reversing dimensions of size 1, or twice."""
    operand, dimensions, info = op.operands[0], int_list(op, "dimensions"), rw.info(op.results[0])
    kept = [d for d in dimensions if info.shape[d] != 1]
    if not kept:
        return operand
    maker = defining(operand, "reverse")
    if maker is not None:
        both = sorted(set(kept) ^ set(int_list(maker, "dimensions")))
        return rw.build("reverse", maker.operands, info.type, dimensions=both)
    if len(kept) < len(dimensions):
        return rw.build("reverse", (operand,), info.type, dimensions=kept)
    array = rw.array(operand)
    return None if array is None else rw.constant(np.flip(array, tuple(kept)), info.type)


# --- dynamic positions -----------------------------------------------------------------------------------------------


@rule("dynamic_slice")
def dynamic_slice_known(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A dynamic slice of everything, or at constant positions, or of what was just written there."""
    operand, *starts = op.operands
    source, target = rw.info(operand), rw.info(op.results[0])
    if operand.type == target.type and source.static:
        return operand
    if not source.static or not target.static:
        return None
    numbers: list[int] = []
    for start, size, width in zip(starts, source.shape, target.shape, strict=True):
        number = 0 if size == width else rw.integer(start)
        if number is not None:
            numbers.append(min(max(number, 0), size - width))
    if len(numbers) == source.rank:
        limits = [n + width for n, width in zip(numbers, target.shape, strict=True)]
        return _slice(rw, operand, numbers, limits, [1] * source.rank)
    written = defining(operand, "dynamic_update_slice")
    if written is not None and written.operands[1].type == target.type and list(written.operands)[2:] == starts:
        return written.operands[1]
    splat = rw.splat_of(operand)
    return None if splat is None else rw.splat(splat, target.type)


@rule("dynamic_update_slice")
def dynamic_update_known(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Writing everything, writing nothing, and writing again what was read from the same place."""
    operand, update, *starts = op.operands
    info = rw.info(update)
    if operand.type == update.type and info.static:
        return update
    if info.static and info.size == 0:
        return operand
    read = defining(update, "dynamic_slice")
    if read is not None and read.operands[0] == operand and list(read.operands)[1:] == starts:
        return operand
    return None


@rule("gather")
def gather_one_window(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A gather of a single window is a dynamic slice (both keep the window inside)."""
    if len(op.operands) != 2 or int_list(op, "operand_batching_dims"):
        return None
    operand, indices = op.operands
    source, index, info = rw.info(operand), rw.info(indices), rw.info(op.results[0])
    if not (source.static and index.static and info.static) or index.kind not in "iu" or index.size > 4:
        return None
    position, slots = value_of(op, "index_vector_dim"), int_list(op, "start_index_map")
    if index.size != len(slots) or not slots or (position < index.rank and index.shape[position] != len(slots)):
        return None
    offsets = int_list(op, "offset_dims")
    if sorted(offsets) != offsets:
        return None
    sizes = int_list(op, "slice_sizes")
    flat = rw.reshape(indices, (len(slots),))
    starts = [None] * source.rank
    for slot, dimension in enumerate(slots):
        starts[dimension] = rw.reshape(_slice(rw, flat, (slot,), (slot + 1,), (1,)), ())
    zero = rw.splat(0, rw.type((), index.element))
    window = rw.build(
        "dynamic_slice", (operand, *(zero if s is None else s for s in starts)), rw.type(sizes, source.element),
        slice_sizes=sizes,
    )  # fmt: skip
    return rw.reshape(window, info.shape)


@rule("scatter")
def scatter_one_window(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Scattering a single window that is inside of the operand is writing a dynamic slice.

    A scatter leaves out a window that is partly outside, a write moves it inside: so the bounds must be known.
    """
    if value_of(op, "kind") != "update" or len(op.operands) != 3 or int_list(op, "input_batching_dims"):
        return None
    operand, indices, updates = op.operands
    source, index, update = rw.info(operand), rw.info(indices), rw.info(updates)
    slots = int_list(op, "scatter_dims_to_operand_dims")
    if not (source.static and index.static and update.static) or index.size != len(slots) or not slots:
        return None
    windows, inserted = int_list(op, "update_window_dims"), int_list(op, "inserted_window_dims")
    if windows != sorted(windows):
        return None
    sizes = iter([update.shape[d] for d in windows])
    shape = [1 if d in inserted else next(sizes) for d in range(source.rank)]
    flat = rw.reshape(indices, (len(slots),))
    zero = rw.splat(0, rw.type((), index.element))
    starts = [zero] * source.rank
    for slot, dimension in enumerate(slots):
        start = rw.reshape(_slice(rw, flat, (slot,), (slot + 1,), (1,)), ())
        found = bounds(start, rw)
        if found is None or found[0] < 0 or found[1] > source.shape[dimension] - shape[dimension]:
            return None
        starts[dimension] = start
    return rw.build("dynamic_update_slice", (operand, rw.reshape(updates, shape), *starts), op.results[0].type)
