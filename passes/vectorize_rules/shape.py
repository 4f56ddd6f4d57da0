"""Vectorization of operations that move elements: the batch is one more dimension that they leave alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, rule, shifted


def _inserted(values: Sequence[int], dim: int, value: int) -> list[int]:
    return [*values[:dim], value, *values[dim:]]


def _shared(op: ir.Operation, vectors: Sequence[Batch]) -> None:
    """Operands that give sizes or positions as vectors must be the same for all applications."""
    if any(vector.dim is not None for vector in vectors):
        refuse(op, "the shape or the positions that an operand gives differ between applications, whose results could "
                   "then not be stacked; use masks, or astra.dynamic_slice for positions")  # fmt: skip


def _with_entry(vector: Batch, dim: int, entry: int, b: Batcher) -> ir.Value:
    """A vector with one entry for each dimension, with one for the batch."""
    (size,), element = vector.value.type.shape, vector.value.type.element_type
    parts = [b.splat(entry, b.type([1], element))]
    for place, start, limit in ((0, 0, dim), (2, dim, size)):
        if start < limit:
            part = b.build("slice", (vector.value,), b.type([limit - start], element), start_indices=[start],
                           limit_indices=[limit], strides=[1])  # fmt: skip
            parts.insert(place, part)
    return b.build("concatenate", parts, b.type([size + 1], element), dimension=0) if size else parts[0]


@rule("iota")
def iota(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """An operand that gives the shape says nothing new where the result's type is static."""
    del args
    return [Batch(b.build("iota", (), op.results[0].type, dimension=value_of(op, "dimension")))]


@rule("broadcast")
def broadcast(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The batch keeps its place behind the dimension that was in front of it."""
    (value, source), result = args[0], op.results[0].type
    if source is None:  # only the operand that gives the shape is batched: the result's type says it all
        return [Batch(b.build("broadcast", (value,), result, dimensions=int_list(op, "dimensions")))]
    dimensions = int_list(op, "dimensions")
    dim = dimensions[source - 1] + 1 if source else 0
    mapped = shifted(dimensions, dim)
    return [Batch(b.build("broadcast", (value,), b.with_batch(result, dim),
                          dimensions=_inserted(mapped, source, dim)), dim)]  # fmt: skip


@rule("reshape")
def reshape(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Where as many elements are in front of the batch before and after, it stays; else it goes first."""
    old, result, source = op.operands[0].type.shape, op.results[0].type, args[0].dim
    if source is None:
        return [Batch(b.reshape(args[0].value, result.shape))]
    dim = 0
    if math.prod(old):
        in_front = math.prod(old[:source])
        dim = next((d for d in range(len(result.shape) + 1) if math.prod(result.shape[:d]) == in_front), 0)
        if math.prod(result.shape[:dim]) != in_front:
            source = 0
    else:
        source = 0
    return [Batch(b.reshape(b.at(args[0], source), b.with_batch(result, dim).shape), dim)]


@rule("transpose")
def transpose(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The batch goes first: the elements move anyway."""
    (value, source) = args[0]
    assert source is not None
    permutation = [source, *shifted(int_list(op, "permutation"), source)]
    return [Batch(b.transpose(value, permutation), 0)]


@rule("slice")
def slice_(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    (value, dim), *vectors = args
    _shared(op, vectors)
    assert dim is not None
    type = b.with_batch(op.results[0].type, dim)
    if vectors:
        given = [_with_entry(v, dim, entry, b) for v, entry in zip(vectors, (0, b.size, 1), strict=True)]
        return [Batch(b.build("slice", (value, *given), type), dim)]
    whole = {"start_indices": 0, "limit_indices": b.size, "strides": 1}
    attributes = {name: _inserted(int_list(op, name), dim, extent) for name, extent in whole.items()}
    return [Batch(b.build("slice", (value,), type, **attributes), dim)]


_PADDINGS = ("low", "high", "interior")


@rule("pad")
def pad(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """With a padding value for each application: pad with zeros, then put the values where the padding is."""
    operand, padding, *vectors = args
    _shared(op, vectors)
    result = op.results[0].type
    if padding.dim is None:
        return [_pad(op, operand, padding.value, vectors, b)]
    dim = 0 if operand.dim is None else operand.dim
    boolean = ir.IntegerType.get_signless(1)
    inside = Batch(b.splat(True, b.type(op.operands[0].type.shape, boolean)))
    mask = b.at(_pad(op, inside, b.splat(False, b.type([], boolean)), vectors, b), dim)
    padded = b.at(_pad(op, operand, b.splat(0, op.operands[1].type), vectors, b), dim)
    fill = b.broadcast(padding.value, b.with_batch(result, dim).shape, [dim])
    return [Batch(b.build("select", (mask, padded, fill), padded.type), dim)]


def _pad(op: ir.Operation, operand: Batch, fill: ir.Value, vectors: Sequence[Batch], b: Batcher) -> Batch:
    """The operand padded with one value, and no padding along the batch, if it has one."""
    value, dim = operand
    element = value.type.element_type
    shape = op.results[0].type.shape
    if dim is None:
        type, attributes = b.type(shape, element), {name: int_list(op, name) for name in _PADDINGS}
        given = [vector.value for vector in vectors]
    else:
        type = b.with_batch(b.type(shape, element), dim)
        attributes = {name: _inserted(int_list(op, name), dim, 0) for name in _PADDINGS}
        given = [_with_entry(vector, dim, 0, b) for vector in vectors]
    if vectors:
        return Batch(b.build("pad", (value, fill, *given), type), dim)
    return Batch(b.build("pad", (value, fill), type, **attributes), dim)


@rule("concatenate")
def concatenate(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    values, dim = b.aligned(args)
    dimension = value_of(op, "dimension")
    type = b.with_batch(op.results[0].type, dim)
    return [Batch(b.build("concatenate", values, type, dimension=dimension + (dimension >= dim)), dim)]


@rule("reverse")
def reverse(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    value, dim = args[0]
    assert dim is not None
    return [Batch(b.build("reverse", (value,), value.type, dimensions=shifted(int_list(op, "dimensions"), dim)), dim)]


@rule("get_dimension_size")
def get_dimension_size(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The size of a dimension is the same in all applications."""
    value, dim = args[0]
    assert dim is not None
    dimension = value_of(op, "dimension")
    return [Batch(b.build("get_dimension_size", (value,), op.results[0].type,
                          dimension=dimension + (dimension >= dim)))]  # fmt: skip


@rule("set_dimension_size")
def set_dimension_size(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    (value, dim), size = args
    if size.dim is not None:
        refuse(op, "the size of a dimension would differ between applications; mask the elements with a select instead")
    assert dim is not None
    dimension = value_of(op, "dimension")
    type = b.with_batch(op.results[0].type, dim)
    return [Batch(b.build("set_dimension_size", (value, size.value), type,
                          dimension=dimension + (dimension >= dim)), dim)]  # fmt: skip


@rule("optimization_barrier")
def optimization_barrier(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    new = b.op("optimization_barrier", [arg.value for arg in args], [arg.value.type for arg in args])
    return [Batch(result, arg.dim) for result, arg in zip(new.results, args, strict=True)]
