"""Derivatives of communication between devices, of the sum of what all of them compute.

What is gathered is linear in what is sent, and its transpose sends the other way: the cotangents of all copies of an
element are added up where it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes.autodiff_rules.core import Emitter, jvp, linear, refuse, vjp, zero

MaybeValue = ir.Value | None
Values = Sequence[MaybeValue]

linear("all_gather", "all_to_all", "collective_permute", "collective_broadcast", "exchange")
zero("the number of a device is no function of data", "replica_id", "partition_id", "participant")

_TEAM = ("replica_groups", "channel", "use_global_device_ids")


def _team(op: ir.Operation) -> dict[str, Any]:
    return {name: op.attributes[name] for name in _TEAM if name in op.attributes}


def _require_sum(op: ir.Operation) -> None:
    if value_of(op, "kind") != "add":
        refuse(op, f"it combines by '{value_of(op, 'kind')}'; only sums over devices are differentiated")


@jvp("all_reduce")
def _all_reduce_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    _require_sum(op)
    (t,) = tangents
    assert t is not None
    return [b.build("all_reduce", (t,), t.type, kind="add", **_team(op))]


@jvp("reduce_scatter")
def _reduce_scatter_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    _require_sum(op)
    (t,) = tangents
    assert t is not None
    dimension = value_of(op, "scatter_dimension")
    type = op.results[0].type
    return [b.build("reduce_scatter", (t,), type, kind="add", scatter_dimension=dimension, **_team(op))]


@vjp("all_reduce")
def _all_reduce_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    _require_sum(op)
    (c,) = cotangents
    assert c is not None
    return [b.build("all_reduce", (c,), c.type, kind="add", **_team(op))]


@vjp("reduce_scatter")
def _reduce_scatter_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    _require_sum(op)
    (c,) = cotangents
    assert c is not None
    dimension, type = value_of(op, "scatter_dimension"), op.operands[0].type
    return [b.build("all_gather", (c,), type, all_gather_dim=dimension, **_team(op))]


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


@vjp("collective_broadcast", "exchange")
def _refused(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    refuse(op, "send with all_gather or collective_permute where a derivative is needed")
