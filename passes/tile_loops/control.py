"""Loops and branches of tile functions: tiles that they carry are in buffers, scalars stay values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.tile_loops.chunks import Buffer
from astra_mlir.passes.tile_loops.evaluate import dimensions

if TYPE_CHECKING:
    from astra_mlir.passes.tile_loops.emitter import Emitter

__all__ = ["CONTROL"]


def _is_tile(value: ir.Value) -> bool:
    return isinstance(value.type, ir.RankedTensorType)


def _carry(e: Emitter, inits: Sequence[ir.Value], op: ir.Operation) -> list[Buffer | None]:
    """A buffer for each tile that a loop carries, with its first value."""
    buffers: list[Buffer | None] = []
    for init in inits:
        if not _is_tile(init):
            buffers.append(None)
            continue
        taken = e.buffers.get(init)
        if taken is not None and list(inits).count(init) == 1 and _only_starts(e, taken, op):
            buffers.append(Buffer(taken.memref, dimensions(init), taken.element))
            continue
        buffer = e.allocate(dimensions(init), init.type.element_type)
        e.copy(init, buffer, bind=False)
        buffers.append(buffer)
    return buffers


def _only_starts(e: Emitter, buffer: Buffer, op: ir.Operation) -> bool:
    """Whether a buffer is read neither in a loop nor behind it."""
    return e.buffer_dead_after(buffer, op) and all(
        user == op or e.position(user, op.block) < e.positions[op]
        for value in buffer.owner.users
        for user in e.users(value)
    )


def _scalars(e: Emitter, values: Sequence[ir.Value]) -> list[ir.Value]:
    return [e.scalars[value] for value in values if not _is_tile(value)]


def _enter(
    e: Emitter, arguments: Sequence[ir.Value], new: Sequence[ir.Value], buffers: Sequence[Buffer | None]
) -> None:
    """Arguments of the old region stand for those of the new one, and for buffers."""
    rest = list(new)
    for argument, buffer in zip(arguments, buffers, strict=True):
        if buffer is None:
            e.scalars[argument] = rest.pop(0)
        else:
            buffer.users.clear()
            e.bind(argument, buffer)


def _give(
    e: Emitter, values: Sequence[ir.Value], buffers: Sequence[Buffer | None], arguments: Sequence[ir.Value]
) -> None:
    """Put values into the buffers of what comes next, all as if at once."""
    e.flush()
    moves: list[tuple[ir.Value, Buffer]] = []
    for value, buffer in zip(values, buffers, strict=True):
        if buffer is None:
            continue
        found = e.buffers.get(value)
        if found is None or found.memref != buffer.memref:
            moves.append((value, buffer))
    targets = {buffer.memref for _, buffer in moves}
    late = []
    for value, buffer in moves:
        if len(moves) > 1 and _reads(e, value, targets - {buffer.memref}):
            temporary = e.allocate(buffer.shape, buffer.element)
            e.copy(value, temporary, bind=False)
            late.append((temporary, buffer))
    for value, buffer in moves:
        if not any(buffer is target for _, target in late):
            e.copy(value, buffer, bind=False)
    for temporary, buffer in late:
        _copy_buffer(e, temporary, buffer)
        e.release(temporary)
    del arguments


def _reads(e: Emitter, value: ir.Value, memrefs: set[ir.Value]) -> bool:
    """Whether computing a value reads one of these buffers."""
    if not memrefs or not _is_tile(value):
        return False
    if value in e.buffers:
        return e.buffers[value].memref in memrefs
    owner = value.owner
    return not isinstance(owner, ir.Block) and any(_reads(e, v, memrefs) for v in owner.operation.operands)


def _copy_buffer(e: Emitter, source: Buffer, target: Buffer) -> None:
    size = 1
    for extent in source.shape:
        size *= extent
    a, c = source.viewed((size,)), target.viewed((size,))

    def body(index: tuple[ir.Value | int, ...], _: object) -> None:
        place = e.b.value(index[0] if index else 0)
        e.b.write(c, place, e.b.read(a, place, e.b.width if index else 0))

    e.loops((size,) if size > 1 else (), body)


def _results(e: Emitter, op: ir.Operation, new: Sequence[ir.Value], buffers: Sequence[Buffer | None]) -> None:
    _enter(e, list(op.results), new, buffers)


def _for(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    operands = list(op.operands)
    inits = operands[3:]
    buffers = _carry(e, inits, op)
    scalars = _scalars(e, inits)
    low, high, step = (e.scalars[v] for v in operands[:3])
    new = b.op("scf.for", (low, high, step, *scalars), [v.type for v in scalars], regions=1)
    kinds = [low.type, *(v.type for v in scalars)]
    block = new.regions[0].blocks.append(*kinds, arg_locs=[b.loc] * len(kinds))
    old = op.regions[0].blocks[0]
    outer = b.ip
    b.ip = ir.InsertionPoint(block)
    number, *arguments = block.arguments
    e.scalars[old.arguments[0]] = number
    _enter(e, list(old.arguments)[1:], arguments, buffers)
    e.block(old)
    end = old.operations[len(old.operations) - 1].operation
    _give(e, list(end.operands), buffers, list(old.arguments)[1:])
    b.op("scf.yield", _scalars(e, list(end.operands)))
    b.ip = outer
    _results(e, op, list(new.results), buffers)


def _if(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    buffers = [e.allocate(dimensions(r), r.type.element_type) if _is_tile(r) else None for r in op.results]
    kinds = [r.type for r in op.results if not _is_tile(r)]
    new = b.op("scf.if", (e.scalars[op.operands[0]],), kinds, regions=2)
    outer = b.ip
    for region, old in zip(new.regions, op.regions, strict=True):
        blocks = list(old.blocks)
        if not blocks and not kinds:
            continue
        b.ip = ir.InsertionPoint(region.blocks.append())
        if blocks:
            e.block(blocks[0])
            end = blocks[0].operations[len(blocks[0].operations) - 1].operation
            _give(e, list(end.operands), buffers, ())
            b.op("scf.yield", _scalars(e, list(end.operands)))
        else:
            b.op("scf.yield")
    b.ip = outer
    _results(e, op, list(new.results), buffers)


def _while(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    inits = list(op.operands)
    carried = _carry(e, inits, op)
    scalars = _scalars(e, inits)
    results = [e.allocate(dimensions(r), r.type.element_type) if _is_tile(r) else None for r in op.results]
    kinds = [r.type for r in op.results if not _is_tile(r)]
    new = b.op("scf.while", scalars, kinds, regions=2)
    before, after = (region.blocks[0] for region in op.regions)
    outer = b.ip
    types = [v.type for v in scalars]
    first = new.regions[0].blocks.append(*types, arg_locs=[b.loc] * len(types))
    second = new.regions[1].blocks.append(*kinds, arg_locs=[b.loc] * len(kinds))
    b.ip = ir.InsertionPoint(first)
    _enter(e, list(before.arguments), list(first.arguments), carried)
    e.block(before)
    condition = before.operations[len(before.operations) - 1].operation
    given = list(condition.operands)
    _give(e, given[1:], results, ())
    b.op("scf.condition", [e.scalars[given[0]], *_scalars(e, given[1:])])
    b.ip = ir.InsertionPoint(second)
    _enter(e, list(after.arguments), list(second.arguments), results)
    e.block(after)
    end = after.operations[len(after.operations) - 1].operation
    _give(e, list(end.operands), carried, ())
    b.op("scf.yield", _scalars(e, list(end.operands)))
    b.ip = outer
    _results(e, op, list(new.results), results)


CONTROL: dict[str, Callable[[Emitter, ir.Operation], None]] = {"scf.for": _for, "scf.if": _if, "scf.while": _while}
