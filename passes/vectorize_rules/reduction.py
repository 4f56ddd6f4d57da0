"""Vectorization of reductions: the batch is a dimension that is kept, of windows of size 1.

An initial value for each application is combined with the result of a reduction that begins with the combiner's
identity; where the combiner is a region, or uses batched values from outside, the elements are combined pair by pair
with the region on whole tensors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.dialects.shape import padded_size, sliced_size
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, identity_of, refuse, rule, shifted


def _scalar(element: ir.Type) -> ir.RankedTensorType:
    return ir.RankedTensorType.get([], element)


def _identity(kind: str, type: ir.RankedTensorType, b: Batcher) -> ir.Value:
    return b.splat(identity_of(kind, type.element_type), type)


# --- combining whole tensors -----------------------------------------------------------------------------------------


class _Combiner:
    """What a reduction combines with, applied to whole tensors of one shape."""

    def __init__(self, op: ir.Operation, b: Batcher) -> None:
        self.op, self.b = op, b
        self.kind = value_of(op, "kind")

    def __call__(self, first: Sequence[ir.Value], second: Sequence[ir.Value]) -> list[ir.Value]:
        if self.kind in ("argmax", "argmin"):
            return self._best(first, second)
        if self.kind != "custom":
            return [self.b.binary(self.kind, first[0], second[0])]
        shape = list(first[0].type.shape)
        block = self.op.regions[0].blocks[0]
        inner = self.b.elementwise(shape, block)
        flat = [Batch(self.b.reshape(value, [inner.size]), 0) for value in (*first, *second)]
        found = inner.inline(block, flat)
        return [self.b.reshape(inner.front(value), shape) for value in found]

    def _best(self, first: Sequence[ir.Value], second: Sequence[ir.Value]) -> list[ir.Value]:
        """The larger (smaller) value with its index: NaN wins, of equal values the lower index."""
        b, (x, i), (y, j) = self.b, first, second
        element = x.type.element_type
        boolean = b.type(x.type.shape, ir.IntegerType.get_signless(1))

        def compare(direction: str, p: ir.Value, q: ir.Value) -> ir.Value:
            kind = p.type.element_type
            how = "FLOAT"
            if isinstance(kind, ir.IntegerType):
                how = "UNSIGNED" if kind.is_unsigned or kind.width == 1 else "SIGNED"
            return b.build("compare", (p, q), boolean, direction=direction, compare_type=how)

        better, equal = compare("GT" if self.kind == "argmax" else "LT", x, y), compare("EQ", x, y)
        if not isinstance(element, ir.IntegerType):
            nan_x, nan_y = compare("NE", x, x), compare("NE", y, y)
            better = b.binary("or", better, b.binary("and", nan_x, b.build("not", (nan_y,), boolean)))
            equal = b.binary("or", equal, b.binary("and", nan_x, nan_y))
        lower = compare("LT", i, j)
        first_wins = b.binary("or", better, b.binary("and", equal, lower))
        return [b.build("select", (first_wins, p, q), p.type) for p, q in ((x, y), (i, j))]


def _reduce_last(values: list[ir.Value], combine: _Combiner, b: Batcher) -> list[ir.Value]:
    """Combine along the last dimension (not empty), neighbours first, so that the order of elements is kept."""

    def take(value: ir.Value, start: int, stop: int, step: int) -> ir.Value:
        shape = list(value.type.shape)
        rank = len(shape)
        type = b.type([*shape[:-1], sliced_size(start, stop, step)], value.type.element_type)
        return b.build(
            "slice", (value,), type, start_indices=[*[0] * (rank - 1), start], limit_indices=[*shape[:-1], stop],
            strides=[*[1] * (rank - 1), step],
        )  # fmt: skip

    size = values[0].type.shape[-1]
    while size > 1:
        paired = size - size % 2
        new = combine([take(v, 0, paired, 2) for v in values], [take(v, 1, paired, 2) for v in values])
        if size % 2:
            last = [take(v, size - 1, size, 1) for v in values]
            dimension = len(values[0].type.shape) - 1
            new = [
                b.build("concatenate", (x, y), b.type([*x.type.shape[:-1], paired // 2 + 1], x.type.element_type),
                        dimension=dimension)
                for x, y in zip(new, last, strict=True)
            ]  # fmt: skip
        values, size = new, size - size // 2
    return [b.reshape(value, value.type.shape[:-1]) for value in values]


# --- reduce ----------------------------------------------------------------------------------------------------------


@rule("reduce")
def reduce(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The batch is kept; shared initial values stay what they are."""
    count = len(args) // 2
    inputs, inits = args[:count], args[count:]
    if any(init.dim is not None for init in inits) or b.uses_batched(op):
        return _reduce_from_batched(op, inputs, inits, b)
    values, dim = b.aligned(inputs)
    dimensions = int_list(op, "dimensions")
    kept = dim - sum(d < dim for d in dimensions)
    types = [b.with_batch(result.type, kept) for result in op.results]
    operands = [*values, *(init.value for init in inits)]
    new = b.again(op, operands, types, dimensions=ir.DenseI64ArrayAttr.get(shifted(dimensions, dim)))
    return [Batch(result, kept) for result in new.results]


