"""Structured control flow to ``scf``: rank-0 values are carried as scalars, so that loop counters live in registers."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.indexing import extract_slice, insert_slice
from astra_mlir.passes.linalg_rules.lowering import Lowering, TypeInfo, Val, rule

__all__: list[str] = []


def _carried(low: Lowering, val: Val) -> ir.Value:
    """A value in the form in which it crosses the border of a region."""
    return low.scalar(val) if val.info.rank == 0 else low.tensor(val)


def _carried_type(info: TypeInfo) -> ir.Type:
    return info.element if info.rank == 0 else info.tensor


def _received(info: TypeInfo, value: ir.Value) -> Val:
    return Val(info, scalar=value) if info.rank == 0 else Val(info, tensor=value)


def _yield(low: Lowering, vals: Sequence[Val]) -> None:
    low.create("scf.yield", [_carried(low, val) for val in vals], ())


def _results(infos: Sequence[TypeInfo], op: ir.Operation) -> list[Val]:
    return [_received(info, value) for info, value in zip(infos, op.results, strict=True)]


@rule("if")
def _if(low: Lowering, op: ir.Operation) -> list[Val]:
    infos = low.result_infos(op)
    predicate = low.scalar(low.get(op.operands[0]))
    new = low.create("scf.if", [predicate], [_carried_type(info) for info in infos], regions=2)
    for old, region in zip(op.regions, new.regions, strict=True):
        with low.inside(region.blocks.append()):
            _yield(low, low.lower_block(old.blocks[0], ()))
    return _results(infos, new)


@rule("while")
def _while(low: Lowering, op: ir.Operation) -> list[Val]:
    infos = low.result_infos(op)
    types = [_carried_type(info) for info in infos]
    new = low.create("scf.while", [_carried(low, val) for val in low.operands(op)], types, regions=2)
    blocks = [region.blocks.append(*types) for region in new.regions]
    before, after = blocks
    with low.inside(before):
        arguments = [_received(info, value) for info, value in zip(infos, before.arguments, strict=True)]
        (condition,) = low.lower_block(op.regions[0].blocks[0], arguments)
        low.create("scf.condition", [low.scalar(condition), *before.arguments], ())
    with low.inside(after):
        arguments = [_received(info, value) for info, value in zip(infos, after.arguments, strict=True)]
        _yield(low, low.lower_block(op.regions[1].blocks[0], arguments))
    return _results(infos, new)


@rule("scan")
def _scan(low: Lowering, op: ir.Operation) -> list[Val]:
    """``scf.for`` carrying the carries and the stacked results; slices of xs and ys at the iteration's position."""
    trip_count, num_carries, reverse = (low.attribute(n) for n in ("trip_count", "num_carries", "reverse"))
    vals, infos = low.operands(op), low.result_infos(op)
    block = op.regions[0].blocks[0]
    argument_infos = [low.info(argument.type) for argument in block.arguments]
    xs = [low.tensor(val) for val in vals[num_carries:]]
    stacks = [low.empty(info.tensor) for info in infos[num_carries:]]
    inits = [*(_carried(low, val) for val in vals[:num_carries]), *stacks]
    bounds = [low.constant_index(value) for value in (0, trip_count, 1)]
    new = low.create("scf.for", [*bounds, *inits], [init.type for init in inits], regions=1)
    body = new.regions[0].blocks.append(low.index, *[init.type for init in inits])
    counter, *carried = body.arguments
    with low.inside(body):
        position = counter
        if reverse:
            position = low.emit("arith.subi", [low.constant_index(trip_count - 1), counter], low.index)
        index_info, *rest = argument_infos
        arguments = [Val(index_info, scalar=low.emit("arith.index_cast", [counter], index_info.element))]
        received = zip(rest[:num_carries], carried[:num_carries], strict=True)
        arguments += [_received(info, value) for info, value in received]
        arguments += [_element(low, x, position, info) for x, info in zip(xs, rest[num_carries:], strict=True)]
        yielded = low.lower_block(block, arguments)
        carries = [_carried(low, val) for val in yielded[:num_carries]]
        ys = [
            _store(low, val, stack, position)
            for val, stack in zip(yielded[num_carries:], carried[num_carries:], strict=True)
        ]
        low.create("scf.yield", [*carries, *ys], ())
    final, stacked = list(new.results)[:num_carries], list(new.results)[num_carries:]
    return [
        *(_received(info, value) for info, value in zip(infos[:num_carries], final, strict=True)),
        *(Val(info, tensor=value) for info, value in zip(infos[num_carries:], stacked, strict=True)),
    ]


def _element(low: Lowering, xs: ir.Value, position: ir.Value, info: TypeInfo) -> Val:
    """``xs[position]``."""
    if info.rank == 0:
        return Val(info, scalar=low.emit("tensor.extract", [xs, position], info.element))
    if info.size == 0:
        return Val(info, tensor=low.empty(info.tensor))
    offsets = [position, *[0] * info.rank]
    return Val(info, tensor=extract_slice(low, xs, offsets, [1, *info.shape], info.tensor))


def _store(low: Lowering, val: Val, ys: ir.Value, position: ir.Value) -> ir.Value:
    """``ys`` with ``val`` at ``position``."""
    if val.info.size == 0:
        return ys
    offsets = [position, *[0] * val.info.rank]
    return insert_slice(low, low.tensor(val), ys, offsets, [1, *val.info.shape])
