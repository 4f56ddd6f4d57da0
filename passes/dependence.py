"""Which results of operations depend on given values, seen through regions: a loop's result depends on its own carry.

A sort's result depends on its own operand and on those that are compared.

Shared by passes that take programs apart (``astra-split``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.passes.simplify_rules.loops import Scan, While, only_block, used_values

__all__ = ["add_dependents", "dependent_results", "dependents_inside"]


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


def dependents_inside(op: ir.Operation, values: set[ir.Value]) -> set[ir.Value]:
    """``values`` and the block arguments of an ``if`` or loop that depend on them in some iteration."""
    inside = set(values)
    if op.name == "astra.scan":
        scan = Scan.of(op)
        found = _of_scan(op, values)
        inside.update(x for x, depends in zip(scan.carries, found, strict=False) if depends)
        inside.update(argument for argument, x in zip(scan.slices, scan.xs, strict=True) if x in values)
    elif op.name == "astra.while":
        parts, found = While.of(op), _of_while(op, values)
        for block in (parts.condition, parts.body):
            inside.update(x for x, depends in zip(block.arguments, found, strict=True) if depends)
    return inside


def _of_scan(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    parts = Scan.of(op)
    read = {argument for argument, x in zip(parts.slices, parts.xs, strict=True) if x in values}
    return _fixed_point(parts.carries, parts.inits, parts.body, values | read)


def _of_while(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    parts = While.of(op)
    found = _fixed_point(list(parts.body.arguments), parts.inits, parts.body, values)
    tested = values | {x for x, depends in zip(parts.condition.arguments, found, strict=True) if depends}
    return [True] * len(found) if any(_yielded(parts.condition, tested)) else found


def _of_sort(op: ir.Operation, values: set[ir.Value]) -> list[bool]:
    operands = list(op.operands)
    if value_of(op, "kind") == "custom":
        comparator = only_block(op.regions[0])
        scalars = zip(comparator.arguments, (x for x in operands for _ in range(2)), strict=True)
        moved = any(_yielded(comparator, values | {scalar for scalar, x in scalars if x in values}))
    else:
        moved = any(x in values for x in operands[: value_of(op, "num_keys", 1)])
    return [moved or x in values for x in operands]


# No rule for barriers: what is behind one waits for all that is in front, so a checkpoint computes again late.
_RULES = {
    "astra.if": _of_if,
    "astra.scan": _of_scan,
    "astra.sort": _of_sort,
    "astra.while": _of_while,
}
