"""Derivatives of sorting: elements go where the primal's elements went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.autodiff_rules.core import Emitter, jvp, structured_jvp, vjp
from astra_mlir.passes.autodiff_rules.engine import Forward

MaybeValue = ir.Value | None


def _sort_along(op: ir.Operation, others: Sequence[ir.Value], b: Emitter) -> list[ir.Value]:
    """Put a sort in the place of one that moves other tensors too; gives these, sorted."""
    place = b.place
    b.before(op)
    values = [*op.operands, *others]
    kept: dict[str, Any] = dict(op.attributes.items())
    if value_of(op, "kind") != "custom" and value_of(op, "num_keys") is None:
        kept["num_keys"] = 1
    new = b.op("sort", values, [value.type for value in values], **kept)
    if value_of(op, "kind") == "custom":
        copy = op.clone(ip=b.place[0]).operation  # for its region: the old operation must stay whole
        block = copy.regions[0].blocks[0]
        for value in others:
            for _ in range(2):
                block.add_argument(b.type((), b.info(value).element), op.location)
        block.append_to(new.regions[0])
        copy.erase()
    b.return_to(place)
    for old, found in zip(op.results, new.results, strict=False):
        old.replace_all_uses_with(found)
    return list(new.results)


@structured_jvp("sort")
def _sort_jvp(op: ir.Operation, engine: Forward) -> None:
    """Tangents are sorted along."""
    operands = list(op.operands)
    active = [i for i, x in enumerate(operands) if x in engine.tangents]
    results = _sort_along(op, [engine.tangents[operands[i]] for i in active], engine.b)
    for i, found in zip(active, results[len(operands) :], strict=True):
        engine.tangents[results[i]] = found


@vjp("sort")
def _sort_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """Positions are sorted along, and say where each cotangent goes back to."""
    info, dimension = b.info(op.operands[0]), value_of(op, "dimension")
    wanted = [i for i, c in enumerate(cotangents) if c is not None and needs[i] and is_inexact(c.type)]
    if not wanted or not info.size:
        return [None] * len(needs)
    place = b.place
    b.before(op)
    positions = b.iota(info.shape, dimension, ir.IntegerType.get_signless(32 if info.shape[dimension] < 2**31 else 64))
    b.return_to(place)
    origins = _sort_along(op, [positions], b)[-1]
    found: list[MaybeValue] = [None] * len(needs)
    for i in wanted:
        found[i] = _sent_back(cotangents[i], origins, info.shape, dimension, b)
    return found


def _sent_back(c: ir.Value, origins: ir.Value, shape: Sequence[int], dimension: int, b: Emitter) -> ir.Value:
    """Each element of ``c`` at its origin along a dimension of a tensor of zeros."""
    type = b.type(shape, b.info(c).element)
    others = [d for d in range(len(shape)) if d != dimension]
    return b.build(
        "scatter", (b.zeros(type), origins, c), type, update_window_dims=(), inserted_window_dims=(dimension,),
        input_batching_dims=others, scatter_indices_batching_dims=others, scatter_dims_to_operand_dims=(dimension,),
        index_vector_dim=len(shape), unique_indices=True, kind="add",
    )  # fmt: skip


@jvp("top_k")
def _top_k_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    """The tangents of the chosen elements."""
    (t,), indices = tangents, op.results[1]
    assert t is not None
    rank = b.info(t).rank
    others = list(range(rank - 1))
    chosen = b.build(
        "gather", (t, indices), op.results[0].type, offset_dims=(), collapsed_slice_dims=(rank - 1,),
        operand_batching_dims=others, start_indices_batching_dims=others, start_index_map=(rank - 1,),
        index_vector_dim=rank, slice_sizes=[1] * rank,
    )  # fmt: skip
    return [chosen, None]


@vjp("top_k")
def _top_k_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    c, shape = cotangents[0], b.info(op.operands[0]).shape
    if c is None or 0 in b.info(c).shape:
        return [None]
    return [_sent_back(c, op.results[1], shape, len(shape) - 1, b)]
