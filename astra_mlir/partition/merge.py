"""Small sums over the same devices become one: each costs a meeting of all of them, whatever it adds up.

The last step of ``partition/programs.py``; gradients of a network's parameters are the case.  Works on JAX's own MLIR
bindings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from jaxlib.mlir import ir

from astra_mlir.partition.moves import create
from astra_mlir.passes.expand_collectives import SMALL_BYTES

__all__ = ["merge_all_reduces"]


def merge_all_reduces(function: Any) -> None:
    """Of sums of up to :data:`SMALL_BYTES` bytes together, which change no bits by it, in every block."""
    for block in list(_blocks(function)):
        operations = [op.operation for op in block.operations]
        if sum(op.name == "stablehlo.all_reduce" for op in operations) < 2:
            continue
        for group in _groups(operations):
            _merge(group)


def _blocks(op: Any) -> Iterator[Any]:
    for region in op.regions:
        for block in region.blocks:
            yield block
            for inner in block.operations:
                yield from _blocks(inner.operation)


def _groups(operations: list[Any]) -> list[list[Any]]:
    """Those that may be computed where the last of them is: nothing before that reads what the others give."""
    place = {op: i for i, op in enumerate(operations)}
    first_read: dict[Any, int] = {}
    gathering: dict[tuple[str, ...], list[Any]] = {}
    found = []
    for i, op in enumerate(operations):
        key = _key(op) if op.name == "stablehlo.all_reduce" else None
        if key is None:
            continue
        first_read[op] = min(
            (_place_of(use.owner.operation, place) for use in op.results[0].uses), default=len(operations)
        )
        group = gathering.get(key, [])
        size = sum(map(_bytes, (*group, op)))
        if group and size <= SMALL_BYTES and all(i < first_read[other] for other in group):
            group.append(op)
        else:
            gathering[key] = [op]
            found.append(gathering[key])
    return [group for group in found if len(group) > 1]


def _place_of(op: Any, place: dict[Any, int]) -> int:
    while op not in place:
        op = op.parent.operation
    return place[op]


def _key(op: Any) -> tuple[str, ...] | None:
    """What must be equal: the element type, the combiner and the devices; None where the combiner is no operation."""
    body = [inner.operation for inner in op.regions[0].blocks[0].operations]
    type = op.operands[0].type
    if len(op.operands) != 1 or len(body) != 2 or body[0].regions or not type.has_static_shape:
        return None
    if list(body[0].operands) != list(op.regions[0].blocks[0].arguments):
        return None
    shown = (str(op.attributes["replica_groups"]), str("use_global_device_ids" in op.attributes))
    handle = str(op.attributes["channel_handle"]).split("type")[-1] if "channel_handle" in op.attributes else ""
    return (str(type.element_type), body[0].name, str(body[0].results[0].type), handle, *shown)


def _bytes(op: Any) -> int:
    type = op.operands[0].type
    element = type.element_type
    parts = 2 if isinstance(element, ir.ComplexType) else 1
    width = ir.ComplexType(element).element_type.width if parts == 2 else element.width
    return math.prod(type.shape) * parts * max(1, width // 8)


def _merge(group: list[Any]) -> None:
    last = group[-1]
    element = last.operands[0].type.element_type
    sizes = [math.prod(op.operands[0].type.shape) for op in group]
    with ir.InsertionPoint(last), last.location:
        lines = [
            create("reshape", [op.operands[0]], [ir.RankedTensorType.get([size], element)])
            for op, size in zip(group, sizes, strict=True)
        ]
        type = ir.RankedTensorType.get([sum(sizes)], element)
        line = create("concatenate", lines, [type], dimension=ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0))
        attributes = {name: last.attributes[name] for name in last.attributes}
        merged = ir.Operation.create("stablehlo.all_reduce", [type], [line], attributes, regions=1)
        last.regions[0].blocks[0].append_to(merged.regions[0])
        start = 0
        for op, size in zip(group, sizes, strict=True):
            bounds = {"start_indices": [start], "limit_indices": [start + size], "strides": [1]}
            part = create(
                "slice", [merged.results[0]], [ir.RankedTensorType.get([size], element)],
                **{name: ir.DenseI64ArrayAttr.get(value) for name, value in bounds.items()},
            )  # fmt: skip
            op.results[0].replace_all_uses_with(create("reshape", [part], [op.results[0].type]))
            start += size
    for op in group:
        op.erase()
