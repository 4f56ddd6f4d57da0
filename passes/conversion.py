"""The driver that import and export share: converting operations in place, one after another, by a table of rules.

Faster than a greedy pattern driver (about 5 us an operation that only changes its name), and it visits every operation
once: operands are converted when their user's rule runs, regions are converted when a rule moves them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place

__all__ = ["Converter", "Rule", "RuleTable", "refuse"]

# Builds what replaces an operation and returns the values that stand for its results; ``None`` leaves the operation
# until the whole function is converted, for rules of its users to look at.
Rule = Callable[[ir.Operation, Any], Sequence[ir.Value] | None]


class RuleTable:
    """Rules by operation name; operations that only change their name stand in a table of their own."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.renamed: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.rules or name in self.renamed

    def rename(self, source: str, target: str) -> None:
        """Convert ``source``, which has one result and no attributes that matter, to ``target``."""
        self._check_new(source)
        self.renamed[source] = target

    def rule(self, *names: str) -> Callable[[Rule], Rule]:
        """Decorator: make a rule known for the operations ``names``."""

        def register(function: Rule) -> Rule:
            for name in names:
                self._check_new(name)
                self.rules[name] = function
            return function

        return register

    def _check_new(self, name: str) -> None:
        if name in self:
            raise ValueError(f"two rules for {name}")


def refuse(op: ir.Operation, why: str) -> NoReturn:
    """Raise :class:`UnsupportedError` naming the operation and its place."""
    raise UnsupportedError(f"{source_place(op.location)}: '{op.operation.name}' cannot be converted: {why}")


class Converter:
    """Converts blocks in place; rules find in it where to build (:attr:`ip`) and with which location (:attr:`loc`)."""

    table: ClassVar[RuleTable]

    def __init__(self) -> None:
        self.ip: ir.InsertionPoint | None = None
        self.loc: ir.Location | None = None
        self._leftover: list[ir.Operation] = []

    def unknown(self, op: ir.Operation) -> None:
        """Called for operations without a rule, before their regions are converted; may refuse."""
        raise NotImplementedError

    def convert_block(self, block: ir.Block) -> None:
        """Convert all operations of a block, also those in nested regions."""
        for op in list(block.operations):
            self.convert(op)

    def convert(self, op: ir.Operation) -> Sequence[ir.Value]:
        """Convert one operation in place and return the values that replace its results."""
        name = op.name
        table = self.table
        target = table.renamed.get(name)
        if target is not None:
            results = op.results
            new = ir.Operation.create(
                target,
                results=[result.type for result in results],
                operands=list(op.operands),
                loc=op.location,
                ip=ir.InsertionPoint(op),
            )
            result = new.results[0]
            results[0].replace_all_uses_with(result)
            op.operation.erase()
            return (result,)
        rule = table.rules.get(name)
        if rule is None:
            self.unknown(op)
            for region in op.regions:
                for block in region.blocks:
                    self.convert_block(block)
            return op.results
        ip, loc = self.ip, self.loc
        self.ip, self.loc = ir.InsertionPoint(op), op.location
        values = rule(op, self)
        self.ip, self.loc = ip, loc
        if values is None:
            self._leftover.append(op)
            return ()
        for old, value in zip(op.results, values, strict=True):
            old.replace_all_uses_with(value)
        op.operation.erase()
        return values

    def move_region(self, source: ir.Region, target: ir.Region) -> None:
        """Move the blocks of a region and convert what is in them."""
        for block in list(source.blocks):
            block.append_to(target)
            self.convert_block(block)

    def finish(self) -> None:
        """Erase the operations that rules left behind."""
        for op in reversed(self._leftover):
            op.operation.erase()
        self._leftover.clear()
