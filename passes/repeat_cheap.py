"""``astra-repeat-cheap``: elementwise operations that cost less than a place in memory are repeated for each reader.

Upstream's elementwise fusion moves a producer into its consumer only if it has no other, so ``x - mean``, which a batch
norm reads twice, would be written and read back.  Stands between ``astra-to-linalg`` and that fusion; what it does not
fuse, ``cse`` merges again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.linalg_rules.recompute import is_work
from astra_mlir.passes.memref_utils import byte_width

__all__ = ["RepeatCheap"]

CHEAP_OPERATIONS = 3  # a store and a load cost about as much
MOST_READERS = 8
LEAST_ELEMENTS = 4096  # smaller values stay in the first-level cache anyway


def _bytes(kind: ir.Type) -> int:
    return math.prod(kind.shape) * byte_width(kind.element_type)


def _is_cheap(op: ir.Operation) -> bool:
    """Whether a ``linalg.generic`` is elementwise, short, and reads no more memory than a load of its result would."""
    if len(op.results) != 1 or "reduction" in str(op.attributes["iterator_types"]):
        return False
    result = op.results[0]
    if math.prod(result.type.shape) < LEAST_ELEMENTS or is_work(result, CHEAP_OPERATIONS):
        return False
    inputs = op.attributes["operandSegmentSizes"][0]
    large = [
        _bytes(value.type)
        for value in list(op.operands)[:inputs]
        if isinstance(value.type, ir.RankedTensorType) and 8 * _bytes(value.type) > _bytes(result.type)
    ]
    identity = op.attributes["indexing_maps"][len(op.operands) - 1]
    same_order = all(
        op.attributes["indexing_maps"][i] == identity
        for i, value in enumerate(list(op.operands)[:inputs])
        if isinstance(value.type, ir.RankedTensorType) and 8 * _bytes(value.type) > _bytes(result.type)
    )
    return same_order and len(large) <= 1 and sum(large) <= _bytes(result.type)


def _readers(op: ir.Operation, block: ir.Block) -> list[ir.Operation] | None:
    """The linalg operations that read a value, ``None`` if anything else does or one is in another block."""
    readers: dict[ir.Operation, None] = {}
    for use in op.results[0].uses:
        reader = use.owner.operation
        if reader.name != "linalg.generic" or reader.block != block:
            return None
        if use.operand_number >= reader.attributes["operandSegmentSizes"][0]:
            return None
        readers[reader] = None
    return list(readers) if 1 < len(readers) <= MOST_READERS else None


def _repeat(block: ir.Block) -> None:
    for view in list(block.operations):
        op = view.operation
        if op.name == "linalg.generic":
            if _is_cheap(op) and (readers := _readers(op, block)):
                value = op.results[0]
                for reader in readers[1:]:
                    copy = op.clone(ir.InsertionPoint(reader)).results[0]
                    for i, operand in enumerate(reader.operands):
                        if operand == value:
                            reader.operands[i] = copy
            continue
        for region in op.regions:
            for nested in region.blocks:
                _repeat(nested)


@register_pass
@dataclass(frozen=True)
class RepeatCheap(Pass):
    """Give each reader of a cheap elementwise ``linalg.generic`` a copy of its own, which fusion moves into it.

    Before: ``%d = sub %x, %mean``, read by a sum of squares and by a product.
    After: two such differences.  A value is repeated if it is computed from at most one array of its size by at most
    three cheap operations, and only linalg operations of the same block read it.
    """

    name: ClassVar[str] = "astra-repeat-cheap"
    summary: ClassVar[str] = "repeat cheap elementwise operations for each of their readers"

    def run(self, module: ir.Operation) -> None:
        for op in module.regions[0].blocks[0].operations:
            if op.operation.name == "func.func":
                for block in op.operation.regions[0].blocks:
                    _repeat(block)
