"""Where tensor values live: the data that ``astra-bufferize`` keeps while it gives each of them a place.

A *root* is a byte buffer, a *buffer* a view of one, and a *scope* a block under conversion with the last use
of each value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from astra_mlir.bindings import ir
from astra_mlir.passes.memref_utils import byte_width
from astra_mlir.passes.read_first import read_first

__all__ = ["SMALL_BYTES", "Buffer", "Offset", "Root", "Scope", "bytes_of", "scope_of", "tied_operand"]

SMALL_BYTES = 256  # of a buffer that a loop may keep in registers: four of the widest target

Offset = ir.Value | int


@dataclass(eq=False)
class Root:
    """A byte buffer: an allocation, an argument, or the state of a loop."""

    value: ir.Value
    scope: Scope  # the block in which it may be overwritten
    writable: bool
    tensors: list[ir.Value] = field(default_factory=list)  # the tensor values that live in it


@dataclass(eq=False)
class Buffer:
    """Where one tensor value lives: a view of a root; ``offset`` is in bytes, ``None`` when not contiguous."""

    root: Root
    memref: ir.Value
    offset: Offset | None


@dataclass(eq=False)
class Scope:
    """One block under conversion, with the position of the last use of every value in it."""

    block: ir.Block
    operations: list[ir.Operation]  # as they were before the conversion; positions count these
    last_use: dict[ir.Value, int]
    position: int = 0


def bytes_of(tensor: ir.Type) -> int:
    """Bytes of a tensor of static shape."""
    return math.prod(tensor.shape) * byte_width(tensor.element_type)


def _collect_uses(op: ir.Operation, position: int, last_use: dict[ir.Value, int]) -> None:
    for operand in op.operands:
        last_use[operand] = position
    for region in op.regions:
        for block in region.blocks:
            for nested in block.operations:
                _collect_uses(nested.operation, position, last_use)


def scope_of(block: ir.Block) -> Scope:
    last_use: dict[ir.Value, int] = {}
    operations = list(read_first(block, [op.operation for op in block.operations]))
    for position, op in enumerate(operations):
        _collect_uses(op, position, last_use)
    return Scope(block, operations, last_use)


def tied_operand(result: ir.Value) -> ir.Value | None:
    """The destination operand whose buffer an operation's result takes over, if there is one."""
    op = result.owner.operation
    if op.name == "tensor.insert_slice":
        return op.operands[1]
    if op.name == "linalg.generic":
        return op.operands[op.attributes["operandSegmentSizes"][0] + result.result_number]
    if op.name == "astra.kernel_call":
        return op.operands[len(op.operands) - op.attributes["num_outs"].value + result.result_number]
    if op.name == "scf.for":
        return op.operands[3 + result.result_number]
    return None
