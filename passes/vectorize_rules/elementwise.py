"""Vectorization of elementwise operations: their operands get the batch at one dimension."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.elementwise import FUNCTIONS
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, rule


@rule(*FUNCTIONS, "compare", "select", "clamp", "convert", "reduce_precision", "stop_gradient")
def elementwise(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """All operands take the result's shape with the batch in it; shared scalars of select and clamp stay scalars."""
    shape = op.results[0].type.shape
    full = [len(value.type.shape) == len(shape) for value in op.operands]
    dims = [arg.dim for arg, whole in zip(args, full, strict=True) if whole and arg.dim is not None]
    dim = min(dims, default=0)
    target = [*shape[:dim], b.size, *shape[dim:]]
    values = []
    for arg, whole in zip(args, full, strict=True):
        if whole and not (arg.dim is None and not shape and _may_be_scalar(op, len(values))):
            values.append(b.at(arg, dim))
        elif arg.dim is None:
            values.append(arg.value)  # one predicate or bound for all
        else:
            values.append(b.broadcast(arg.value, target, [dim]))  # a predicate or bound for each application
    return [Batch(b.again(op, values, [b.with_batch(op.results[0].type, dim)]).results[0], dim)]


_SCALAR_OPERANDS = {"astra.select": (0,), "astra.clamp": (0, 2)}


def _may_be_scalar(op: ir.Operation, number: int) -> bool:
    return number in _SCALAR_OPERANDS.get(op.name, ())


@rule("bitcast_convert")
def bitcast_convert(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """A change of width needs the last dimension, so there the batch goes first."""
    (arg,), result = args, op.results[0].type
    assert arg.dim is not None
    same = len(result.shape) == len(op.operands[0].type.shape)
    dim = arg.dim if same else 0
    return [Batch(b.build("bitcast_convert", (b.at(arg, dim),), b.with_batch(result, dim)), dim)]
