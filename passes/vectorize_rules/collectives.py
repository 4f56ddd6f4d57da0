"""Vectorization of communication between devices: the batch is one more dimension of what is sent."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, rule

_DIMENSIONS = ("all_gather_dim", "scatter_dimension", "split_dimension", "concat_dimension")


@rule("all_gather", "all_reduce", "reduce_scatter", "all_to_all", "collective_permute", "collective_broadcast")
def collective(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Once for all applications, the batch in front."""
    if "kind" in op.attributes and value_of(op, "kind") == "custom":
        refuse(op, "it combines by a region that is no known kind")
    later = {name: value_of(op, name) + 1 for name in _DIMENSIONS if name in op.attributes}
    new = b.again(op, [b.front(args[0])], [b.with_batch(op.results[0].type, 0)], **later)
    return [Batch(new.results[0], 0)]


@rule("exchange")
def exchange(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Members of a group are the first dimension, so the batch is the second or, if there is none, the first."""
    kind = value_of(op, "kind")
    dim, out = {"gather": (0, 1), "all_to_all": (1, 1)}.get(kind, (0, 0))
    new = b.again(op, [b.at(args[0], dim)], [b.with_batch(op.results[0].type, out)])
    return [Batch(new.results[0], out)]
