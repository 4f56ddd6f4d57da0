"""Export of communication between devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.export_rules.combiners import combiner
from astra_mlir.passes.export_rules.core import Exporter, rule, scalar_type, value_of

_OWN = ("kind", "channel", "use_global_device_ids")


def _attributes(op: ir.Operation) -> dict[str, Any]:
    kept: dict[str, Any] = {name: value for name, value in op.attributes.items() if name not in _OWN}
    channel = value_of(op, "channel")
    if channel is not None:
        kept["channel_handle"] = stablehlo.ChannelHandle.get(*channel)
    if "use_global_device_ids" in op.attributes and value_of(op, "use_global_device_ids"):
        kept["use_global_device_ids"] = ir.UnitAttr.get()
    return kept


@rule("astra.all_gather", "astra.all_to_all", "astra.collective_permute", "astra.collective_broadcast")
def _movement(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    name = op.name.removeprefix("astra.")
    return b.op(name, list(op.operands), [op.results[0].type], **_attributes(op)).results


@rule("astra.all_reduce", "astra.reduce_scatter")
def _reduction(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    name, kind, type = op.name.removeprefix("astra."), value_of(op, "kind"), op.results[0].type
    new = b.op(name, list(op.operands), [type], 1, **_attributes(op))
    if kind == "custom":
        b.move_region(op.regions[0], new.regions[0])
    else:
        scalar = scalar_type(type.element_type)
        b.region(new.regions[0], [scalar, scalar], combiner(kind, 1, b))
    return new.results


@rule("astra.replica_id", "astra.partition_id")
def _identity(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    return b.op(op.name.removeprefix("astra."), [], [op.results[0].type]).results