def _reduce_from_batched(
    op: ir.Operation, inputs: Sequence[Batch], inits: Sequence[Batch], b: Batcher
) -> Sequence[Batch]:
    """Reduce first, then combine the initial values with the results (in front, where the region is asked)."""
    kind, dimensions = value_of(op, "kind"), int_list(op, "dimensions")
    elements = [result.type.element_type for result in op.results]
    combine = _Combiner(op, b)
    types = [b.with_batch(result.type, 0) for result in op.results]
    starts = [
        b.broadcast(b.convert(b.front(init), element), type.shape, [0])
        for init, element, type in zip(inits, elements, types, strict=True)
    ]
    shape = op.operands[0].type.shape
    if math.prod(shape[d] for d in dimensions) == 0:
        return [Batch(start, 0) for start in starts]
    if kind not in ("custom", "argmax", "argmin"):
        start = _identity(kind, _scalar(op.operands[0].type.element_type), b)
        if inputs[0].dim is None:
            shared = b.again(op, (inputs[0].value, start), [op.results[0].type]).results[0]
            reduced = [b.at(Batch(shared), 0)]
        else:
            reduced = [b.front(batch) for batch in reduce(op, [inputs[0], Batch(start)], b)]
        return [Batch(value, 0) for value in combine(starts, reduced)]
    kept = [d for d in range(len(shape)) if d not in dimensions]
    order = [0, *(d + 1 for d in (*kept, *dimensions))]
    rows = [
        b.reshape(
            b.transpose(b.convert(b.front(x), element), order),
            [b.size, *(shape[d] for d in kept), math.prod(shape[d] for d in dimensions)],
        )
        for x, element in zip(inputs, elements, strict=True)
    ]
    return [Batch(value, 0) for value in combine(starts, _reduce_last(rows, combine, b))]


# --- windows ---------------------------------------------------------------------------------------------------------

_WINDOW = ("window_dimensions", "window_strides", "base_dilations", "window_dilations")


