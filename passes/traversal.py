"""Walking nested operations, and replacing what they use: shared by passes of every stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from astra_mlir.bindings import ir

__all__ = ["replace_operands", "replace_operation", "walk"]


def walk(block: ir.Block) -> Iterator[ir.Operation]:
    """Every operation in a block, regions included."""
    for view in block.operations:
        op = view.operation
        yield op
        if len(op.regions):
            for region in op.regions:
                for nested in region.blocks:
                    yield from walk(nested)


def replace_operands(op: ir.Operation, mapping: Mapping[ir.Value, ir.Value]) -> None:
    """Make an operation, regions included, use the values that ``mapping`` gives for those it used."""
    operands = op.operands
    for i, value in enumerate(operands):
        new = mapping.get(value)
        if new is not None:
            operands[i] = new
    if len(op.regions):
        for region in op.regions:
            for block in region.blocks:
                for nested in block.operations:
                    replace_operands(nested.operation, mapping)


def replace_operation(op: ir.Operation, results: Sequence[ir.Value]) -> None:
    """Let ``results`` take the place of an operation's, and erase it."""
    for old, new in zip(op.results, results, strict=True):
        old.replace_all_uses_with(new)
    op.erase()
