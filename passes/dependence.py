"""Which results of operations depend on given values, seen through regions: a loop's result depends on its own carry.

Shared by passes that take programs apart (``astra-split``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.simplify_rules.loops import Scan, While, only_block, used_values

__all__ = ["add_dependents", "dependent_results"]


def add_dependents(operations: Iterable[ir.Operation], values: set[ir.Value]) -> None:
    """Add to ``values`` the results of operations, in order, that depend on a value in it."""
    for op in operations:
        values.update(result for result, found in zip(op.results, dependent_results(op, values), strict=True) if found)


def dependent_results(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    """For each result of an operation, whether it depends on one of ``values``."""
    if not any(value in values for value in used_values(op)):
        return [False] * len(op.results)
    rule = _RULES.get(op.name)
    return [True] * len(op.results) if rule is None else rule(op, values)


def _yielded(block: ir.Block, values: set[ir.Value]) -> list[bool]:
    """Whether each value that a block yields depends on ``values``, to which those of the block are added."""
    *operations, end = (view.operation for view in block.operations)
    add_dependents(operations, values)
    return [value in values for value in end.operands]


def _of_if(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    if op.operands[0] in values:
        return [True] * len(op.results)
    branches = [_yielded(only_block(region), set(values)) for region in op.regions]
    return [any(found) for found in zip(*branches, strict=True)]


def _fixed_point(
    carries: Sequence[ir.Value], inits: Sequence[ir.Value], body: ir.Block, values: set[ir.Value]
) -> list[bool]:
    """Whether what a loop's body yields depends on ``values`` in any iteration: first the carries, then the rest."""
    found = [init in values for init in inits]
    while True:
        inside = values | {carry for carry, depends in zip(carries, found, strict=True) if depends}
        yielded = _yielded(body, inside)
        more = [a or b for a, b in zip(found, yielded, strict=False)]
        if more == found:
            return [*found, *yielded[len(found) :]]
        found = more


def _of_scan(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    parts = Scan.of(op)
    read = {argument for argument, x in zip(parts.slices, parts.xs, strict=True) if x in values}
    return _fixed_point(parts.carries, parts.inits, parts.body, values | read)


def _of_while(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    parts = While.of(op)
    found = _fixed_point(list(parts.body.arguments), parts.inits, parts.body, values)
    tested = values | {x for x, depends in zip(parts.condition.arguments, found, strict=True) if depends}
    return [True] * len(found) if any(_yielded(parts.condition, tested)) else found


_RULES = {"astra.if": _of_if, "astra.scan": _of_scan, "astra.while": _of_while}
