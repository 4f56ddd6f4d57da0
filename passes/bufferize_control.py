"""Bufferization of loops and branches: carried tensors become buffers of the enclosing block.

The rules of ``astra-bufferize`` for ``scf.for``, ``scf.while`` and ``scf.if``.  A carried tensor has one buffer for the
whole loop; the body updates it in place where it can, and otherwise copies its new value there when all reads are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.buffers import SMALL_BYTES, Buffer, Root, Scope, bytes_of, scope_of, tied_operand
from astra_mlir.passes.memref_utils import Builder, is_tensor, memref_of

if TYPE_CHECKING:
    from astra_mlir.passes.bufferize import FunctionBufferizer

__all__ = ["CONTROL_RULES", "branch_instead_of_select"]


def branch_instead_of_select(function: ir.Operation) -> None:
    """Spell selects of whole tensors, which upstream canonicalization makes of branches, as branches again."""

    def replace(op: ir.Operation) -> ir.WalkResult:
        if op.name == "arith.select" and is_tensor(op.results[0]):
            condition, *values = op.operands
            builder = Builder(ir.InsertionPoint(op), op.location)
            branch = builder.op("scf.if", (condition,), [op.results[0].type], regions=2)
            for region, value in zip(branch.regions, values, strict=True):
                Builder(ir.InsertionPoint(region.blocks.append()), op.location).op("scf.yield", (value,))
            op.results[0].replace_all_uses_with(branch.results[0])
            op.erase()
        return ir.WalkResult.ADVANCE

    function.walk(replace)


def for_loop(b: FunctionBufferizer, op: ir.Operation, builder: Builder, scope: Scope) -> None:
    bounds, inits = list(op.operands)[:3], list(op.operands)[3:]
    body = op.regions[0].blocks[0]
    inner = scope_of(body)
    tensors = [i for i, value in enumerate(inits) if is_tensor(value)]
    scalars = [i for i in range(len(inits)) if i not in tensors]
    state = _loop_state(b, builder, scope, inner, [(inits[i], op.results[i], body.arguments[1 + i]) for i in tensors])
    loop = builder.op("scf.for", (*bounds, *(inits[i] for i in scalars)), [inits[i].type for i in scalars], regions=1)
    body.append_to(loop.regions[0])
    terminator = body.operations[len(body.operations) - 1].operation
    yielded = list(terminator.operands)
    _convert_body(b, inner, terminator, [(yielded[i], place) for i, place in zip(tensors, state, strict=True)])
    _replace_terminator(terminator, "scf.yield", scalars)
    b.erase_tensor_ops(body)
    for i in reversed(tensors):
        body.erase_argument(1 + i)
    for new, i in enumerate(scalars):
        op.results[i].replace_all_uses_with(loop.results[new])


def _loop_state(
    b: FunctionBufferizer,
    builder: Builder,
    scope: Scope,
    inner: Scope,
    carried: list[tuple[ir.Value, ir.Value, ir.Value]],
) -> list[Buffer]:
    """Buffers for the carried tensors (init, result, block argument), holding the initial values."""
    state = []
    for init, result, _ in carried:
        place = _state_of(b, builder, result, init, scope, list(inner.last_use))
        if any(place.root is other.root for other in state):
            place = b.pack(builder, place, init.type, scope)
        state.append(place)
        b.assign(result, place)
    for (_, _, argument), place in zip(carried, state, strict=True):
        b.assign(argument, Buffer(Root(place.root.value, inner, writable=True), place.memref, place.offset))
    return state


def _state_of(
    b: FunctionBufferizer, builder: Builder, result: ir.Value, init: ir.Value, scope: Scope, readers: list[ir.Value]
) -> Buffer:
    """A buffer for one carried tensor: small ones get their own, which may become registers; no other is in the way."""
    if bytes_of(init.type) > SMALL_BYTES:
        return b.update(builder, result, init, scope, readers)
    place = b.new_place(builder, init.type, scope)
    if init in b.fills and init not in b.buffers:
        builder.copy(b.fills[init], place.memref)
    elif init in b.buffers:
        builder.copy(b.buffers[init].memref, place.memref)
    return place


def _convert_body(
    b: FunctionBufferizer,
    inner: Scope,
    terminator: ir.Operation,
    moves: list[tuple[ir.Value, Buffer]],
    taken: Sequence[ir.Value] = (),
) -> None:
    """Convert a region's block and leave each yielded tensor in its place.

    The places are those of the block's arguments, or of tensors from outside that are ``taken`` over.
    """
    places = []
    for _, place in moves:
        root = next(
            (
                b.root
                for b in (b.buffers.get(a) for a in (*inner.block.arguments, *taken))
                if b and b.root.value == place.root.value and b.offset == place.offset
            ),
            None,
        )
        local = Buffer(root or Root(place.root.value, inner, writable=True), place.memref, place.offset)
        places.append(local)
    _prefer_slots(b, inner)
    for (value, _), place in zip(moves, places, strict=True):
        b.prefer(value, place, inner)
    b.convert_block(inner)
    builder = Builder(ir.InsertionPoint(terminator), terminator.location)
    inner.position = len(inner.operations)
    pending = []
    targets = {id(place.root) for place in places}
    for (value, _), place in zip(moves, places, strict=True):
        if value in b.fills and value not in b.buffers:
            pending.append((b.fills[value], place))
            continue
        buffer = b.read(builder, value, inner)
        if buffer.root is place.root and buffer.offset == place.offset:
            continue
        if id(buffer.root) in targets:  # another carried value's place: it may be overwritten before it is read
            buffer = b.pack(builder, buffer, value.type, inner)
        pending.append((buffer.memref, place))
    for source, place in pending:
        builder.copy(source, place.memref)


def _prefer_slots(b: FunctionBufferizer, inner: Scope) -> None:
    """Ask that what an iteration stacks be computed in its slot of the stack, which nothing else touches till the end.

    A slot is a root of its own: the rest of the stack is not read in the body, and where its address is known before
    the body begins, the values on the way into it need no other place.
    """
    inserts = [op for op in inner.operations if _stacks(b, op, inner)]
    hoisted = {v.owner.operation for op in inserts for v in list(op.operands)[2:] if _is_computed_in(v, inner.block)}
    first = next(op for op in inner.operations if op not in hoisted)
    for op in inner.operations:
        if op in hoisted:
            op.move_before(first)
    start = Builder(ir.InsertionPoint(first), first.location)
    for op in inserts:
        source, stack = op.operands[0], op.operands[1]
        slot = b.slice_of(op, start, b.buffers[stack], stack.type, source.type.shape, 2)
        if slot.offset is None:
            continue
        root = Root(slot.root.value, inner, writable=True)
        while _is_computed_in(source, inner.block) and source.owner.operation.name in _RESHAPES:
            if len(list(source.uses)) > 1:
                break
            source = source.owner.operation.operands[0]
        b.slots[op.results[0]] = root
        view = start.view(root.value, slot.offset, memref_of(source.type))
        b.prefer(source, Buffer(root, view, slot.offset), inner)


_RESHAPES = ("tensor.expand_shape", "tensor.collapse_shape")


def _stacks(b: FunctionBufferizer, op: ir.Operation, inner: Scope) -> bool:
    """Whether an operation puts a value into a part of a carried tensor that is only yielded then.

    The part's place must be known when the body begins: by the loop's index or arithmetic on it.
    """
    if op.name != "tensor.insert_slice" or op.operands[1] not in list(inner.block.arguments):
        return False
    stack = op.operands[1]
    if len(list(stack.uses)) > 1 or any(u.owner.operation != inner.operations[-1] for u in op.results[0].uses):
        return False
    for offset in list(op.operands)[2:]:
        if _is_computed_in(offset, inner.block):
            maker = offset.owner.operation
            if not maker.name.startswith("arith.") or any(_is_computed_in(v, inner.block) for v in maker.operands):
                return False
    return stack in b.buffers and b.buffers[stack].offset is not None


def _is_computed_in(value: ir.Value, block: ir.Block) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.block == block


def _replace_terminator(terminator: ir.Operation, name: str, kept: Sequence[int]) -> None:
    operands = [terminator.operands[i] for i in kept]
    ir.Operation.create(name, operands=operands, loc=terminator.location, ip=ir.InsertionPoint(terminator))
    terminator.erase()


def while_loop(b: FunctionBufferizer, op: ir.Operation, builder: Builder, scope: Scope) -> None:
    inits = list(op.operands)
    before, after = op.regions[0].blocks[0], op.regions[1].blocks[0]
    before_scope, after_scope = scope_of(before), scope_of(after)
    tensors = [i for i, value in enumerate(inits) if is_tensor(value)]
    scalars = [i for i in range(len(inits)) if i not in tensors]
    condition = before.operations[len(before.operations) - 1].operation
    forwarded = list(condition.operands)[1:]
    results = list(op.results)
    carried: list[tuple[ir.Value, Buffer]] = []
    for i in tensors:
        tied = next((k for k, value in enumerate(forwarded) if value == before.arguments[i]), None)
        stand_in = results[tied] if tied is not None else before.arguments[i]
        readers = [*before_scope.last_use, *after_scope.last_use]
        place = _state_of(b, builder, stand_in, inits[i], scope, readers)
        if any(place.root is other.root for _, other in carried):
            place = b.pack(builder, place, inits[i].type, scope)
        carried.append((before.arguments[i], place))
    out_tensors = [k for k, value in enumerate(forwarded) if is_tensor(value)]
    out_scalars = [k for k in range(len(forwarded)) if k not in out_tensors]
    out_places = []
    taken: set[int] = set()
    for k in out_tensors:
        own = next(
            (place for argument, place in carried if argument == forwarded[k] and id(place.root) not in taken), None
        )
        place = own or b.allocate(builder, results[k], scope)
        if any(place.root is other.root for other in out_places):
            place = b.pack(builder, place, results[k].type, scope)
        taken.add(id(place.root))
        out_places.append(place)
        b.assign(results[k], place)
    loop = builder.op("scf.while", [inits[i] for i in scalars], [forwarded[k].type for k in out_scalars], regions=2)
    before.append_to(loop.regions[0])
    after.append_to(loop.regions[1])
    for argument, place in carried:
        b.assign(argument, Buffer(Root(place.root.value, before_scope, writable=False), place.memref, place.offset))
    _convert_body(
        b, before_scope, condition, [(forwarded[k], place) for k, place in zip(out_tensors, out_places, strict=True)]
    )
    _replace_terminator(condition, "scf.condition", [0, *(1 + k for k in out_scalars)])
    b.erase_tensor_ops(before)
    for k, place in zip(out_tensors, out_places, strict=True):
        b.assign(
            after.arguments[k],
            Buffer(Root(place.root.value, after_scope, writable=True), place.memref, place.offset),
        )
    terminator = after.operations[len(after.operations) - 1].operation
    yielded = list(terminator.operands)
    _convert_body(
        b, after_scope, terminator, [(yielded[i], place) for i, (_, place) in zip(tensors, carried, strict=True)]
    )
    _replace_terminator(terminator, "scf.yield", scalars)
    b.erase_tensor_ops(after)
    for i in reversed(tensors):
        before.erase_argument(i)
    for k in reversed(out_tensors):
        after.erase_argument(k)
    for new, k in enumerate(out_scalars):
        results[k].replace_all_uses_with(loop.results[new])


def if_else(b: FunctionBufferizer, op: ir.Operation, builder: Builder, scope: Scope) -> None:
    results = list(op.results)
    tensors = [i for i, value in enumerate(results) if is_tensor(value)]
    scalars = [i for i in range(len(results)) if i not in tensors]
    blocks = [region.blocks[0] for region in op.regions if len(region.blocks)]
    ends = [list(block.operations[len(block.operations) - 1].operation.operands) for block in blocks]
    places: list[Buffer] = []
    taken: dict[ir.Value, Buffer] = {}  # tensors from outside whose place a result takes over
    for i in tensors:
        updated = _updated(b, results[i], [end[i] for end in ends], scope)
        if updated is None or any(b.buffers[updated].root is buffer.root for buffer in taken.values()):
            places.append(b.allocate(builder, results[i], scope))
        else:
            places.append(b.buffers[updated])
            taken[updated] = b.buffers[updated]
        b.assign(results[i], places[-1])
    branch = builder.op("scf.if", [op.operands[0]], [results[i].type for i in scalars], regions=2)
    for number, (block, yielded) in enumerate(zip(blocks, ends, strict=True)):
        inner = scope_of(block)
        block.append_to(branch.regions[number])
        terminator = block.operations[len(block.operations) - 1].operation
        for value, buffer in taken.items():  # each branch may overwrite it, after its own last use
            b.assign(value, Buffer(Root(buffer.root.value, inner, writable=True), buffer.memref, buffer.offset))
        moves = [(yielded[i], place) for i, place in zip(tensors, places, strict=True)]
        _convert_body(b, inner, terminator, moves, [*taken])
        _replace_terminator(terminator, "scf.yield", scalars)
        b.erase_tensor_ops(block)
    b.buffers.update(taken)
    for new, i in enumerate(scalars):
        results[i].replace_all_uses_with(branch.results[new])


def _updated(b: FunctionBufferizer, result: ir.Value, yielded: Sequence[ir.Value], scope: Scope) -> ir.Value | None:
    """A tensor from outside whose place a branch's result can take over, if nothing else reads it.

    It is the one that is where the result has to be in the end, or one that a branch hands on, changed in parts or not.
    """
    preferred = b.preferred.get(result)
    candidates = [origin for value in yielded for origin in _origins(b, value)]
    if preferred is not None:
        candidates = [*preferred.root.tensors, *candidates]
    for origin in candidates:
        buffer = b.buffers[origin]
        if buffer.offset is None or buffer.memref.type != memref_of(result.type):
            continue
        if preferred is not None and preferred.root is not buffer.root and b.is_free(preferred.root, scope):
            continue  # it is copied there in any case
        if b.is_free(buffer.root, scope, [origin]):
            return origin
    return None


def _origins(b: FunctionBufferizer, value: ir.Value | None) -> Iterator[ir.Value]:
    """The tensors that have a place already and whose contents become ``value``, by updates of parts of them."""
    while value is not None and value not in b.buffers and not isinstance(value.owner, ir.Block):
        op = value.owner.operation
        if op.name == "scf.if":
            for region in op.regions:
                end = region.blocks[0].operations[len(region.blocks[0].operations) - 1].operation
                yield from _origins(b, end.operands[value.result_number])
            return
        value = tied_operand(value)
    if value is not None and value in b.buffers:
        yield value


CONTROL_RULES = {"scf.for": for_loop, "scf.while": while_loop, "scf.if": if_else}
