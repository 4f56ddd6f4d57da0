"""Vectorization of control flow: loops carry batched values; a predicate of each application becomes a mask.

Which carries are batched is known before a loop is built (``varying.py``), so every loop is built once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.raise_loops import iteration_bound
from astra_mlir.passes.simplify_rules.loops import Scan, While, only_block, walk
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, rule


def _carried(arguments: Sequence[ir.Value], inits: Sequence[Batch], b: Batcher) -> list[Batch]:
    """Initial values of a loop: those of carries that are batched at any time have the batch in front."""
    return [
        Batch(b.front(init), 0) if b.is_batched(argument) else init
        for argument, init in zip(arguments, inits, strict=True)
    ]


def _next(carried: Sequence[Batch], yielded: Sequence[Batch], b: Batcher) -> list[ir.Value]:
    """What the loop carries on: as its initial values are batched."""
    return [value.value if init.dim is None else b.front(value) for init, value in zip(carried, yielded, strict=True)]


def _block(region: ir.Region, types: Sequence[ir.Type], b: Batcher) -> ir.Block:
    return region.blocks.append(*types, arg_locs=[b.loc] * len(types))


@rule("scan")
def scan(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The same iterations on batched carries; slices of a stacked input have the batch where the input has it."""
    parts = Scan.of(op)
    count = len(parts.inits)
    carried = _carried(parts.carries, args[:count], b)
    stacked = [Batch(b.at(x, 1), 1) if x.dim == 0 else x for x in args[count:]]
    operands = [batch.value for batch in (*carried, *stacked)]
    new = b.again_empty(op, operands, [*(c.value.type for c in carried), *(r.type for r in op.results[count:])])
    slices = [b.type(x.value.type.shape[1:], x.value.type.element_type) for x in stacked]
    block = _block(new.regions[0], [parts.index.type, *(c.value.type for c in carried), *slices], b)
    index, *rest = block.arguments
    dims = [None, *(c.dim for c in carried), *(None if x.dim is None else x.dim - 1 for x in stacked)]
    with b.building_at(ir.InsertionPoint(block)):
        yielded = b.inline(parts.body, [Batch(v, d) for v, d in zip((index, *rest), dims, strict=True)])
        elements = yielded[count:]
        b.op("yield", [*_next(carried, yielded[:count], b), *(e.value for e in elements)], ())
    for result, element in zip(list(new.results)[count:], elements, strict=True):
        type = element.value.type
        result.set_type(b.type([parts.trip_count, *type.shape], type.element_type))
    out = [*(c.dim for c in carried), *(None if e.dim is None else e.dim + 1 for e in elements)]
    return [Batch(result, dim) for result, dim in zip(new.results, out, strict=True)]


