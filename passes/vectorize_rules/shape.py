"""Vectorization of operations that move elements: the batch is one more dimension that they leave alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, require_static, rule, shifted


def _inserted(values: Sequence[int], dim: int, value: int) -> list[int]:
    return [*values[:dim], value, *values[dim:]]


def _refuse_dynamic(op: ir.Operation, args: Sequence[Batch], first: int) -> None:
    """Operands that give sizes or positions as vectors exist for dynamic shapes only."""
    if len(args) > first:
        refuse(op, "it takes its shape from an operand; write the program for static shapes")
    require_static(op)


@rule("iota")
def iota(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    del b
    _refuse_dynamic(op, args, 0)
    return ()


@rule("broadcast")
def broadcast(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The batch keeps its place behind the dimension that was in front of it."""
    _refuse_dynamic(op, args, 1)
    (value, source), result = args[0], op.results[0].type
    assert source is not None
    dimensions = int_list(op, "dimensions")
    dim = dimensions[source - 1] + 1 if source else 0
    mapped = shifted(dimensions, dim)
    return [Batch(b.build("broadcast", (value,), b.with_batch(result, dim),
                          dimensions=_inserted(mapped, source, dim)), dim)]  # fmt: skip


@rule("reshape")
def reshape(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Where as many elements are in front of the batch before and after, it stays; else it goes first."""
    _refuse_dynamic(op, args, 1)
    old, result, source = op.operands[0].type.shape, op.results[0].type, args[0].dim
    assert source is not None
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
    _refuse_dynamic(op, args, 1)
    value, dim = args[0]
    assert dim is not None
    whole = {"start_indices": 0, "limit_indices": b.size, "strides": 1}
    attributes = {name: _inserted(int_list(op, name), dim, extent) for name, extent in whole.items()}
    return [Batch(b.build("slice", (value,), b.with_batch(op.results[0].type, dim), **attributes), dim)]


_PADDINGS = ("low", "high", "interior")


@rule("pad")
def pad(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """With a padding value for each application: pad with zeros, then put the values where the padding is."""
    _refuse_dynamic(op, args, 2)
    operand, padding = args
    result = op.results[0].type
    attributes = {name: int_list(op, name) for name in _PADDINGS}
    if padding.dim is None:
        dim = operand.dim
        assert dim is not None
        batched = {name: _inserted(values, dim, 0) for name, values in attributes.items()}
        return [Batch(b.build("pad", (operand.value, padding.value), b.with_batch(result, dim), **batched), dim)]
    dim = 0 if operand.dim is None else operand.dim
    boolean = ir.IntegerType.get_signless(1)
    inside = b.splat(True, b.type(op.operands[0].type.shape, boolean))
    outside = b.splat(False, b.type([], boolean))
    mask = b.build("pad", (inside, outside), b.type(result.shape, boolean), **attributes)
    zero = b.splat(0, op.operands[1].type)
    if operand.dim is None:
        padded = b.at(Batch(b.build("pad", (operand.value, zero), result, **attributes)), dim)
    else:
        batched = {name: _inserted(values, dim, 0) for name, values in attributes.items()}
        padded = b.build("pad", (operand.value, zero), b.with_batch(result, dim), **batched)
    fill = b.broadcast(padding.value, padded.type.shape, [dim])
    return [Batch(b.build("select", (b.at(Batch(mask), dim), padded, fill), padded.type), dim)]


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
