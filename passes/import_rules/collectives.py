"""Import of communication between devices; of several operands each becomes an operation of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.import_rules.core import Importer, refuse, rule, with_element
from astra_mlir.passes.import_rules.matching import binary_kinds

_KEPT = (
    "all_gather_dim", "scatter_dimension", "split_dimension", "concat_dimension", "split_count", "replica_groups",
    "source_target_pairs",
)  # fmt: skip


def _attributes(op: ir.Operation) -> dict[str, Any]:
    kept: dict[str, Any] = {name: op.attributes[name] for name in _KEPT if name in op.attributes}
    if "channel_handle" in op.attributes:
        channel = stablehlo.ChannelHandle(op.attributes["channel_handle"])
        kept["channel"] = [channel.handle, channel.channel_type]
    if "use_global_device_ids" in op.attributes:  # a unit attribute
        kept["use_global_device_ids"] = True
    return kept


@rule("stablehlo.all_gather", "stablehlo.all_to_all", "stablehlo.collective_permute", "stablehlo.collective_broadcast")
def _movement(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    name, attributes = op.name.removeprefix("stablehlo."), _attributes(op)
    return [b.emit(name, [x], r.type, **attributes) for x, r in zip(op.operands, op.results, strict=True)]


@rule("stablehlo.all_reduce", "stablehlo.reduce_scatter")
def _reduction(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    name, attributes = op.name.removeprefix("stablehlo."), _attributes(op)
    kinds = binary_kinds(op.regions[0])
    # The region may compute in a wider type than the operand has.
    element = op.regions[0].blocks[0].arguments[0].type.element_type
    given = list(op.operands)
    if kinds is None and len(given) > 1:
        refuse(op, "several operands are combined by a region that is no known kind; give each its own operation")
    found = []
    for operand, result in zip(given, op.results, strict=True):
        if operand.type.element_type != element:
            operand = b.emit("convert", [operand], with_element(operand.type, element))
        type = with_element(result.type, element)
        new = b.op(name, [operand], [type], kind=kinds[0] if kinds else "custom", **attributes)
        if kinds is None:
            b.move_region(op.regions[0], new.regions[0])
        value = new.results[0]
        found.append(value if type == result.type else b.emit("convert", [value], result.type))
    return found


@rule("stablehlo.replica_id", "stablehlo.partition_id")
def _identity(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(op.name.removeprefix("stablehlo."), [], [op.results[0].type]).results
