"""Simplification rules: branches and loops whose course is known, and what need not be inside of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, build, elements, int_list, value_of
from astra_mlir.passes.simplify_rules.core import CHANGED, FREE, UNIQUE, Replacement, Rewriter, defining, rule
from astra_mlir.passes.simplify_rules.folding import evaluate
from astra_mlir.passes.simplify_rules.loops import (
    Scan,
    While,
    only_block,
    rebuild_scan,
    rebuild_while,
    used_values,
)
from astra_mlir.passes.traversal import replace_operands


def _inline_block(block: ir.Block, op: ir.Operation) -> list[ir.Value]:
    """Move a region's operations in front of ``op``; what the region yields."""
    *body, terminator = [view.operation for view in block.operations]
    for nested in body:
        nested.move_before(op)
    return list(terminator.operands)


def _inside(value: ir.Value, block: ir.Block) -> bool:
    """Whether a value that is visible in ``block`` belongs to it, rather than to an enclosing block."""
    owner = value.owner
    return (owner if isinstance(owner, ir.Block) else owner.operation.block) == block


# --- if ----------------------------------------------------------------------------------------------------------


@rule("if")
def if_known(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A branch on a constant is the branch taken."""
    known = rw.splat_of(op.operands[0])
    if known is None:
        return None
    return _inline_block(only_block(op.regions[0 if known else 1]), op)


@rule("if")
def if_result_known(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Results that no branch decides, and unused ones, are left out."""
    blocks = [only_block(region) for region in op.regions]
    ends = [block.operations[len(block.operations) - 1].operation for block in blocks]
    values = list(zip(*(list(end.operands) for end in ends), strict=True))
    replaced: list[ir.Value | None] = [None] * len(values)
    kept = []
    for i, (on_true, on_false) in enumerate(values):
        if on_true == on_false:
            replaced[i] = on_true
        elif _same_constant(on_true, on_false, rw):
            replaced[i] = rw.build("constant", (), on_true.type, value=rw.attribute(on_true))
        elif next(iter(op.results[i].uses), None) is not None:
            kept.append(i)
    if len(kept) == len(values) or not values:
        return None
    new = rw.op("if", op.operands, [op.results[i].type for i in kept])
    for block, end, region in zip(blocks, ends, new.regions, strict=True):
        ir.Operation.create(
            "astra.yield", operands=[end.operands[i] for i in kept], loc=end.location, ip=ir.InsertionPoint(end)
        )
        end.erase()
        block.append_to(region)
    for i, result in zip(kept, new.results, strict=True):
        replaced[i] = result
    return replaced


def _same_constant(a: ir.Value, b: ir.Value, rw: Rewriter) -> bool:
    first, second = rw.attribute(a), rw.attribute(b)
    return first is not None and second is not None and first == second


# --- sorts ---------------------------------------------------------------------------------------------------------


@rule("sort")
def sort_unused(op: ir.Operation, rw: Rewriter) -> Replacement:
    """What is moved along but neither compared nor used afterwards is left out."""
    custom = value_of(op, "kind") == "custom"
    comparator = only_block(op.regions[0]) if custom else None
    arguments = [] if comparator is None else list(comparator.arguments)

    def compared(i: int) -> bool:
        if comparator is None:
            return i < value_of(op, "num_keys", 1)
        return any(next(iter(argument.uses), None) is not None for argument in arguments[2 * i : 2 * i + 2])

    kept = [i for i in range(len(op.results)) if _used(op, i) or compared(i)]
    if len(kept) == len(op.results) or not kept:
        return None
    attributes = {name: value_of(op, name) for name in ("dimension", "is_stable", "kind", "num_keys")}
    new = rw.op(
        "sort", [op.operands[i] for i in kept], [op.results[i].type for i in kept],
        **{name: value for name, value in attributes.items() if value is not None},
    )  # fmt: skip
    if comparator is not None:
        for i in reversed(range(len(op.results))):
            if i not in kept:
                comparator.erase_argument(2 * i + 1)
                comparator.erase_argument(2 * i)
        comparator.append_to(new.regions[0])
    results: list[ir.Value | None] = [None] * len(op.results)
    for i, result in zip(kept, new.results, strict=True):
        results[i] = result
    return results


# --- loops that run never or once ----------------------------------------------------------------------------------


@rule("while")
def while_never(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A while whose condition is false for the initial values is those values."""
    parts = While.of(op)
    known: dict[ir.Value, np.ndarray] = {}
    for argument, init in zip(parts.condition.arguments, parts.inits, strict=True):
        splat = rw.splat_of(init) if rw.info(init).rank == 0 else None
        if splat is not None:
            known[argument] = np.asarray(splat)
    for view in parts.condition.operations:
        nested = view.operation
        found = (known[v] if v in known else _scalar(v, rw) for v in nested.operands)
        values = [value for value in found if value is not None]
        if nested.name == "astra.yield":
            return parts.inits if values and not values[0] else None
        if len(values) < len(nested.operands) or nested.name not in _EVALUATED:
            continue
        if all(rw.info(v).rank == 0 for v in nested.operands):
            infos = [rw.info(v) for v in nested.operands]
            result = evaluate(nested, rw, list(zip(values, infos, strict=True)))
            if result is not None:
                known[nested.results[0]] = result
    return None


_EVALUATED = frozenset(
    f"astra.{n}"
    for n in ("compare", "add", "subtract", "multiply", "and", "or", "xor", "not", "convert", "select", "negate")
)


def _scalar(value: ir.Value, rw: Rewriter) -> np.ndarray | None:
    splat = rw.splat_of(value) if rw.info(value).rank == 0 else None
    return None if splat is None else np.asarray(splat)


@rule("scan")
def scan_never_or_once(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A scan of no iterations is its initial values; one of a single iteration is its body."""
    parts = Scan.of(op)
    if parts.trip_count == 0:
        stacked = op.results[len(parts.inits) :]
        empty = [rw.build("constant", (), r.type, value=ir.Attribute.parse(f"dense<> : {r.type}")) for r in stacked]
        return [*parts.inits, *empty]
    if parts.trip_count != 1:
        return None
    parts.index.replace_all_uses_with(rw.splat(0, parts.index.type))
    for argument, init in zip(parts.carries, parts.inits, strict=True):
        argument.replace_all_uses_with(init)
    for argument, x in zip(parts.slices, parts.xs, strict=True):
        argument.replace_all_uses_with(rw.build("reshape", (x,), argument.type))
    values = _inline_block(parts.body, op)
    results = op.results
    for i in range(len(parts.inits), len(values)):
        values[i] = rw.build("reshape", (values[i],), results[i].type)
    return values


# --- carries -------------------------------------------------------------------------------------------------------


def _forward_invariants(
    arguments: Sequence[Sequence[ir.Value]], inits: Sequence[ir.Value], yields: Sequence[ir.Value]
) -> list[int]:
    """Carries that never change; their block arguments are replaced by the initial values."""
    unchanged = []
    for i, (value, init) in enumerate(zip(yields, inits, strict=True)):
        if value == init or value == arguments[-1][i]:
            unchanged.append(i)
            for group in arguments:
                group[i].replace_all_uses_with(init)
    return unchanged


def _duplicates(
    arguments: Sequence[Sequence[ir.Value]], inits: Sequence[ir.Value], yields: Sequence[ir.Value], unchanged: list[int]
) -> dict[int, int]:
    """Carries that always equal an earlier one; their block arguments are replaced by the earlier one's.

    Those that never change are left out: their own block arguments are about to go.
    """
    first: dict[tuple[ir.Value, ir.Value], int] = {}
    same = {}
    for i, pair in enumerate(zip(inits, yields, strict=True)):
        if i in unchanged:
            continue
        earlier = first.setdefault(pair, i)
        if earlier != i:
            same[i] = earlier
            for group in arguments:
                group[i].replace_all_uses_with(group[earlier])
    return same


def _dead(
    body: ir.Block, arguments: Sequence[ir.Value], yields: Sequence[ir.Value], live: set[int], roots: Iterable[ir.Value]
) -> list[int]:
    """Carries that nothing live depends on, given those that are live and further values that are needed."""
    position = {argument: i for i, argument in enumerate(arguments)}
    pending = [*(yields[i] for i in live), *roots]
    seen: set[ir.Value] = set()
    for view in body.operations:  # what has a side effect is needed
        definition = OPS.get(view.operation.name)
        if definition is None or not (definition.pure or definition.terminator):
            pending.extend(used_values(view.operation))
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if value in position:
            i = position[value]
            if i not in live:
                live.add(i)
                pending.append(yields[i])
            continue
        owner = value.owner
        if not isinstance(owner, ir.Block) and owner.operation.block == body:
            pending.extend(used_values(owner.operation))
    return [i for i in range(len(arguments)) if i not in live]


def _used(op: ir.Operation, number: int) -> bool:
    return next(iter(op.results[number].uses), None) is not None


@rule("while")
def while_carries(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Carries that never change, that equal another one, or that nothing depends on are left out."""
    parts = While.of(op)
    arguments = [list(parts.condition.arguments), list(parts.body.arguments)]
    unchanged = _forward_invariants(arguments, parts.inits, parts.yields)
    parts.refresh()
    same = _duplicates(arguments, parts.inits, parts.yields, unchanged)
    parts.refresh()
    tested = {i for i, argument in enumerate(arguments[0]) if next(iter(argument.uses), None) is not None}
    live = {same.get(i, i) for i in range(len(parts.inits)) if _used(op, i)} | tested
    dead = _dead(parts.body, arguments[1], parts.yields, live, ()) if len(live) < len(parts.inits) else []
    dropped = {*unchanged, *same, *dead}
    if not dropped:
        return None
    results = rebuild_while(parts, rw, [i for i in range(len(parts.inits)) if i not in dropped])
    for i in unchanged:
        results[i] = parts.inits[i]
    for i, earlier in same.items():
        results[i] = results[earlier]
    return results


@rule("scan")
def scan_carries(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Carries as in a while; inputs and stacked results that are unused, repeated, or equal in all iterations."""
    parts = Scan.of(op)
    count = len(parts.inits)
    unchanged = _forward_invariants([parts.carries], parts.inits, parts.yields)
    parts.refresh()
    same = _duplicates([parts.carries], parts.inits, parts.yields, unchanged)
    parts.refresh()
    results: list[ir.Value | None] = [None] * len(op.results)
    stacked: list[int] = []
    for i, value in enumerate(parts.elements):
        outside = _outside(value, parts.body, rw)
        if outside is not None:
            info, number = rw.info(op.results[count + i]), count + i
            results[number] = rw.build("broadcast", (outside,), info.type, dimensions=range(1, info.rank))
        elif _used(op, count + i):
            repeated = next((k for k in stacked if parts.elements[k] == value), None)
            if repeated is None:
                stacked.append(i)
            else:
                op.results[count + i].replace_all_uses_with(op.results[count + repeated])
    live = {same.get(i, i) for i in range(count) if _used(op, i)}
    roots = [parts.elements[i] for i in stacked]
    dead = _dead(parts.body, parts.carries, parts.yields, live, roots) if len(live) < count else []
    xs: dict[ir.Value, ir.Value] = {}
    for x, argument in zip(parts.xs, parts.slices, strict=True):
        if next(iter(argument.uses), None) is None or _invariant_input(x, argument, parts, rw):
            continue
        if x in xs:
            argument.replace_all_uses_with(xs[x])
        else:
            xs[x] = argument
    dropped = {*unchanged, *same, *dead}
    if not dropped and len(xs) == len(parts.xs) and len(stacked) == len(parts.elements):
        return None
    parts.refresh()
    new = rebuild_scan(
        parts, rw, carries=[i for i in range(count) if i not in dropped], xs=list(xs.items()),
        elements=[(count + i, parts.elements[i]) for i in stacked],
    )  # fmt: skip
    results = [known if known is not None else value for known, value in zip(results, new, strict=True)]
    for i in unchanged:
        results[i] = parts.inits[i]
    for i, earlier in same.items():
        results[i] = results[earlier]
    return results


def _outside(value: ir.Value, body: ir.Block, rw: Rewriter) -> ir.Value | None:
    """The same value outside of the loop: one from an enclosing block, or a copy of a constant."""
    if not _inside(value, body):
        return value
    attribute = rw.attribute(value)
    return None if attribute is None else rw.build("constant", (), value.type, value=attribute)


def _invariant_input(x: ir.Value, argument: ir.Value, parts: Scan, rw: Rewriter) -> bool:
    """Replace an input whose slices need no memory: broadcast along the iterations, or counting them."""
    made = defining(x)
    if made is None:
        return False
    type = argument.type
    made_of: tuple[str, tuple[ir.Value, ...], dict[str, Any]]
    splat = rw.splat_of(x)
    if splat is not None:
        made_of = ("constant", (), {"value": elements.splat(type, splat)})
    elif made.name == "astra.broadcast" and len(made.operands) == 1 and rw.info(argument).static:
        operand, dimensions = made.operands[0], int_list(made, "dimensions")
        if 0 in dimensions:
            position, shape = dimensions.index(0), rw.info(operand).shape
            if shape[position] != 1:
                return False
            operand = rw.reshape(operand, [n for i, n in enumerate(shape) if i != position])
        made_of = ("broadcast", (operand,), {"dimensions": [d - 1 for d in dimensions if d != 0]})
    elif made.name == "astra.iota" and rw.info(x).rank == 1 and not parts.reverse and rw.info(x).kind in "iuf":
        made_of = ("convert", (parts.index,), {})
    else:
        return False
    name, operands, attributes = made_of
    ip = ir.InsertionPoint.at_block_begin(parts.body)
    new = build(name, operands, (type,), loc=parts.op.location, ip=ip, **attributes)
    argument.replace_all_uses_with(new.results[0])
    return True


# --- invariant operations ------------------------------------------------------------------------------------------


@rule("while", "scan")
def hoist_invariants(op: ir.Operation, rw: Rewriter) -> Replacement:
    """What a loop computes anew from values that never change is computed once, in front of it.

    Operations that cost nothing where they are used (broadcasts, splats, iota) go along only where something that is
    hoisted needs them: in front of the loop they would take memory.
    """
    changed = False
    for region in op.regions:
        changed |= _hoist_from(only_block(region), op, rw)
    return CHANGED if changed else None


def _hoist_from(block: ir.Block, loop: ir.Operation, rw: Rewriter) -> bool:
    varying = set(block.arguments)
    invariant: list[ir.Operation] = []
    for view in block.operations:
        op = view.operation
        definition = OPS.get(op.name)
        fixed = definition is not None and definition.pure and op.name not in UNIQUE
        if fixed and not any(value in varying for value in used_values(op)):
            invariant.append(op)
        else:
            varying.update(op.results)
    hoisted: list[ir.Operation] = []
    needed: set[ir.Value] = set()
    for op in reversed(invariant):
        if not _stays(op, rw) or any(result in needed for result in op.results):
            hoisted.append(op)
            needed.update(used_values(op))
    if not hoisted:
        return False
    moved: dict[ir.Value, ir.Value] = {}
    for op in reversed(hoisted):
        if _stays(op, rw):
            copy = op.clone(ip=ir.InsertionPoint(loop)).operation
            for old, new in zip(op.results, copy.results, strict=True):
                moved[old] = new
            op = copy
        else:
            op.move_before(loop)
        replace_operands(op, moved)
    return True


def _stays(op: ir.Operation, rw: Rewriter) -> bool:
    """Whether an invariant operation is better off in the loop unless something hoisted needs it."""
    if op.name not in FREE:
        return False
    if op.name == "astra.constant":
        value = op.attributes["value"]
        return elements.is_splat(value) or rw.info(op.results[0]).rank == 0
    return True
