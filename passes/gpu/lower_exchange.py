"""What the threads of a block exchange: changes of layout, reductions, scans and gathers inside a tile.

Reductions keep to the tree that ``astra.tile_reduce`` prescribes, the highest bit of the axis first, wherever that bit
is: in registers, in lanes (a butterfly of shuffles) or in warps (through shared memory).  Combiners that give the same
in any order (minima, maxima, integers) take registers first, then lanes, then warps, which moves the least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.emit import Thread, vector_of
from astra_mlir.passes.gpu.layouts import Layout, log2, strides_of
from astra_mlir.passes.gpu.moves import Permute, Shuffle, ThroughShared, plan_move
from astra_mlir.passes.gpu.to_gpu import register_rules
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__ = ["move"]

_COMMUTATIVE = {"arith.addf", "arith.mulf"}
_ANY_ORDER = {
    "arith.addi", "arith.muli", "arith.andi", "arith.ori", "arith.xori", "arith.maximumf", "arith.minimumf",
    "arith.maxnumf", "arith.minnumf", "arith.maxsi", "arith.minsi", "arith.maxui", "arith.minui",
}  # fmt: skip


# --- changes of layout ------------------------------------------------------------------------------------------------


def move(lowering: Lowering, value: ir.Value, source: Layout, target: Layout) -> ir.Value:
    """A tile (a vector) from one layout to another."""
    element = value.type.element_type
    plan = plan_move(source, target, byte_width(element))
    if plan is None:
        return value
    if isinstance(plan, Permute):
        return lowering.thread.pick(value, plan.source)
    if isinstance(plan, Shuffle):
        return _shuffled(lowering, value, plan)
    if element.width == 1:
        return _as_truth(lowering.thread, _through(lowering, _as_bytes(lowering.thread, value), source, target, plan))
    return _through(lowering, value, source, target, plan)


def _as_bytes(thread: Thread, value: ir.Value) -> ir.Value:
    return thread.op("arith.extui", (value,), (vector_of(value.type.shape[0], thread.i8),)).results[0]


def _as_truth(thread: Thread, value: ir.Value) -> ir.Value:
    return thread.op("arith.trunci", (value,), (vector_of(value.type.shape[0], thread.i1),)).results[0]


def _shuffled(lowering: Lowering, value: ir.Value, plan: Shuffle) -> ir.Value:
    thread = lowering.thread
    lane = thread.linear(lowering.tid, (*plan.lane_bits, *plan.warp_bits))
    got: dict[tuple[int, int], ir.Value] = {}
    results = []
    for register, other in zip(plan.source, plan.lane_of, strict=True):
        key = (register, other)
        if key not in got:
            if isinstance(lane, int):
                number = thread.integer(lane ^ other)
            else:
                number = thread.binary("xori", lane, thread.integer(other)) if other else lane
            got[key] = thread.shuffle(thread.extract(value, register), number)
        results.append(got[key])
    return thread.join(results)


def _places(lowering: Lowering, layout: Layout, plan: ThroughShared, order: Sequence[int]) -> list[ir.Value]:
    """The place, in elements, of each vector that a thread writes or reads."""
    thread = lowering.thread
    first = thread.linear(lowering.tid, [plan.places(basis) for basis in layout.thread])
    reach = 0
    for basis in layout.thread:
        reach |= plan.places(basis)
    results = []
    for r in order[:: plan.vector]:
        own = plan.places(layout.element(r, 0, 0))
        if isinstance(first, int):
            results.append(thread.integer(first ^ own))
        else:
            results.append(thread.binary("xori" if own & reach else "addi", first, thread.integer(own)))
    return results


def _through(lowering: Lowering, value: ir.Value, source: Layout, target: Layout, plan: ThroughShared) -> ir.Value:
    thread, element = lowering.thread, value.type.element_type
    size, vector = byte_width(element), plan.vector
    base = lowering.scratch(math.prod(source.shape) * size)
    for i, place in enumerate(_places(lowering, source, plan, plan.written)):
        part = thread.pick(value, plan.written[i * vector : (i + 1) * vector])
        thread.store(part, thread.address(base, place, element), vector * size)
    thread.barrier(lowering.warps)
    kind = vector_of(vector, element)
    parts = [
        thread.load(thread.address(base, place, element), kind, vector * size)
        for place in _places(lowering, target, plan, plan.read)
    ]
    read = thread.join(parts)
    return thread.pick(read, [plan.read.index(r) for r in range(target.registers)])


def _convert(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    source, target = lowering.layout(op.operands[0]), lowering.layout(op.results[0])
    return [move(lowering, lowering[op.operands[0]], source, target)]


# --- reductions -------------------------------------------------------------------------------------------------------


def _combiner_names(op: ir.Operation) -> list[str]:
    return [inner.operation.name for inner in op.regions[0].blocks[0].operations]


def _reduce(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    axis = ir.IntegerAttr(op.attributes["axis"]).value
    layout = lowering.layout(op.operands[0])
    values = [lowering[operand] for operand in op.operands]
    stride, size = strides_of(layout.shape)[axis], layout.shape[axis]
    bits = [stride << i for i in range(log2(size))]
    names = _combiner_names(op)[:-1]
    simple = len(names) == 1 and len(values) == 1
    commutative = simple and names[0] in _COMMUTATIVE | _ANY_ORDER
    if not _separable(layout, bits):
        plain = _separate(layout, lowering.warps)
        values = [move(lowering, value, layout, plain) for value in values]
        layout = plain
    remaining = sorted(bits, reverse=True)
    if simple and names[0] in _ANY_ORDER:
        where = {**dict.fromkeys(layout.register, 0), **dict.fromkeys(layout.lane, 1), **dict.fromkeys(layout.warp, 2)}
        remaining.sort(key=lambda bit: where[bit])
    for bit in remaining:
        if bit in layout.warp:
            target = _from_warps(layout, bits)
            values = [move(lowering, value, layout, target) for value in values]
            layout = target
        if bit in layout.register:
            values, layout = _fold_registers(lowering, op, values, layout, bit)
        else:
            values, layout = _fold_lanes(lowering, op, values, layout, bit, commutative)
    layout = layout.drop(axis) if len(layout.shape) > 1 else layout
    if not isinstance(op.results[0].type, ir.RankedTensorType):
        return [lowering.thread.extract(value, 0) for value in values]
    wanted = lowering.layout(op.results[0])
    return [move(lowering, value, layout, wanted) for value in values]


def _separable(layout: Layout, bits: Sequence[int]) -> bool:
    """Whether each bit of the axis is a bit of its own of the register, lane or warp number."""
    mask = sum(bits)
    bases = [basis for basis in (*layout.register, *layout.thread) if basis & mask]
    return all(basis & (basis - 1) == 0 for basis in bases)


def _separate(layout: Layout, warps: int) -> Layout:
    from astra_mlir.passes.gpu.layouts import blocked

    return blocked(layout.shape, 1, warps)


def _from_warps(layout: Layout, bits: Sequence[int]) -> Layout:
    """All warps hold, in registers, what they held of the axis one by one."""
    theirs = tuple(basis for basis in layout.warp if basis in bits)
    return Layout(
        layout.shape,
        layout.register + theirs,
        layout.lane,
        tuple(0 if basis in theirs else basis for basis in layout.warp),
    )


def _halved(layout: Layout, bit: int) -> Layout:
    """Without a bit of the axis: its lanes hold copies, its registers are gone."""
    return Layout(
        layout.shape,
        tuple(basis for basis in layout.register if basis != bit),
        tuple(0 if basis == bit else basis for basis in layout.lane),
        layout.warp,
    )


def _fold_registers(
    lowering: Lowering, op: ir.Operation, values: list[ir.Value], layout: Layout, bit: int
) -> tuple[list[ir.Value], Layout]:
    place = layout.register.index(bit)
    low = [r for r in range(layout.registers) if not r >> place & 1]
    high = [r | 1 << place for r in low]
    left = [lowering.thread.pick(value, low) for value in values]
    right = [lowering.thread.pick(value, high) for value in values]
    return lowering.combine(op, left, right), _halved(layout, bit)


def _fold_lanes(
    lowering: Lowering, op: ir.Operation, values: list[ir.Value], layout: Layout, bit: int, commutative: bool
) -> tuple[list[ir.Value], Layout]:
    thread, place = lowering.thread, layout.lane.index(bit)
    distance = thread.integer(1 << place)
    others = [thread.shuffle_all(value, distance, "bfly") for value in values]
    left, right = values, others
    if not commutative:
        upper = thread.binary("andi", lowering.lane, distance)
        is_upper = thread.equal(upper, distance)
        left = [thread.select(is_upper, other, own) for own, other in zip(values, others, strict=True)]
        right = [thread.select(is_upper, own, other) for own, other in zip(values, others, strict=True)]
    return lowering.combine(op, left, right), _halved(layout, bit)


# --- scans ------------------------------------------------------------------------------------------------------------


def _scan(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    """Each step combines with what lies d before: other registers for d of 32 on, other lanes below."""
    thread = lowering.thread
    axis = ir.IntegerAttr(op.attributes["axis"]).value
    reverse = ir.BoolAttr(op.attributes["reverse"]).value
    layout = lowering.layout(op.operands[0])
    values = [lowering[operand] for operand in op.operands]
    stride, size = strides_of(layout.shape)[axis], layout.shape[axis]
    lanes = min(size, 32)
    coordinate = [layout.element(r, 0, 0) // stride % size for r in range(layout.registers)]
    rest = [layout.element(r, 0, 0) - c * stride for r, c in enumerate(coordinate)]
    place = {(c, other): r for r, (c, other) in enumerate(zip(coordinate, rest, strict=True))}
    distance = 1
    while distance < size:
        step, whole = distance % lanes, distance - distance % lanes
        if step:
            shift = thread.integer(step)
            name, out = ("addi", "sge") if reverse else ("subi", "slt")
            number = thread.binary("andi", thread.binary(name, lowering.lane, shift), thread.integer(lanes - 1))
            within = thread.binary("andi", lowering.lane, thread.integer(lanes - 1))
            other_lanes = thread.binary("andi", lowering.lane, thread.integer(31 & ~(lanes - 1)))
            number = thread.binary("ori", number, other_lanes)
            limit = thread.integer(lanes - step if reverse else step)
            predicate = {"predicate": ir.IntegerAttr.get(thread.i64, {"slt": 2, "sge": 5}[out])}
            wraps = thread.op("arith.cmpi", (within, limit), (thread.i1,), predicate).results[0]
            moved = [
                thread.join([thread.shuffle(thread.extract(v, r), number) for r in range(layout.registers)])
                for v in values
            ]
        before = []  # for each register, the one whose element comes `distance` before when lanes wrap, or not
        for wrapped in (False, True):
            chosen = []
            for c, other in zip(coordinate, rest, strict=True):
                delta = whole + (lanes if wrapped else 0)
                chosen.append(place.get((c + delta if reverse else c - delta, other)))
            before.append(chosen)
        sources = moved if step else values
        results = []
        straight = _picked(thread, sources, before[0])
        combined = lowering.combine(op, straight, values)
        if step:
            around = _picked(thread, sources, before[1])
            combined_around = lowering.combine(op, around, values)
            for own, plain, turned in zip(values, combined, combined_around, strict=True):
                there = [
                    thread.select(
                        wraps,
                        thread.extract(own if before[1][r] is None else turned, r),
                        thread.extract(own if before[0][r] is None else plain, r),
                    )
                    for r in range(layout.registers)
                ]
                results.append(thread.join(there))
        else:
            for own, plain in zip(values, combined, strict=True):
                there = [thread.extract(own if before[0][r] is None else plain, r) for r in range(layout.registers)]
                results.append(thread.join(there))
        values = results
        distance *= 2
    return values


def _picked(thread: Thread, values: Sequence[ir.Value], sources: Sequence[int | None]) -> list[ir.Value]:
    return [
        thread.pick(value, [r if source is None else source for r, source in enumerate(sources)]) for value in values
    ]


# --- gathers ----------------------------------------------------------------------------------------------------------


def _gather(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    """The source lies row-major in shared memory; each thread reads what its indices name."""
    thread, axis = lowering.thread, ir.IntegerAttr(op.attributes["axis"]).value
    source, target = lowering.layout(op.operands[0]), lowering.layout(op.results[0])
    value, index = lowering[op.operands[0]], lowering[op.operands[1]]
    truth = value.type.element_type.width == 1
    if truth:
        value = _as_bytes(thread, value)
    element = value.type.element_type
    size = byte_width(element)
    base = lowering.scratch(math.prod(source.shape) * size)
    first = thread.linear(lowering.tid, source.thread)
    for r in range(source.registers):
        number = thread.integer(source.element(r, 0, 0))
        place = number if isinstance(first, int) else thread.binary("xori", first, number)
        thread.store(thread.part(value, r, 1), thread.address(base, place, element), size)
    thread.barrier(lowering.warps)
    strides, own = strides_of(source.shape), strides_of(target.shape)

    def elsewhere(number: int) -> int:
        """The part of a place that the coordinates of the other dimensions give."""
        return sum(number // own[d] % n * strides[d] for d, n in enumerate(target.shape) if d != axis)

    fixed = thread.linear(lowering.tid, [elsewhere(basis) for basis in target.thread])
    parts = []
    for r in range(target.registers):
        at = thread.extract(index, r)
        if at.type.width == 64:
            at = thread.op("arith.trunci", (at,), (thread.i32,)).results[0]
        place = thread.binary("muli", at, thread.integer(strides[axis]))
        place = thread.binary("addi", place, thread.integer(elsewhere(target.element(r, 0, 0))))
        if not isinstance(fixed, int):
            place = thread.binary("addi", place, fixed)
        parts.append(thread.load(thread.address(base, place, element), vector_of(1, element), size))
    result = thread.join(parts)
    return [_as_truth(thread, result) if truth else result]


register_rules(
    {
        "astra.tile_convert": _convert,
        "astra.tile_reduce": _reduce,
        "astra.tile_scan": _scan,
        "astra.tile_gather": _gather,
    }
)
