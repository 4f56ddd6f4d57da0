"""Simplification rules: sums of tensors that are zero in most places, as gradients of reads are.

A read of part of a tensor, differentiated, is a write of the cotangent into zeros, which is added to what other reads
gave: in a loop, as many elements again in every iteration as the tensor has.  These rules add to the part alone, so
that the sum stays where it is in memory.

They change a value in two ways that the other rules do not: an element -0.0 to which 0.0 was added keeps its sign, and
updates that fall on one element of a scatter are added to the sum one by one instead of together.
"""

from __future__ import annotations

from collections.abc import Iterator

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, defining, rule

SMALL = 8
"""How many times as large a sum must be as what is added to a part of it, so that it is worth to write the part alone:
other parts are copied where the sum cannot stay where it is."""


def _is_zero(value: ir.Value, rw: Rewriter) -> bool:
    """Whether all elements are 0.0 or -0.0."""
    maker = defining(value, "broadcast")
    if maker is not None and len(maker.operands) == 1:
        return _is_zero(maker.operands[0], rw)
    splat = rw.splat_of(value)
    return splat is not None and bool(splat == 0)


def _used_once(value: ir.Value) -> bool:
    uses = iter(value.uses)
    return next(uses, None) is not None and next(uses, None) is None


def _terms(op: ir.Operation, name: str) -> Iterator[tuple[ir.Value, ir.Operation]]:
    """Each operand that a ``name`` operation makes for this sum alone, after the other operand."""
    for i in (1, 0):
        maker = defining(op.operands[i], name)
        if maker is not None and len(maker.results) == 1 and _used_once(op.operands[i]):
            yield op.operands[1 - i], maker


@rule("add")
def add_to_window(op: ir.Operation, rw: Rewriter) -> Replacement:
    """a + dynamic_update_slice(0, u, at) = dynamic_update_slice(a, dynamic_slice(a, at) + u, at)."""
    if rw.info(op.results[0]).kind == "b":
        return None
    for total, write in _terms(op, "dynamic_update_slice"):
        zeros, update, *starts = write.operands
        info = rw.info(update)
        if not info.static or not _is_zero(zeros, rw):
            continue
        old = rw.build("dynamic_slice", (total, *starts), update.type, slice_sizes=info.shape)
        new = rw.build("add", (old, update), update.type)
        return rw.build("dynamic_update_slice", (total, new, *starts), total.type)
    return None


@rule("add")
def add_to_windows(op: ir.Operation, rw: Rewriter) -> Replacement:
    """a + scatter_add(0, at, u) = scatter_add(a, at, u)."""
    for total, write in _terms(op, "scatter"):
        if value_of(write, "kind") != "add" or write.operands[0].type != total.type:
            continue
        zeros, indices, updates = write.operands
        if rw.info(total).kind == "b" or not _is_zero(zeros, rw):
            continue
        kept = dict(write.attributes.items())
        return rw.build("scatter", (total, indices, updates), total.type, **kept)
    return None


@rule("add")
def add_side_by_side(op: ir.Operation, rw: Rewriter) -> Replacement:
    """The sum of two paddings with zeros, whose operands lie side by side, is one of their concatenation."""
    first, second = (defining(x, "pad") for x in op.operands)
    if first is None or second is None or first == second:
        return None
    info = rw.info(op.results[0])
    if info.kind == "b" or not info.static:
        return None
    places = []
    for pad in (first, second):
        low, high = int_list(pad, "low"), int_list(pad, "high")
        if len(pad.operands) != 2 or any(int_list(pad, "interior")) or min((*low, *high), default=0) < 0:
            return None
        if not _is_zero(pad.operands[1], rw) or not _used_once(pad.results[0]):
            return None
        places.append((low, high, pad.operands[0]))
    places.sort(key=lambda place: place[0])
    (low, high, left), (next_low, next_high, right) = places
    different = [d for d in range(info.rank) if (low[d], high[d]) != (next_low[d], next_high[d])]
    if len(different) != 1:
        return None
    (d,) = different
    size = rw.info(left).shape[d]
    if next_low[d] != low[d] + size:
        return None
    shape = list(rw.info(left).shape)
    shape[d] += rw.info(right).shape[d]
    joined = rw.build("concatenate", (left, right), rw.type(shape, info.element), dimension=d)
    high = [*high[:d], next_high[d], *high[d + 1 :]]
    if not any((*low, *high)):
        return joined
    return rw.build("pad", (joined, first.operands[1]), info.type, low=low, high=high, interior=[0] * info.rank)


@rule("add")
def add_to_place(op: ir.Operation, rw: Rewriter) -> Replacement:
    """a + pad(u, 0) for a small u is a with u added in its place: gradients of elements read one by one."""
    info = rw.info(op.results[0])
    if info.kind == "b" or not info.static:
        return None
    for total, pad in _terms(op, "pad"):
        low, high = int_list(pad, "low"), int_list(pad, "high")
        if len(pad.operands) != 2 or any(int_list(pad, "interior")) or min((*low, *high), default=0) < 0:
            continue
        part = rw.info(pad.operands[0])
        if part.size * SMALL > info.size or not _is_zero(pad.operands[1], rw):
            continue
        limits = [start + size for start, size in zip(low, part.shape, strict=True)]
        old = rw.build("slice", (total,), part.type, start_indices=low, limit_indices=limits, strides=[1] * info.rank)
        new = rw.build("add", (old, pad.operands[0]), part.type)
        index = rw.type((), ir.IntegerType.get_signless(64))
        starts = [rw.splat(start, index) for start in low]
        return rw.build("dynamic_update_slice", (total, new, *starts), total.type)
    return None
