"""Reads of an array's parts go before the updates of it: part of ``astra-bufferize``, before a block has places.

An update may be in place only where nothing reads the old contents later.  Of a few elements, as a program that swaps
two of them reads, the old contents are read first and copied, which costs less than a copy of the array.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.memref_utils import byte_width

__all__ = ["is_read_before_update", "read_first"]

_FEW_BYTES = 4096  # a page: what is copied stays in the first cache


def read_first(block: ir.Block, operations: Sequence[ir.Operation]) -> Sequence[ir.Operation]:
    """Move reads of few elements before the first update of the array that they read; the block's operations."""
    moved = False
    for update in operations:
        if update.name not in _UPDATES:
            continue
        for use in [use for destination in _destinations(update) for use in destination.uses]:
            read = use.owner.operation
            if (
                _is_small_read(read)
                and read.block == block
                and update.is_before_in_block(read)
                and all(_is_known(value, update) for value in list(read.operands)[1:])
            ):
                read.move_before(update)
                moved = True
    return [op.operation for op in block.operations] if moved else operations


_UPDATES = ("tensor.insert_slice", "astra.kernel_call")  # scatters are calls


def _destinations(update: ir.Operation) -> list[ir.Value]:
    if update.name == "tensor.insert_slice":
        return [update.operands[1]]
    return list(update.operands)[len(update.operands) - update.attributes["num_outs"].value :]


def _is_small_read(op: ir.Operation) -> bool:
    if op.name == "tensor.extract":
        return True
    if op.name != "tensor.extract_slice":
        return False
    size = byte_width(op.results[0].type.element_type)
    for count in op.attributes["static_sizes"]:
        size *= count
    return 0 <= size <= _FEW_BYTES  # one that is not known is negative, and refused later


def _is_known(value: ir.Value, before: ir.Operation) -> bool:
    """Whether a value is there at an operation."""
    if isinstance(value.owner, ir.Block) or value.owner.operation.block != before.block:
        return True
    return value.owner.operation.is_before_in_block(before)


def is_read_before_update(read: ir.Operation) -> bool:
    """Whether an array is updated in parts, in a branch perhaps, while a view of few elements of it is looked at."""
    if not _is_small_read(read):
        return False
    source, block = read.operands[0], read.block
    changing = [use.owner.operation for use in source.uses if use.owner.operation.name in _UPDATES]
    updates = [_within(block, op) for op in changing if source in _destinations(op)]
    updates = [op for op in updates if op is not None and read.is_before_in_block(op)]
    users = [_within(block, use.owner.operation) for use in read.results[0].uses] if updates else []
    return any(user == op or op.is_before_in_block(user) for op in updates for user in users)


def _within(block: ir.Block, op: ir.Operation) -> ir.Operation | None:
    """The operation of a block that another one is, or is in."""
    while op.block != block:
        op = op.parent
        if op.name == "func.func":
            return None
    return op
