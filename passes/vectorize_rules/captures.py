"""Regions on scalars that use batched values from outside: the values become operands, whose elements the region takes.

A comparator of a sort and a function of a scatter are called with elements of the operands; an operand that repeats
each application's value gives them that value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.traversal import replace_operands, walk
from astra_mlir.passes.vectorize_rules.core import Batcher, refuse

__all__ = ["captured", "copy_region", "repeated"]


def captured(op: ir.Operation, b: Batcher) -> list[ir.Value]:
    """The batched values from outside that an operation's regions use, all of them scalars."""
    found = dict.fromkeys(
        value
        for region in op.regions
        for block in region.blocks
        for nested in walk(block)
        for value in nested.operands
        if b.is_batched(value)
    )
    for value in found:
        if value.type.shape:
            refuse(op, f"its region uses a value from outside, {value.type}, that differs between applications; give "
                       "its elements as an operand")  # fmt: skip
    return list(found)


def repeated(value: ir.Value, shape: Sequence[int], dim: int, b: Batcher) -> ir.Value:
    """What stands for a batched scalar, repeated to a shape whose dimension ``dim`` is the batch."""
    return b.broadcast(b.front(b.environment[value]), shape, [dim])


Mapping = Callable[[Sequence[ir.Value]], dict[ir.Value, ir.Value]]


def copy_region(
    old: ir.Block, new: ir.Region, types: Sequence[ir.Type], mapping: Mapping, extra: Sequence[int], b: Batcher
) -> None:
    """Copy a block on scalars into an empty region that takes more arguments.

    ``mapping`` says, given the new arguments, what stands for the old ones and for what was used from outside; the new
    block yields the arguments numbered ``extra`` in addition.
    """
    block = new.blocks.append(*types, arg_locs=[b.loc] * len(types))
    arguments = list(block.arguments)
    values = b.values | mapping(arguments)
    *operations, end = (view.operation for view in old.operations)
    for op in operations:
        copy = op.clone(ip=ir.InsertionPoint(block)).operation
        replace_operands(copy, values)
        values.update(zip(op.results, copy.results, strict=True))
    with b.building_at(ir.InsertionPoint(block)):
        b.op("yield", [*(values[value] for value in end.operands), *(arguments[i] for i in extra)], ())
