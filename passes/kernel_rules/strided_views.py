"""Values as strided views of others: what a kernel needs to read a transposed, sliced or split array where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list
from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides

__all__ = ["View", "reshaped_strides", "view_of"]


@dataclass(frozen=True)
class View:
    """Element ``i`` of a value is element ``offset + sum(i * strides)`` of ``base``, in row-major order."""

    base: ir.Value
    offset: int
    strides: tuple[int, ...]


def view_of(value: ir.Value) -> View:
    """The view through transpositions, slices, broadcasts, and the reshapes that need no copy."""
    owner = value.owner
    if not isinstance(owner, ir.Block) and value.type.has_static_shape:
        op = owner.operation
        step = _STEPS.get(op.name)
        found = step(op) if step is not None else None
        if found is not None:
            return found
    return View(value, 0, tuple(row_major_strides(list(value.type.shape))))


def _transpose(op: ir.Operation) -> View:
    source = view_of(op.operands[0])
    return View(source.base, source.offset, tuple(source.strides[d] for d in int_list(op, "permutation")))


def _slice(op: ir.Operation) -> View | None:
    if len(op.operands) > 1:
        return None  # the interval is known at run time only
    source = view_of(op.operands[0])
    starts, steps = int_list(op, "start_indices"), int_list(op, "strides")
    offset = source.offset + sum(start * stride for start, stride in zip(starts, source.strides, strict=True))
    return View(source.base, offset, tuple(s * step for s, step in zip(source.strides, steps, strict=True)))


def _broadcast(op: ir.Operation) -> View:
    source, shape = view_of(op.operands[0]), op.operands[0].type.shape
    strides = [0] * len(op.results[0].type.shape)
    for size, stride, dimension in zip(shape, source.strides, int_list(op, "dimensions"), strict=True):
        strides[dimension] = stride if size != 1 else 0
    return View(source.base, source.offset, tuple(strides))


def _reshape(op: ir.Operation) -> View | None:
    source = view_of(op.operands[0])
    strides = reshaped_strides(list(op.operands[0].type.shape), source.strides, list(op.results[0].type.shape))
    return None if strides is None else View(source.base, source.offset, strides)


_STEPS = {
    "astra.transpose": _transpose,
    "astra.slice": _slice,
    "astra.broadcast": _broadcast,
    "astra.reshape": _reshape,
}


def reshaped_strides(old: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a strided array in another shape; ``None`` where that needs a copy.

    >>> reshaped_strides([4, 6], [12, 2], [2, 2, 3, 2]), reshaped_strides([4, 6], [1, 4], [24])
    ((24, 12, 4, 2), None)
    """
    if 0 in old:
        return tuple(row_major_strides(list(new)))
    levels: list[tuple[int, int]] = []  # the old dimensions, those that follow each other joined
    for size, stride in zip(old, strides, strict=True):
        if size == 1:
            continue
        if levels and levels[-1][1] == size * stride:
            levels[-1] = (levels[-1][0] * size, stride)
        else:
            levels.append((size, stride))
    found: list[int] = []
    for size in reversed(new):
        if size == 1:
            found.insert(0, 0)
            continue
        if not levels or levels[-1][0] % size:
            return None
        rest, stride = levels.pop()
        found.insert(0, stride)
        if rest > size:
            levels.append((rest // size, stride * size))
    return tuple(found)
