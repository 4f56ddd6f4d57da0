"""Derivatives of communication between devices, of the sum of what all of them compute.

What is gathered is linear in what is sent, and its transpose sends the other way: the cotangents of all copies of an
element are added up where it came from.  Combinations other than sums are written as gathering and a reduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes.autodiff_rules.core import Emitter, linear, refuse, structured_jvp, structured_vjp, vjp, zero
from astra_mlir.passes.autodiff_rules.engine import Forward, Reverse
from astra_mlir.passes.autodiff_rules.written_out import Writer, forward_through, reverse_through
from astra_mlir.passes.device_groups import DeviceGrid
from astra_mlir.passes.vectorize_rules.core import identity_of

MaybeValue = ir.Value | None
Values = Sequence[MaybeValue]

linear("all_gather", "all_to_all", "collective_permute", "collective_broadcast", "exchange")
zero("the number of a device is no function of data", "replica_id", "partition_id", "participant")

_TEAM = ("replica_groups", "channel", "use_global_device_ids")


def _team(op: ir.Operation) -> dict[str, Any]:
    return {name: op.attributes[name] for name in _TEAM if name in op.attributes}


def _sum_jvp(op: ir.Operation, t: ir.Value, b: Emitter) -> ir.Value:
    if op.name == "astra.all_reduce":
        return b.build("all_reduce", (t,), t.type, kind="add", **_team(op))
    dimension, type = value_of(op, "scatter_dimension"), op.results[0].type
    return b.build("reduce_scatter", (t,), type, kind="add", scatter_dimension=dimension, **_team(op))


def _sum_vjp(op: ir.Operation, c: ir.Value, b: Emitter) -> ir.Value:
    if op.name == "astra.all_reduce":
        return b.build("all_reduce", (c,), c.type, kind="add", **_team(op))
    dimension, type = value_of(op, "scatter_dimension"), op.operands[0].type
    return b.build("all_gather", (c,), type, all_gather_dim=dimension, **_team(op))


# --- what is written with all_gather and all_to_all ----------------------------------------------------------------


def _grid(op: ir.Operation) -> DeviceGrid:
    while op.name != "builtin.module":
        op = op.parent
    return DeviceGrid.of(op)


def _groups(op: ir.Operation) -> tuple[int, dict[str, Any]]:
    """How many devices a group has, and the attributes that name the groups by participants."""
    groups = _grid(op).groups(op)
    if (groups < 0).any():
        refuse(op, "its groups have different sizes; make them equal")
    channel = op.attributes["channel"] if value_of(op, "channel", (0, 0))[0] > 0 else ir.DenseI64ArrayAttr.get([1, 1])
    named = {"replica_groups": ir.DenseElementsAttr.get(groups), "channel": channel, "use_global_device_ids": True}
    return groups.shape[1], named


def _gathered(op: ir.Operation, b: Emitter) -> ir.Value:
    """The operands of the group, along a new first dimension."""
    info, (count, groups) = b.info(op.operands[0]), _groups(op)
    type = b.type([count, *info.shape], info.element)
    return b.build("all_gather", (b.reshape(op.operands[0], [1, *info.shape]),), type, all_gather_dim=0, **groups)


def _combined(op: ir.Operation, b: Emitter, value: ir.Value, dimension: int) -> Values:
    kind, info = value_of(op, "kind"), b.info(value)
    if kind == "custom":
        refuse(op, "it combines by a region that is no known kind")
    return [b.reduce(kind, value, [dimension], identity_of(kind, info.element))]


def _write_all_reduce(op: ir.Operation, b: Emitter) -> Values:
    return _combined(op, b, _gathered(op, b), 0)


def _write_reduce_scatter(op: ir.Operation, b: Emitter) -> Values:
    (x,), d, (count, groups) = op.operands, value_of(op, "scatter_dimension"), _groups(op)
    grid = _grid(op)
    if grid.replicas > 1 and grid.partitions > 1:
        refuse(op, "it combines otherwise than by a sum, over replicas and partitions; use all_reduce and a slice")
    del groups["use_global_device_ids"]  # numbers are of partitions, or without a channel of replicas
    if grid.replicas > 1:
        del groups["channel"]
    parts = b.build("all_to_all", (x,), x.type, split_dimension=d, concat_dimension=d, split_count=count, **groups)
    shape = b.info(x).shape
    return _combined(op, b, b.reshape(parts, [*shape[:d], count, shape[d] // count, *shape[d + 1 :]]), d)


def _write_broadcast(op: ir.Operation, b: Emitter) -> Values:
    everyone, shape = _gathered(op, b), b.info(op.operands[0]).shape
    type = b.type([1, *shape], b.info(everyone).element)
    first = b.build(
        "slice", (everyone,), type, start_indices=[0] * type.rank, limit_indices=[1, *shape], strides=[1] * type.rank
    )
    return [b.reshape(first, shape)]


_WRITERS: dict[str, Writer] = {
    "astra.all_reduce": _write_all_reduce,
    "astra.reduce_scatter": _write_reduce_scatter,
    "astra.collective_broadcast": _write_broadcast,
}


@structured_jvp("all_reduce", "reduce_scatter")
def _reduction_jvp(op: ir.Operation, engine: Forward) -> None:
    if value_of(op, "kind") != "add":
        forward_through(op, engine, _WRITERS[op.name])
    elif (tangent := engine.tangents.get(op.operands[0])) is not None:
        engine.tangents[op.results[0]] = _sum_jvp(op, tangent, engine.b)


@structured_vjp("all_reduce", "reduce_scatter", "collective_broadcast")
def _through(op: ir.Operation, cotangents: Values, engine: Reverse) -> Sequence[tuple[ir.Value, MaybeValue]]:
    if value_of(op, "kind", None) != "add":
        return reverse_through(op, cotangents, engine, _WRITERS[op.name])
    (c,) = cotangents
    assert c is not None
    return [(op.operands[0], _sum_vjp(op, c, engine.b))]


@vjp("all_gather")
def _all_gather_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,) = cotangents
    assert c is not None
    dimension, type = value_of(op, "all_gather_dim"), op.operands[0].type
    return [b.build("reduce_scatter", (c,), type, kind="add", scatter_dimension=dimension, **_team(op))]


@vjp("all_to_all")
def _all_to_all_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,) = cotangents
    assert c is not None
    split, concat, count = (value_of(op, name) for name in ("split_dimension", "concat_dimension", "split_count"))
    return [
        b.build("all_to_all", (c,), op.operands[0].type, split_dimension=concat, concat_dimension=split,
                split_count=count, **_team(op))
    ]  # fmt: skip


@vjp("collective_permute")
def _collective_permute_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,) = cotangents
    assert c is not None
    pairs = np.ascontiguousarray(to_numpy(value_of(op, "source_target_pairs")).reshape(-1, 2)[:, ::-1])
    kept = {"channel": op.attributes["channel"]} if "channel" in op.attributes else {}
    return [b.build("collective_permute", (c,), c.type, source_target_pairs=ir.DenseElementsAttr.get(pairs), **kept)]


@vjp("exchange")
def _refused(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    refuse(op, "it comes of a collective operation; differentiate before astra-expand-collectives")
