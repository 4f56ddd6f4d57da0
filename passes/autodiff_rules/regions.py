"""Reductions with a combiner of their own, written out as operations on tensors, which are then differentiated.

A combiner's region is lifted from scalars to tensors: its operations are elementwise.  A reduction becomes a tree of
logarithmic depth, as in JAX; a window reduction a chain over the elements of the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.dialects.elementwise import FUNCTIONS
from astra_mlir.passes.autodiff_rules.core import Emitter, refuse

__all__ = ["Combine", "combiner_of", "fold_windows", "reduce_tree", "windows_of"]

Combine = Callable[[Sequence[ir.Value], Sequence[ir.Value]], list[ir.Value]]

MAX_WINDOW = 128
"""Elements of the largest window whose combination is written out: each costs a slice and a combiner."""

_LIFTED = {*(f"astra.{name}" for name in FUNCTIONS), "astra.compare", "astra.select", "astra.clamp", "astra.convert"}
_SAME = ("astra.reshape", "astra.broadcast", "astra.optimization_barrier")


def combiner_of(op: ir.Operation, b: Emitter) -> Combine:
    """What combines two tensors (of each operand) element by element, as the operation's kind or region says."""
    kind = value_of(op, "kind")
    if kind != "custom":
        return lambda left, right: [b.f(kind, x, y) for x, y in zip(left, right, strict=True)]
    block = op.regions[0].blocks[0]
    *body, end = [view.operation for view in block.operations]
    for inner in body:
        if inner.name not in (*_LIFTED, *_SAME, "astra.constant", "astra.stop_gradient") or len(inner.regions):
            refuse(op, f"its combiner has '{inner.name}'; write the combiner with elementwise functions")

    def combine(left: Sequence[ir.Value], right: Sequence[ir.Value]) -> list[ir.Value]:
        shape = b.info(left[0]).shape
        lifted: dict[ir.Value, ir.Value] = dict(zip(block.arguments, (*left, *right), strict=True))

        def value(scalar: ir.Value) -> ir.Value:
            if scalar not in lifted:  # from outside of the region
                lifted[scalar] = b.broadcast(scalar, shape, ())
            return lifted[scalar]

        for inner in body:
            (result,) = inner.results
            if inner.name == "astra.constant":
                lifted[result] = b.full(b.type(shape, b.info(result).element), b.splat_of(result))
            elif inner.name in _SAME:
                lifted[result] = value(inner.operands[0])
            else:
                type = b.type(shape, b.info(result).element)
                lifted[result] = b.copy(inner, [value(x) for x in inner.operands], type)
        return [value(x) for x in end.operands]

    return combine


def _cut(values: Sequence[ir.Value], start: int, stop: int, b: Emitter) -> list[ir.Value]:
    """A part along the first dimension."""
    found = []
    for x in values:
        shape = list(b.info(x).shape)
        type = b.type([stop - start, *shape[1:]], b.info(x).element)
        starts, limits = [start, *(0 for _ in shape[1:])], [stop, *shape[1:]]
        found.append(b.build("slice", (x,), type, start_indices=starts, limit_indices=limits, strides=[1] * len(shape)))
    return found


def reduce_tree(op: ir.Operation, b: Emitter) -> list[ir.Value]:
    """What replaces the results of an ``astra.reduce``: halves are combined until one element is left."""
    count = len(op.results)
    inputs, inits = list(op.operands)[:count], list(op.operands)[count:]
    results = [b.info(result) for result in op.results]
    shape, dimensions = b.info(inputs[0]).shape, int_list(op, "dimensions")
    kept = [d for d in range(len(shape)) if d not in dimensions]
    size = math.prod(shape[d] for d in dimensions)
    combine = combiner_of(op, b)
    starts = [
        b.broadcast(b.convert(init, info.element), info.shape, ()) for init, info in zip(inits, results, strict=True)
    ]
    if not size:
        return starts
    values = [
        b.reshape(b.transpose(b.convert(x, info.element), [*dimensions, *kept]), [size, *info.shape])
        for x, info in zip(inputs, results, strict=True)
    ]
    while size > 1:
        half = size // 2
        combined = combine(_cut(values, 0, half, b), _cut(values, half, 2 * half, b))
        if size % 2:
            rest = _cut(values, size - 1, size, b)
            combined = [
                b.build("concatenate", pair, b.type([half + 1, *info.shape], info.element), dimension=0)
                for pair, info in zip(zip(combined, rest, strict=True), results, strict=True)
            ]
        values, size = combined, size - half
    return combine(starts, [b.reshape(x, info.shape) for x, info in zip(values, results, strict=True)])


def windows_of(op: ir.Operation) -> dict[str, list[int]]:
    """The attributes of an ``astra.reduce_window`` that say where windows lie."""
    names = ("window_dimensions", "window_strides", "base_dilations", "window_dilations", "padding")
    return {name: int_list(op, name) for name in names}


def _offsets(window: Sequence[int], dilations: Sequence[int]) -> Iterator[list[int]]:
    for place in product(*(range(n) for n in window)):
        yield [i * dilation for i, dilation in zip(place, dilations, strict=True)]


def fold_windows(op: ir.Operation, b: Emitter) -> list[ir.Value]:
    """What replaces the results of an ``astra.reduce_window``: strided slices, one for each element of a window."""
    count, what = len(op.results), windows_of(op)
    window, strides = what["window_dimensions"], what["window_strides"]
    if math.prod(window) > MAX_WINDOW:
        refuse(
            op, f"its combiner is neither add, maximum nor minimum and its windows have {math.prod(window)} elements; "
            f"up to {MAX_WINDOW} are written out",
        )  # fmt: skip
    results = [b.info(result) for result in op.results]
    low, high, interior = what["padding"][::2], what["padding"][1::2], [n - 1 for n in what["base_dilations"]]
    padded, values = [], []
    for x, init, info in zip(op.operands[:count], op.operands[count:], results, strict=True):
        x, init = b.convert(x, info.element), b.convert(init, info.element)
        shape = [
            lo + hi + (n + (n - 1) * gap if n else 0)
            for n, lo, hi, gap in zip(b.info(x).shape, low, high, interior, strict=True)
        ]
        if any(what["padding"]) or any(interior):
            x = b.build("pad", (x, init), b.type(shape, info.element), low=low, high=high, interior=interior)
        padded.append(x)
        values.append(b.broadcast(init, info.shape, ()))
    combine = combiner_of(op, b)
    for offset in _offsets(window, what["window_dilations"]):
        limits = [o + (n - 1) * s + 1 for o, n, s in zip(offset, results[0].shape, strides, strict=True)]
        part = [
            b.build("slice", (x,), info.type, start_indices=offset, limit_indices=limits, strides=strides)
            for x, info in zip(padded, results, strict=True)
        ]
        values = combine(values, part)
    return values