@rule("reduce_window")
def reduce_window(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Along the batch, windows have one element."""
    count = len(args) // 2
    inputs, inits = args[:count], args[count:]
    if any(init.dim is not None for init in inits) or b.uses_batched(op):
        return _windows_from_batched(op, inputs, inits, b)
    values, dim = b.aligned(inputs)
    return _reduce_window(op, values, [init.value for init in inits], dim, b)


def _reduce_window(
    op: ir.Operation, values: Sequence[ir.Value], inits: Sequence[ir.Value], dim: int, b: Batcher
) -> list[Batch]:
    attributes = {}
    for name in _WINDOW:
        sizes = int_list(op, name)
        attributes[name] = ir.DenseI64ArrayAttr.get([*sizes[:dim], 1, *sizes[dim:]])
    padding = int_list(op, "padding")
    attributes["padding"] = ir.DenseI64ArrayAttr.get([*padding[: 2 * dim], 0, 0, *padding[2 * dim :]])
    types = [b.with_batch(result.type, dim) for result in op.results]
    new = b.again(op, [*values, *inits], types, **attributes)
    return [Batch(result, dim) for result in new.results]


def _windows_from_batched(
    op: ir.Operation, inputs: Sequence[Batch], inits: Sequence[Batch], b: Batcher
) -> Sequence[Batch]:
    """Padding and gaps count as the initial value: put it there, combine all of each window, then the value itself.

    The window's elements are slices of the padded input, one for each position in the window.
    """
    window, strides, base, dilations = (int_list(op, name) for name in _WINDOW)
    padding = int_list(op, "padding")
    shape = op.operands[0].type.shape
    elements = [result.type.element_type for result in op.results]
    full = [padded_size(n, padding[2 * d], padding[2 * d + 1], base[d] - 1) for d, n in enumerate(shape)]
    counts = list(op.results[0].type.shape)
    types = [b.with_batch(result.type, 0) for result in op.results]
    starts = [
        b.broadcast(b.convert(b.front(init), element), type.shape, [0])
        for init, element, type in zip(inits, elements, types, strict=True)
    ]
    if 0 in window or 0 in counts:
        return [Batch(start, 0) for start in starts]
    boolean = ir.IntegerType.get_signless(1)
    attributes = {"low": padding[::2], "high": padding[1::2], "interior": [n - 1 for n in base]}
    batched = {name: [0, *values] for name, values in attributes.items()}
    inside, outside = b.splat(True, b.type(shape, boolean)), b.splat(False, _scalar(boolean))
    mask = b.at(Batch(b.build("pad", (inside, outside), b.type(full, boolean), **attributes)), 0)
    padded = []
    for x, init in zip(inputs, inits, strict=True):
        element = x.value.type.element_type
        type = b.type([b.size, *full], element)
        spread = b.build("pad", (b.front(x), b.splat(0, _scalar(element))), type, **batched)
        fill = b.broadcast(b.front(init), type.shape, [0])
        padded.append(b.build("select", (mask, spread, fill), type))
    combine = _Combiner(op, b)
    found = starts
    for offset in itertools.product(*(range(n) for n in window)):
        first = [i * step for i, step in zip(offset, dilations, strict=True)]
        limits = [s + (n - 1) * step + 1 for s, n, step in zip(first, counts, strides, strict=True)]
        slices = [
            b.build(
                "slice", (value,), b.type([b.size, *counts], value.type.element_type), start_indices=[0, *first],
                limit_indices=[b.size, *limits], strides=[1, *strides],
            )
            for value in padded
        ]  # fmt: skip
        found = combine(found, [b.convert(x, e) for x, e in zip(slices, elements, strict=True)])
    return [Batch(value, 0) for value in found]


@rule("cumulative")
def cumulative(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    value, dim = args[0]
    assert dim is not None
    dimension = value_of(op, "dimension")
    new = b.again(op, (value,), (value.type,), dimension=dimension + (dimension >= dim))
    return [Batch(new.results[0], dim)]


@rule("select_and_scatter")
def select_and_scatter(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Along the batch, windows have one element; an initial value for each application is added afterwards."""
    *data, init = args
    result = op.results[0].type
    start = init.value
    if init.dim is not None:
        if value_of(op, "scatter_kind") != "add":
            refuse(op, "its initial value differs between applications and its scatter function is not addition; "
                       "start from one value and combine the other in afterwards")  # fmt: skip
        start = b.splat(0, op.operands[2].type)
    if all(arg.dim is None for arg in data):
        new = b.at(Batch(b.again(op, (data[0].value, data[1].value, start), (result,)).results[0]), 0)
        dim = 0
    else:
        (operand, source), dim = b.aligned(data)
        attributes = {}
        for name in ("window_dimensions", "window_strides"):
            sizes = int_list(op, name)
            attributes[name] = ir.DenseI64ArrayAttr.get([*sizes[:dim], 1, *sizes[dim:]])
        padding = int_list(op, "padding")
        attributes["padding"] = ir.DenseI64ArrayAttr.get([*padding[: 2 * dim], 0, 0, *padding[2 * dim :]])
        new = b.again(op, (operand, source, start), (b.with_batch(result, dim),), **attributes).results[0]
    if init.dim is not None:
        spread = b.broadcast(b.convert(init.value, result.element_type), new.type.shape, [dim])
        new = b.binary("add", new, spread)
    return [Batch(new, dim)]
