"""Merging loops and branches that compute the same, but not all of the same results.

Part of ``astra-expand-transforms``.  The value of a function and its derivative, asked for separately (``out, pull_back
= astra.vjp(f, x)``), each run the loops of ``f``, one for its results and one for residuals, so the two are not equal
as wholes and ``astra-simplify`` keeps both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, value_of
from astra_mlir.passes.simplify_rules.loops import used_values
from astra_mlir.passes.traversal import replace_operands, walk

__all__ = ["merge_runs"]

_MERGED = ("astra.scan", "astra.if")


def merge_runs(block: ir.Block) -> bool:
    """Merge loops, and branches, of a block that have the same operands and a computation in common; whether any have.

    Two loops have if they carry the same values, two branches if they have a result in common.  What the bodies have in
    common is there twice afterwards, for ``simplify`` to merge.
    """
    changed = False
    groups: dict[Any, list[ir.Operation]] = defaultdict(list)
    for view in block.operations:
        op = view.operation
        for region in op.regions:
            for inner in region.blocks:
                changed |= merge_runs(inner)
        if op.name in _MERGED and all(x.name in OPS and (OPS[x.name].pure or _is_end(x)) for x in _inside(op)):
            groups[op.name, tuple(op.operands), tuple(op.attributes.items())].append(op)
    for group in groups.values():
        if len(group) > 1:
            changed |= _merge_group(group, block)
    return changed


def _inside(op: ir.Operation) -> list[ir.Operation]:
    return [inner for region in op.regions for block in region.blocks for inner in walk(block)]


def _is_end(op: ir.Operation) -> bool:
    return OPS[op.name].terminator


@dataclass
class _Numbers:
    """Numbers for expressions, the same for equal ones in any of the bodies that are compared."""

    known: dict[Any, int] = field(default_factory=dict)

    def of_results(self, op: ir.Operation) -> list[tuple[int, ...]]:
        """For each result the numbers of what the regions yield for it."""
        yields = [self._block(block, {}, position) for position, block in _blocks(op)]
        return list(zip(*yields, strict=True))

    def _number(self, key: Any) -> int:
        return self.known.setdefault(key, len(self.known))

    def _block(self, block: ir.Block, local: dict[ir.Value, int], path: Any) -> list[int]:
        """Numbers of what a block yields; ``path`` says which block of which operation its arguments are of."""
        for i, argument in enumerate(block.arguments):
            local[argument] = self._number(("argument", path, i, str(argument.type)))
        for view in block.operations:
            op = view.operation
            operands = tuple(local.get(v, v) for v in op.operands)
            if _is_end(op):
                return [local[v] if v in local else self._number(v) for v in op.operands]
            yields = [self._block(inner, dict(local), (path, operands, position)) for position, inner in _blocks(op)]
            carries = _carries(op)
            # A result of a loop depends on what is carried and on what is yielded for it, not on the other results.
            run = [tuple(values[:carries] if op.name in _MERGED else values) for values in yields]
            key = (op.name, operands, tuple(op.attributes.items()), tuple(run))
            for i, result in enumerate(op.results):
                own = tuple(values[i] for values in yields) if op.name in _MERGED else ()
                which = i if i < carries or op.name not in _MERGED else -1
                local[result] = self._number((key, own, which, str(result.type)))
        raise AssertionError("a block ends in a terminator")


def _carries(op: ir.Operation) -> int:
    """How many results are the last of values that a loop carries."""
    return int(value_of(op, "num_carries")) if op.name == "astra.scan" else 0


def _blocks(op: ir.Operation) -> list[tuple[int, ir.Block]]:
    return [(i, block) for i, region in enumerate(op.regions) for block in region.blocks]


def _merge_group(group: list[ir.Operation], block: ir.Block) -> bool:
    """Merge what can be of operations with equal operands and attributes, each into one before it."""
    numbers = _Numbers()
    carries = _carries(group[0])
    kept: list[ir.Operation] = []
    for op in group:
        keys = numbers.of_results(op)
        for i, first in enumerate(kept):
            first_keys = numbers.of_results(first)
            # Carried values are those of the last iteration, the others of all: equal expressions, different results.
            shared = carries or set(keys) & set(first_keys)
            if keys[:carries] != first_keys[:carries] or not shared or _is_late(op, first, block):
                continue
            kept[i] = _merge(first, op, first_keys, keys, carries)
            break
        else:
            kept.append(op)
    return len(kept) < len(group)


def _merge(
    first: ir.Operation, second: ir.Operation, first_keys: Sequence[Any], second_keys: Sequence[Any], carries: int
) -> ir.Operation:
    """One operation in the place of ``first`` with the results of both; gives it."""
    place = {key: i for i, key in reversed(list(enumerate(first_keys))) if i >= carries}
    more = [i for i in range(carries, len(second_keys)) if second_keys[i] not in place]
    place |= {second_keys[i]: len(first_keys) + n for n, i in reversed(list(enumerate(more)))}
    types = [x.type for x in first.results] + [second.results[i].type for i in more]
    attributes = dict(first.attributes.items())
    merged = ir.Operation.create(
        first.name, results=types, operands=list(first.operands), attributes=attributes, regions=len(first.regions),
        loc=first.location, ip=ir.InsertionPoint(first),
    )  # fmt: skip
    for (number, one), (_, other) in zip(_blocks(first), _blocks(second), strict=True):
        types = [x.type for x in one.arguments]
        body = merged.regions[number].blocks.append(*types, arg_locs=[first.location] * len(types))
        yields = [_copy(part, body) for part in (one, other)]
        operands = [*yields[0], *(yields[1][i] for i in more)]
        ir.Operation.create("astra.yield", operands=operands, loc=first.location, ip=ir.InsertionPoint(body))
    for i, result in enumerate(list(first.results)):
        result.replace_all_uses_with(merged.results[i])
    for i, result in enumerate(list(second.results)):
        result.replace_all_uses_with(merged.results[i if i < carries else place[second_keys[i]]])
    first.erase()
    second.erase()
    return merged


def _copy(block: ir.Block, body: ir.Block) -> list[ir.Value]:
    """Copy the operations of ``block`` to the end of ``body``, whose arguments it takes; gives what it yields."""
    mapping: dict[ir.Value, ir.Value] = dict(zip(block.arguments, body.arguments, strict=True))
    for view in block.operations:
        op = view.operation
        if _is_end(op):
            return [mapping.get(x, x) for x in op.operands]
        copy = op.clone(ip=ir.InsertionPoint(body)).operation
        replace_operands(copy, mapping)
        mapping.update(zip(op.results, copy.results, strict=True))
    raise AssertionError("a block ends in a terminator")


def _is_late(op: ir.Operation, first: ir.Operation, block: ir.Block) -> bool:
    """Whether ``op`` uses a value that is computed behind ``first``."""
    positions = {view.operation: i for i, view in enumerate(block.operations)}
    owners = (value.owner for value in used_values(op) if not isinstance(value.owner, ir.Block))
    return any(positions.get(owner.operation, -1) >= positions[first] and owner.operation != op for owner in owners)