@rule("while")
def while_(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """With a predicate of each application: repeat while any holds, and keep the carries of those that have ended."""
    parts = While.of(op)
    carried = _carried(list(parts.body.arguments), args, b)
    if b.is_batched(parts.predicate):
        return _masked_while(parts, carried, b)
    values, types = [c.value for c in carried], [c.value.type for c in carried]
    new = b.again_empty(op, values, types)

    def arguments(block: ir.Block) -> list[Batch]:
        return [Batch(value, c.dim) for value, c in zip(block.arguments, carried, strict=True)]

    condition, body = (_block(region, types, b) for region in new.regions)
    with b.building_at(ir.InsertionPoint(condition)):
        b.op("yield", [batch.value for batch in b.inline(parts.condition, arguments(condition))], ())
    with b.building_at(ir.InsertionPoint(body)):
        b.op("yield", _next(carried, b.inline(parts.body, arguments(body)), b), ())
    return [Batch(result, c.dim) for result, c in zip(new.results, carried, strict=True)]


def _masked_while(parts: While, carried: list[Batch], b: Batcher) -> list[Batch]:
    """The loop carries which applications go on, then the carries, all of them batched.

    Those that do not come to the loop at all never start, so it ends when the loops of all others have ended.
    """
    (predicate,) = b.inline(parts.condition, carried)
    running = _and(b.front(predicate), b.active, b)
    types = [running.type, *(c.value.type for c in carried)]
    new = b.op("while", [running, *(c.value for c in carried)], types, max_trip_count=iteration_bound(parts.op))
    condition, body = (_block(region, types, b) for region in new.regions)
    with b.building_at(ir.InsertionPoint(condition)):
        b.op("yield", [_any(condition.arguments[0], b)], ())
    mask, *olds = body.arguments
    never_started = b.active is not None
    with b.building_at(ir.InsertionPoint(body)), b.masked(mask):
        yielded = b.inline(parts.body, [Batch(old, 0) for old in olds])
        values = [
            b.build("select", (b.broadcast(mask, old.type.shape, [0]), b.front(new_value), old), old.type)
            for old, new_value in zip(olds, yielded, strict=True)
        ]
        (going_on,) = b.inline(parts.condition, [Batch(value, 0) for value in values])
        b.op("yield", [_and(b.front(going_on), mask if never_started else None, b), *values], ())
    return [Batch(result, 0) for result in list(new.results)[1:]]


def _and(mask: ir.Value, other: ir.Value | None, b: Batcher) -> ir.Value:
    return mask if other is None else b.binary("and", mask, other)


def _any(mask: ir.Value, b: Batcher) -> ir.Value:
    """Whether a mask holds for any application."""
    scalar = ir.RankedTensorType.get([], mask.type.element_type)
    return b.op("reduce", (mask, b.splat(False, scalar)), (scalar,), dimensions=(0,), kind="or").results[0]


@rule("if")
def if_(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """With a predicate of each application: both regions are computed, and each result selected."""
    (predicate,) = args
    blocks = [only_block(region) for region in op.regions]
    if predicate.dim is not None:
        first = _taken(blocks[0], lambda: predicate.value, b)
        second = _taken(blocks[1], lambda: b.build("not", (predicate.value,), predicate.value.type), b)
        return [_select(predicate.value, x, y, b) for x, y in zip(first, second, strict=True)]
    new = b.again_empty(op, (predicate.value,), [result.type for result in op.results])
    places = [ir.InsertionPoint(_block(region, (), b)) for region in new.regions]
    yielded = []
    for place, block in zip(places, blocks, strict=True):
        with b.building_at(place):
            yielded.append(b.inline(block, ()))
    dims = [
        min((batch.dim for batch in pair if batch.dim is not None), default=None) for pair in zip(*yielded, strict=True)
    ]
    for place, values in zip(places, yielded, strict=True):
        with b.building_at(place):
            moved = [v.value if dim is None else b.at(v, dim) for v, dim in zip(values, dims, strict=True)]
            b.op("yield", moved, ())
    for result, value in zip(new.results, moved, strict=True):
        result.set_type(value.type)
    return [Batch(result, dim) for result, dim in zip(new.results, dims, strict=True)]


def _taken(block: ir.Block, mask: Callable[[], ir.Value], b: Batcher) -> list[Batch]:
    """What a region gives to the applications that take it.

    One with a while loop, which need not end for the others, is entered only if there are any.
    """
    if not any(op.name == "astra.while" for op in walk(block)):
        return b.inline(block, ())
    active = _and(mask(), b.active, b)
    end = block.operations[len(block.operations) - 1]
    guard = b.op("if", (_any(active, b),), [value.type for value in end.operands])
    then, otherwise = (ir.InsertionPoint(_block(region, (), b)) for region in guard.regions)
    with b.building_at(then), b.masked(active):
        found = b.inline(block, ())
        b.op("yield", [batch.value for batch in found], ())
    with b.building_at(otherwise):
        b.op("yield", [b.splat(0, batch.value.type) for batch in found], ())
    for result, batch in zip(guard.results, found, strict=True):
        result.set_type(batch.value.type)
    return [Batch(result, batch.dim) for result, batch in zip(guard.results, found, strict=True)]


def _select(predicate: ir.Value, x: Batch, y: Batch, b: Batcher) -> Batch:
    if x.dim is None and y.dim is None:
        values, dim = [b.front(x), b.front(y)], 0
    else:
        values, dim = b.aligned([x, y])
    mask = b.broadcast(predicate, values[0].type.shape, [dim])
    return Batch(b.build("select", (mask, *values), values[0].type), dim)


@rule("jvp", "vjp", "vmap")
def transformation(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    del args, b
    refuse(op, "it is a transformation itself, which must be expanded first; astra-vectorize and astra-autodiff expand "
               "the innermost first when they are run on the whole module")  # fmt: skip
