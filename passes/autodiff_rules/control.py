"""Derivatives of control flow.

Forward mode widens the operation: tangents are carried, read, stacked and given beside the values.  Reverse mode keeps
the forward operation, gives it one more result for each residual, and builds a second operation that runs backwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.autodiff_rules import residuals
from astra_mlir.passes.autodiff_rules.core import Emitter, refuse, structured_jvp, structured_vjp
from astra_mlir.passes.autodiff_rules.engine import Forward, Reverse, operations_of, terminator_of, varied_values
from astra_mlir.passes.inline import copy_body
from astra_mlir.passes.raise_loops import iteration_bound
from astra_mlir.passes.simplify_rules.loops import Scan, While, only_block, used_values
from astra_mlir.passes.traversal import replace_operation

MaybeValue = ir.Value | None
Contributions = Sequence[tuple[ir.Value, MaybeValue]]


def _yield(block: ir.Block, values: Sequence[ir.Value], location: ir.Location) -> None:
    """End a block with these values, in place of the terminator that it may have."""
    if len(block.operations) and terminator_of(block).name == "astra.yield":
        terminator_of(block).erase()
    ir.Operation.create("astra.yield", operands=list(values), loc=location, ip=ir.InsertionPoint(block))


def _new_block(types: Sequence[ir.Type], location: ir.Location, b: Emitter) -> tuple[ir.Block, ir.Operation]:
    """A block with arguments, and the operation that holds it until it is appended to its region."""
    holder = ir.Operation.create("astra.scan", regions=1, loc=location, ip=b.place[0])
    return ir.Block.create_at_start(holder.regions[0], list(types), [location] * len(types)), holder


def _stacked(type: ir.RankedTensorType, count: int) -> ir.RankedTensorType:
    return ir.RankedTensorType.get([count, *type.shape], type.element_type)


# --- forward mode ----------------------------------------------------------------------------------------------------


@structured_jvp("if")
def _if_jvp(op: ir.Operation, engine: Forward) -> None:
    b, place = engine.b, engine.b.place
    blocks = [only_block(region) for region in op.regions]
    for block in blocks:
        engine.block(block)
    yields = [list(terminator_of(block).operands) for block in blocks]
    active = [
        i for i, values in enumerate(zip(*yields, strict=True)) if any(value in engine.tangents for value in values)
    ]
    for block, values in zip(blocks, yields, strict=True):
        b.before(terminator_of(block))
        _yield(block, [*values, *(engine.tangent(values[i]) for i in active)], op.location)
    b.return_to(place)
    types = [result.type for result in op.results]
    new = b.op("if", list(op.operands), [*types, *(types[i] for i in active)])
    for block, region in zip(blocks, new.regions, strict=True):
        block.append_to(region)
    results = list(new.results)
    replace_operation(op, results[: len(types)])
    engine.tangents.update(zip((results[i] for i in active), results[len(types) :], strict=True))


def _active_carries(
    inits: Sequence[ir.Value], carries: Sequence[ir.Value], seeds: Sequence[ir.Value], yields: Sequence[ir.Value],
    body: ir.Block, outer: dict[ir.Value, ir.Value] | set[ir.Value],
) -> list[int]:  # fmt: skip
    """Which carried values of a loop vary: those that do at first, or in some iteration."""
    active = [i for i, init in enumerate(inits) if init in outer and is_inexact(init.type)]
    while True:
        varied = {*(carries[i] for i in active), *seeds}
        varied_values(operations_of(body), varied, outer)
        found = [
            i for i, value in enumerate(yields)
            if i in active or (is_inexact(value.type) and (value in varied or value in outer))
        ]  # fmt: skip
        if found == active:
            return active
        active = found


@structured_jvp("scan")
def _scan_jvp(op: ir.Operation, engine: Forward) -> None:
    b, tangents = engine.b, engine.tangents
    place, parts = b.place, Scan.of(op)
    count = len(parts.inits)
    read = [i for i, x in enumerate(parts.xs) if x in tangents]
    seeds = [parts.slices[i] for i in read]
    active = _active_carries(parts.inits, parts.carries, seeds, parts.yields, parts.body, tangents)
    inits = [*parts.inits, *(engine.tangent(parts.inits[i]) for i in active)]
    xs = [*parts.xs, *(tangents[parts.xs[i]] for i in read)]

    # The body again, with arguments for the tangents of carries between carries and slices.
    old = [parts.index, *parts.carries, *parts.slices]
    block, holder = _new_block(
        [parts.index.type, *(x.type for x in inits), *(x.type for x in parts.slices), *(x.type for x in seeds)],
        op.location, b,
    )  # fmt: skip
    new = list(block.arguments)
    of_carries = new[1 + count : 1 + len(inits)]
    slices, of_slices = new[1 + len(inits) :][: len(parts.xs)], new[1 + len(inits) + len(parts.xs) :]
    for argument, replacement in zip(old, [*new[: 1 + count], *slices], strict=True):
        argument.replace_all_uses_with(replacement)
    for view in list(parts.body.operations):
        block.append(view.operation)
    tangents.update((new[1 + i], t) for i, t in zip(active, of_carries, strict=True))
    tangents.update((slices[i], t) for i, t in zip(read, of_slices, strict=True))
    engine.block(block)

    values = list(terminator_of(block).operands)
    b.before(terminator_of(block))
    written = [i for i, value in enumerate(values[count:]) if value in tangents]
    next_tangents = [engine.tangent(values[i]) for i in active]
    elements = [tangents[values[count + i]] for i in written]
    _yield(block, [*values[:count], *next_tangents, *values[count:], *elements], op.location)
    b.return_to(place)
    types = [result.type for result in op.results]
    made = b.op(
        "scan", [*inits, *xs], [*types[:count], *(types[i] for i in active), *types[count:],
        *(_stacked(element.type, parts.trip_count) for element in elements)],
        trip_count=parts.trip_count, num_carries=len(inits), reverse=parts.reverse,
    )  # fmt: skip
    block.append_to(made.regions[0])
    holder.erase()
    results = list(made.results)
    stacked = results[len(inits) :][: len(types) - count]
    replace_operation(op, [*results[:count], *stacked])
    tangents.update(zip((results[i] for i in active), results[count : len(inits)], strict=True))
    tangents.update(zip((stacked[i] for i in written), results[len(inits) + len(stacked) :], strict=True))


@structured_jvp("while")
def _while_jvp(op: ir.Operation, engine: Forward) -> None:
    b, tangents = engine.b, engine.tangents
    place, parts = b.place, While.of(op)
    carries = list(parts.body.arguments)
    active = _active_carries(parts.inits, carries, (), parts.yields, parts.body, tangents)
    inits = [*parts.inits, *(engine.tangent(parts.inits[i]) for i in active)]
    for i in active:
        parts.condition.add_argument(carries[i].type, op.location)
        tangents[carries[i]] = parts.body.add_argument(carries[i].type, op.location)
    engine.block(parts.body)
    parts.refresh()
    b.before(terminator_of(parts.body))
    _yield(parts.body, [*parts.yields, *(engine.tangent(parts.yields[i]) for i in active)], op.location)
    b.return_to(place)
    new = b.op("while", inits, [x.type for x in inits], max_trip_count=value_of(op, "max_trip_count"))
    for block, region in zip((parts.condition, parts.body), new.regions, strict=True):
        block.append_to(region)
    results = list(new.results)
    replace_operation(op, results[: len(carries)])
    tangents.update(zip((results[i] for i in active), results[len(carries) :], strict=True))


# --- reverse mode ----------------------------------------------------------------------------------------------------


def _useful(block: ir.Block, wanted: set[ir.Value]) -> set[ir.Value]:
    """The values that those in ``wanted`` depend on."""
    useful = set(wanted)
    for op in reversed(operations_of(block)):
        if any(result in useful for result in op.results):
            useful.update(used_values(op))
    return useful


def _outer(cotangents: dict[ir.Value, ir.Value], block: ir.Block) -> list[ir.Value]:
    """The values from outside of a block that have got cotangents in it."""
    return [value for value in cotangents if not residuals.defined_in(value, block)]


@structured_vjp("if")
def _if_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """Each branch gives its residuals, in slots that the branches share where their types agree."""
    b = engine.b
    place = b.place
    forward = [only_block(region) for region in op.regions]
    made = [_new_block((), op.location, b) for _ in forward]
    found: list[dict[ir.Value, ir.Value]] = []
    for block, (reverse, _) in zip(forward, made, strict=True):
        b.at_end(reverse, op.location)
        seeds: dict[ir.Value, ir.Value] = {}
        operations = operations_of(block)
        varied_values(operations, engine.varied, engine.varied)
        for value, c in zip(terminator_of(block).operands, cotangents, strict=True):
            engine.accumulate(seeds, value, c)
        engine.run(operations, seeds)
        found.append(seeds)
    outer = list(dict.fromkeys(v for seeds, block in zip(found, forward, strict=True) for v in _outer(seeds, block)))
    for seeds, (reverse, _) in zip(found, made, strict=True):
        b.at_end(reverse, op.location)
        _yield(reverse, [seeds[v] if v in seeds else b.zeros(v.type) for v in outer], op.location)

    # Which slot each branch puts each of its residuals into.
    chosen = [
        residuals.choose(
            operations_of(block), residuals.values_from(block, reverse), residuals.Free(block),
            recompute_cheap=engine.policy.recompute_cheap,
        )
        for block, (reverse, _) in zip(forward, made, strict=True)
    ]  # fmt: skip
    slots: list[ir.Type] = []
    places: list[list[int]] = []
    for choice in chosen:
        mine: list[int] = []
        for value in choice.kept:
            free = [s for s, type in enumerate(slots) if type == value.type and s not in mine]
            if not free:
                slots.append(value.type)
                free = [len(slots) - 1]
            mine.append(free[0])
        places.append(mine)

    b.before(op)
    types = [result.type for result in op.results]
    new = b.op("if", list(op.operands), [*types, *slots])
    kept = list(new.results)[len(types) :]
    for block, choice, mine in zip(forward, chosen, places, strict=True):
        b.before(terminator_of(block))
        values = dict(zip(mine, choice.kept, strict=True))
        filled = [values[s] if s in values else b.zeros(type) for s, type in enumerate(slots)]
        _yield(block, [*terminator_of(block).operands, *filled], op.location)
    for choice, mine, (reverse, _) in zip(chosen, places, made, strict=True):
        residuals.take_over(reverse, choice, [kept[s] for s in mine], {}, reverse.operations[0].operation)
    for block, region in zip(forward, new.regions, strict=True):
        block.append_to(region)
    predicate = op.operands[0]
    engine.varied.difference_update(op.results)
    replace_operation(op, list(new.results)[: len(types)])

    b.return_to(place)
    backward = b.op("if", [predicate], [v.type for v in outer])
    for (reverse, holder), region in zip(made, backward.regions, strict=True):
        reverse.append_to(region)
        holder.erase()
    return list(zip(outer, backward.results, strict=True))


@structured_vjp("scan")
def _scan_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    b, varied = engine.b, engine.varied
    place, parts = b.place, Scan.of(op)
    count, trips, body = len(parts.inits), parts.trip_count, parts.body
    seeds = [s for s, x in zip(parts.slices, parts.xs, strict=True) if x in varied]
    active = _active_carries(parts.inits, parts.carries, seeds, parts.yields, body, varied)
    varied.update(seeds)
    varied.update(parts.carries[i] for i in active)
    varied_values(operations_of(body), varied, varied)

    # Carried values whose cotangents are not zero in every iteration.
    read = [i for i, c in enumerate(cotangents[count:]) if c is not None and parts.elements[i] in varied]
    wanted = [i for i in active if cotangents[i] is not None]
    while True:
        useful = _useful(body, {*(parts.yields[i] for i in wanted), *(parts.elements[i] for i in read)})
        more = [i for i in active if i in wanted or parts.carries[i] in useful]
        if more == wanted:
            break
        wanted = more

    # The reverse body: its number, the cotangents carried, then (below) sums for outer values and what it reads.
    carried = [parts.inits[i].type for i in wanted]
    reverse, holder = _new_block([parts.index.type, *carried], op.location, b)
    of_elements = [reverse.add_argument(parts.elements[i].type, op.location) for i in read]
    found: dict[ir.Value, ir.Value] = {}
    b.at_end(reverse, op.location)
    for i, c in zip(wanted, list(reverse.arguments)[1 : 1 + len(wanted)], strict=True):
        engine.accumulate(found, parts.yields[i], c)
    for i, c in zip(read, of_elements, strict=True):
        engine.accumulate(found, parts.elements[i], c)
    engine.run(operations_of(body), found)

    b.locate(op.location)
    outer = _outer(found, body)
    sums = [reverse.add_argument(value.type, op.location) for value in outer]
    next_carried = [
        found[parts.carries[i]] if parts.carries[i] in found else b.zeros(parts.carries[i].type) for i in wanted
    ]
    next_sums = [b.f("add", total, found[value]) for total, value in zip(sums, outer, strict=True)]
    written = [i for i, s in enumerate(parts.slices) if s in found]
    _yield(reverse, [*next_carried, *next_sums, *(found[parts.slices[i]] for i in written)], op.location)

    # Residuals: slices of the inputs are read again, the rest is stacked by the forward scan.
    free = residuals.Free(body, [parts.index, *parts.slices])
    used = residuals.values_from(body, reverse)
    choice = residuals.choose(operations_of(body), used, free, recompute_cheap=engine.policy.recompute_cheap)
    still_used = {*used, *(v for o in choice.recomputed for v in o.operands)}
    again = [i for i, s in enumerate(parts.slices) if s in still_used]
    slices_again = [reverse.add_argument(parts.slices[i].type, op.location) for i in again]
    kept_slices = [reverse.add_argument(value.type, op.location) for value in choice.kept]
    mapping = {parts.slices[i]: argument for i, argument in zip(again, slices_again, strict=True)}
    anchor = reverse.operations[0].operation
    if parts.index in still_used:
        b.before(anchor, op.location)
        mapping[parts.index] = b.f("subtract", b.full(parts.index.type, trips - 1), reverse.arguments[0])
    residuals.take_over(reverse, choice, kept_slices, mapping, anchor)

    forward = _with_residuals(op, parts, choice.kept, engine)
    stacked = forward[len(forward) - len(choice.kept) :]

    b.return_to(place)
    inits = [b.zeros(t) if c is None else c for t, c in zip(carried, (cotangents[i] for i in wanted), strict=True)]
    starts = [b.zeros(value.type) for value in outer]
    xs = [*(cotangents[count + i] for i in read), *(parts.xs[i] for i in again), *stacked]
    arguments = list(reverse.arguments)
    order = [
        arguments[0], *arguments[1 : 1 + len(wanted)], *sums, *of_elements, *slices_again, *kept_slices,
    ]  # fmt: skip
    _reorder(reverse, order)
    backward = b.op(
        "scan", [*inits, *starts, *xs],
        [*carried, *(x.type for x in starts), *(parts.xs[i].type for i in written)],
        trip_count=trips, num_carries=len(inits) + len(starts), reverse=not parts.reverse,
    )  # fmt: skip
    reverse.append_to(backward.regions[0])
    holder.erase()
    results = list(backward.results)
    return [
        *zip((parts.inits[i] for i in wanted), results, strict=False),
        *zip(outer, results[len(wanted) :], strict=False),
        *zip((parts.xs[i] for i in written), results[len(inits) + len(starts) :], strict=True),
    ]


def _reorder(block: ir.Block, order: Sequence[ir.Value]) -> None:
    """Give a block its arguments in another order."""
    if list(block.arguments) == list(order):
        return
    count = len(order)
    for argument in order:
        argument.replace_all_uses_with(block.add_argument(argument.type, argument.location))
    for i in reversed(range(count)):
        block.erase_argument(i)


def _with_residuals(op: ir.Operation, parts: Scan, kept: Sequence[ir.Value], engine: Reverse) -> list[ir.Value]:
    """The forward scan with the values kept as further stacked results; all results of the new one."""
    if not kept:
        return list(op.results)
    b = engine.b
    b.before(op)
    parts.refresh()  # the rules may have replaced operations of the body
    _yield(parts.body, [*parts.yields, *parts.elements, *kept], op.location)
    types = [*(result.type for result in op.results), *(_stacked(value.type, parts.trip_count) for value in kept)]
    new = b.op(
        "scan", list(op.operands), types,
        **{name: value_of(op, name) for name in ("trip_count", "num_carries", "reverse")},
    )  # fmt: skip
    parts.body.append_to(new.regions[0])
    results = list(new.results)
    count = len(op.results)
    engine.varied.difference_update(op.results)
    replace_operation(op, results[:count])
    return results


@structured_vjp("while")
def _while_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """As a scan over the most iterations there may be, in which an iteration after the last does nothing."""
    known, stated = iteration_bound(op), engine.policy.while_bound
    bound = stated if known is None or 0 < stated < known else known
    if known is None and stated <= 0:
        refuse(
            op,
            "reverse mode runs a loop backwards and must know how often it runs at most; say it with while_bound "
            "(Python: reverse_mode=astra.ReverseMode(while_bound=...); astra-opt: the option while-bound), count with "
            "a fixed number of iterations, or use forward mode",
        )
    b, place = engine.b, engine.b.place
    b.before(op)
    counted = [i for i, result in enumerate(op.results) if not is_inexact(result.type) and len(list(result.uses))]
    exact = op.clone(ip=ir.InsertionPoint(op)).operation if counted else op
    operations, results = _bounded(op, bound, b)
    for i in counted:  # integers cannot say that the bound was too low, so they come from the loop itself
        results[i] = exact.results[i]
    engine.varied.difference_update(op.results)
    replace_operation(op, results)
    b.return_to(place)
    varied_values(operations, engine.varied, engine.varied)
    found: dict[ir.Value, ir.Value] = {}
    for result, c in zip(results, cotangents, strict=True):
        engine.accumulate(found, result, c)
    engine.run(operations, found)
    return list(found.items())


def _bounded(op: ir.Operation, bound: int, b: Emitter) -> tuple[list[ir.Operation], list[ir.Value]]:
    """A while as a scan of ``bound`` iterations, in which nothing changes once the condition is false.

    A loop that would run longer gives NaN in place of floats, by a factor, so that their derivatives of any order are
    NaN too: a bound that is too low does not go unnoticed.  Gives the operations and what replaces the results.
    """
    parts = While.of(op)
    types = [x.type for x in parts.inits]
    place = b.place
    block, holder = _new_block([b.type((), b.index_type()), *types], op.location, b)
    values = list(block.arguments)[1:]
    _, (more,) = copy_body(parts.condition, values, ir.InsertionPoint(block), op.location)
    b.at_end(block, op.location)
    branch = b.op("if", [more], types)
    then = ir.Block.create_at_start(branch.regions[0], [], [])
    _, changed = copy_body(parts.body, values, ir.InsertionPoint(then), op.location)
    _yield(then, changed, op.location)
    _yield(ir.Block.create_at_start(branch.regions[1], [], []), values, op.location)
    _yield(block, list(branch.results), op.location)
    b.return_to(place)
    scan = b.op("scan", parts.inits, types, trip_count=bound, num_carries=len(types), reverse=False)
    block.append_to(scan.regions[0])
    holder.erase()
    checks, (unfinished,) = copy_body(parts.condition, list(scan.results), *place)
    results, before = list(scan.results), len(b.created)
    for i, value in enumerate(results):
        if is_inexact(value.type):
            results[i] = _nan_if(unfinished, value, b)
    return [scan, *checks, *b.created[before:]], results


def _nan_if(wrong: ir.Value, value: ir.Value, b: Emitter) -> ir.Value:
    """The value times one, or times NaN: a choice between both would have a derivative of zero."""
    if b.info(value).kind == "c":
        return b.f("complex", *(_nan_if(wrong, b.f(part, value), b) for part in ("real", "imag")))
    factors = [b.full(value.type, factor) for factor in (float("nan"), 1.0)]
    return b.f("multiply", value, b.select(wrong, *factors))
