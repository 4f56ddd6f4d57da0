"""Raise counted ``astra.while`` loops to ``astra.scan``: known trip count, slices read and results stacked.

JAX lowers ``lax.scan``, ``fori_loop`` and ``map`` to a while over a counter; as a scan the loop can be differentiated
in reverse, batched, and compiled to one native loop whose counter lives in a register.  Runs after ``astra-simplify``,
with whose rules it shares the engine: raising one loop, simplifying its body with the index's bounds known, and finding
the reads and writes at the index feed each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects import build, value_of
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.simplify import simplify
from astra_mlir.passes.simplify_rules import RULES
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, Rule, TensorInfo, defining, is_removable
from astra_mlir.passes.simplify_rules.loops import Scan, While, rebuild_scan

__all__ = ["RaiseLoops", "iteration_bound"]


# --- counted while -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Counter:
    """Carry ``number`` of a while takes the values start, start + step, ... for ``trip_count`` iterations."""

    number: int
    start: int
    step: int
    trip_count: int


def _step_of(value: ir.Value, argument: ir.Value, rw: Rewriter) -> int | None:
    """The constant that is added to a carried argument, if that is all that happens to it."""
    for name, sign in (("add", 1), ("subtract", -1)):
        op = defining(value, name)
        if op is not None:
            lhs, rhs = op.operands
            step = rw.integer(rhs)
            if lhs == argument and step is not None:
                return sign * step
            if name == "add" and rhs == argument:
                return rw.integer(lhs)
    return None


def _representable(number: int, info: TensorInfo) -> bool:
    if info.kind == "i":
        return -(2 ** (info.width - 1)) <= number < 2 ** (info.width - 1)
    return 0 <= number < 2**info.width


def _trip_count(direction: str, start: int, bound: int, step: int) -> int | None:
    """How often ``start + k * step <direction> bound`` holds in a row, for unbounded integers; ``None`` for ever."""
    if direction == "NE":
        distance = bound - start
        return distance // step if distance % step == 0 and distance // step >= 0 else None
    if direction in ("LE", "GE"):
        bound += 1 if direction == "LE" else -1
    distance = bound - start if direction in ("LT", "LE") else start - bound
    if distance <= 0:
        return 0
    advance = step if direction in ("LT", "LE") else -step
    return -(-distance // advance) if advance > 0 else None


_SWAPPED = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "NE": "NE"}


def _counter(parts: While, rw: Rewriter, predicate: ir.Value) -> _Counter | None:
    """The counter that ``predicate``, a value of the condition, limits."""
    compare = defining(predicate, "compare")
    if compare is None or compare.operands[0] not in parts.condition.arguments:
        operands = None if compare is None else list(reversed(compare.operands))
    else:
        operands = list(compare.operands)
    if compare is None or operands is None or value_of(compare, "direction") not in _SWAPPED:
        return None
    direction = value_of(compare, "direction")
    direction = direction if operands[0] == compare.operands[0] else _SWAPPED[direction]
    arguments = list(parts.condition.arguments)
    bound = rw.integer(operands[1])
    if operands[0] not in arguments or bound is None:
        return None
    number = arguments.index(operands[0])
    info = rw.info(operands[0])
    start = rw.integer(parts.inits[number])
    step = _step_of(parts.yields[number], parts.body.arguments[number], rw)
    if start is None or not step or info.rank != 0 or info.kind not in "iu":
        return None
    trip_count = _trip_count(direction, start, bound, step)
    if trip_count is None or not _representable(start + trip_count * step, info):
        return None  # endless, or it ends by wrapping around
    return _Counter(number, start, step, trip_count)


def iteration_bound(op: ir.Operation) -> int | None:
    """The most iterations of an ``astra.while``, where its attribute or a counter (``i < n and ...``) limits them."""
    parts, rw = While.of(op), Rewriter()
    promised = value_of(op, "max_trip_count")
    bounds: list[int] = [] if promised is None else [promised]
    conditions = [parts.predicate]
    while conditions:
        condition = conditions.pop()
        both = defining(condition, "and")
        if both is not None:
            conditions += both.operands
            continue
        counter = _counter(parts, rw, condition)
        if counter is not None:
            bounds.append(counter.trip_count)
    return min(bounds, default=None)


def _induction(index: ir.Value, start: ir.Value, step: int, rw: Rewriter) -> ir.Value:
    """``start + index * step`` in the type of ``start``."""
    type = start.type
    value = index if index.type == type else rw.build("convert", (index,), type)
    if step != 1:
        value = rw.build("multiply", (value, rw.splat(_wrapped(step, rw.info_of(type)), type)), type)
    return value if rw.integer(start) == 0 else rw.build("add", (value, start), type)


def _wrapped(number: int, info: TensorInfo) -> int:
    number %= 2**info.width
    return number - 2**info.width if info.kind == "i" and number >= 2 ** (info.width - 1) else number


def raise_while(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A while over a counter with known start, step and bound is a scan of that many iterations."""
    parts = While.of(op)
    counter = _counter(parts, rw, parts.predicate)
    if counter is None:
        return None
    if not all(
        is_removable(view.operation) or view.operation.name == "astra.yield" for view in parts.condition.operations
    ):
        return None
    number, trip_count = counter.number, counter.trip_count
    wide = rw.info(parts.inits[number]).width == 64 or trip_count >= 2**31
    index_type = rw.type((), ir.IntegerType.get_signless(64 if wide else 32))
    kept = [i for i in range(len(parts.inits)) if i != number]
    inits = [parts.inits[i] for i in kept]
    final = rw.splat(counter.start + trip_count * counter.step, parts.inits[number].type)

    scan = rw.op(
        "scan", inits, [value.type for value in inits], trip_count=trip_count, num_carries=len(inits), reverse=False
    )
    location = op.location
    types = [index_type, *(value.type for value in inits)]
    body = scan.regions[0].blocks.append(*types, arg_locs=[location] * len(types))
    inside = Rewriter()
    inside.at_block_begin(body, location)
    start = inside.splat(counter.start, parts.inits[number].type)
    value = _induction(body.arguments[0], start, counter.step, inside)
    old_arguments = list(parts.body.arguments)
    old_arguments[number].replace_all_uses_with(value)
    for i, argument in zip(kept, list(body.arguments)[1:], strict=True):
        old_arguments[i].replace_all_uses_with(argument)
    parts.refresh()
    *operations, terminator = [view.operation for view in parts.body.operations]
    for nested in operations:
        body.append(nested)
    build("yield", [parts.yields[i] for i in kept], (), loc=terminator.location, ip=ir.InsertionPoint(body))
    terminator.erase()
    results = list(scan.results)
    results.insert(number, final)
    return results


# --- induction variables, reads and writes -----------------------------------------------------------------------


def substitute_inductions(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A carried integer that grows by a constant is a function of the index."""
    parts = Scan.of(op)
    found: dict[int, int] = {}
    for i, (argument, value) in enumerate(zip(parts.carries, parts.yields, strict=True)):
        info = rw.info(argument)
        step = _step_of(value, argument, rw) if info.rank == 0 and info.kind in "iu" else None
        if step is not None:
            found[i] = step
    if not found:
        return None
    inside = Rewriter()
    inside.at_block_begin(parts.body, op.location)
    finals = {}
    for i, step in found.items():
        parts.carries[i].replace_all_uses_with(_induction(parts.index, parts.inits[i], step, inside))
        total = rw.splat(_wrapped(step * parts.trip_count, rw.info(parts.inits[i])), parts.inits[i].type)
        finals[i] = rw.build("add", (total, parts.inits[i]), total.type)
    parts.refresh()
    count = len(parts.inits)
    results = rebuild_scan(
        parts, rw, carries=[i for i in range(count) if i not in found],
        xs=list(zip(parts.xs, parts.slices, strict=True)),
        elements=[(count + i, value) for i, value in enumerate(parts.elements)],
    )  # fmt: skip
    for i, final in finals.items():
        results[i] = final
    return results


def _affine(value: ir.Value, index: ir.Value, trip_count: int, rw: Rewriter) -> tuple[int, int] | None:
    """``(a, b)`` where ``value`` is ``a * index + b`` in every iteration, without wrapping."""
    if value == index:
        return 1, 0
    constant = rw.integer(value)
    if constant is not None:
        return 0, constant
    op = defining(value)
    if op is None or rw.info(value).rank != 0 or rw.info(value).kind not in "iu":
        return None
    name = op.name[6:]
    if name not in ("add", "subtract", "multiply", "negate", "convert"):
        return None
    parts = [part for operand in op.operands if (part := _affine(operand, index, trip_count, rw)) is not None]
    if len(parts) < len(op.operands):
        return None
    a, b = parts[0]
    if name == "negate":
        a, b = -a, -b
    elif name in ("add", "subtract"):
        sign = 1 if name == "add" else -1
        a, b = a + sign * parts[1][0], b + sign * parts[1][1]
    elif name == "multiply":
        if a and parts[1][0]:
            return None
        factor, (a, b) = (b, parts[1]) if a == 0 else (parts[1][1], parts[0])
        a, b = a * factor, b * factor
    info = rw.info(value)
    inside = all(_representable(a * i + b, info) for i in (0, trip_count - 1))
    return (a, b) if inside else None


def _direction(start_indices: list[ir.Value], parts: Scan, rw: Rewriter) -> bool | None:
    """Whether the first index runs over all iterations backwards; ``None`` where it does neither."""
    affine = _affine(start_indices[0], parts.index, parts.trip_count, rw)
    return {(1, 0): False, (-1, parts.trip_count - 1): True}.get(affine) if affine is not None else None


def _whole_rows(shape: tuple[int, ...], window: tuple[int, ...], trip_count: int) -> bool:
    """Whether a window is one element of the leading dimension, which has an element for each iteration."""
    return len(shape) > 0 and shape[0] == trip_count and window[0] == 1 and shape[1:] == window[1:]


@dataclass
class _Accesses:
    """The reads and writes of a scan's body that go through the leading dimension with the index."""

    reads: dict[bool, list[ir.Operation]]
    writes: dict[bool, dict[int, ir.Operation]]


def _accesses(parts: Scan, rw: Rewriter) -> _Accesses:
    found = _Accesses({False: [], True: []}, {False: {}, True: {}})
    for view in parts.body.operations:
        op = view.operation
        if op.name != "astra.dynamic_slice":
            continue
        operand, *starts = op.operands
        owner = operand.owner
        inside = (owner if isinstance(owner, ir.Block) else owner.operation.block) == parts.body
        if inside or not _whole_rows(rw.info(operand).shape, rw.info(op.results[0]).shape, parts.trip_count):
            continue
        backwards = _direction(starts, parts, rw)
        if backwards is not None:
            found.reads[backwards].append(op)
    for i, (argument, value) in enumerate(zip(parts.carries, parts.yields, strict=True)):
        op = defining(value, "dynamic_update_slice")
        if op is None or op.operands[0] != argument or op.block != parts.body:
            continue
        _, update, *starts = op.operands
        alone = len(list(argument.uses)) == 1 and len(list(value.uses)) == 1
        if not alone or not _whole_rows(rw.info(argument).shape, rw.info(update).shape, parts.trip_count):
            continue
        backwards = _direction(starts, parts, rw)
        if backwards is not None:
            found.writes[backwards][i] = op
    return found


def raise_accesses(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Slices read at the index become inputs, carries whose slice at the index is written become stacked results.

    A carry written so has every element overwritten, so its initial value no longer matters.  A scan runs over all its
    inputs and results in one direction; accesses in the other one stay what they are.
    """
    parts = Scan.of(op)
    if not all(rw.info(v).static for v in (*parts.inits, *parts.xs)):
        return None
    found = _accesses(parts, rw)
    if parts.xs or parts.elements:
        reverse = parts.reverse
    else:
        counts = {d: len(found.reads[d]) + len(found.writes[d]) for d in (False, True)}
        reverse = counts[True] > counts[False]
    reads, writes = found.reads[reverse], found.writes[reverse]
    if not reads and not writes:
        return None
    xs = list(zip(parts.xs, parts.slices, strict=True))
    for read in reads:
        info = rw.info(read.results[0])
        argument = parts.body.add_argument(rw.type(info.shape[1:], info.element), read.location)
        xs.append((read.operands[0], argument))
        row = build("reshape", (argument,), (info.type,), loc=read.location, ip=ir.InsertionPoint(read))
        read.results[0].replace_all_uses_with(row.results[0])
    parts.refresh()
    count = len(parts.inits)
    stacked: list[tuple[int | None, ir.Value]] = [(count + i, value) for i, value in enumerate(parts.elements)]
    for i, write in writes.items():
        info = rw.info(write.operands[1])
        type = rw.type(info.shape[1:], info.element)
        element = build("reshape", (write.operands[1],), (type,), loc=write.location, ip=ir.InsertionPoint(write))
        stacked.append((i, element.results[0]))
    return rebuild_scan(
        parts, rw, carries=[i for i in range(count) if i not in writes], xs=xs, elements=stacked, reverse=reverse
    )


_RAISING: dict[str, list[Rule]] = {
    **RULES,
    "astra.while": [*RULES.get("astra.while", ()), raise_while],
    "astra.scan": [*RULES.get("astra.scan", ()), substitute_inductions, raise_accesses],
}


def _has_loops(block: ir.Block) -> bool:
    for view in block.operations:
        op = view.operation
        if op.name in ("astra.while", "astra.scan"):
            return True
        for region in op.regions:
            if any(_has_loops(nested) for nested in region.blocks):
                return True
    return False


@register_pass
@dataclass(frozen=True)
class RaiseLoops(Pass):
    """Turn whiles over a counter into scans, slices read at the counter into inputs, written ones into stacked results.

    Before::

        %r:3 = "astra.while"(%zero, %c, %buffer) ({
        ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>, %ys: tensor<10x4xf32>):
          %more = "astra.compare"(%i, %ten) {compare_type = "SIGNED", direction = "LT"} : ...
          "astra.yield"(%more) : ...
        }, {
        ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>, %ys: tensor<10x4xf32>):
          %row = "astra.dynamic_slice"(%xs, %i, %zero) {slice_sizes = array<i64: 1, 4>} : ...
          %x = "astra.reshape"(%row) : ...
          %next = "astra.add"(%carry, %x) : ...
          %y = "astra.reshape"(%carry) : ...
          %written = "astra.dynamic_update_slice"(%ys, %y, %i, %zero) : ...
          %i1 = "astra.add"(%i, %one) : ...
          "astra.yield"(%i1, %next, %written) : ...
        }) : ...

    After::

        %r:2 = "astra.scan"(%c, %xs) ({
        ^bb0(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
          %next = "astra.add"(%carry, %x) : ...
          "astra.yield"(%next, %carry) : ...
        }) {num_carries = 1 : i64, reverse = false, trip_count = 10 : i64} : ...

    A loop is raised when its condition compares a carried integer, which starts at a constant and grows by a constant,
    with a constant (<, <=, >, >= or !=), and the counter does not wrap around on the way.  Any other while stays.
    Accesses that do not go through every row in order stay dynamic slices.  Functions with loops are also simplified by
    the rules of ``astra-simplify``.
    """

    name: ClassVar[str] = "astra-raise-loops"
    summary: ClassVar[str] = "raise counted while loops to scans with sliced inputs and stacked results"

    def run(self, module: ir.Operation) -> None:
        """Raise the loops in each function of ``module``."""
        for view in module.regions[0].blocks[0].operations:
            if view.operation.name == "func.func":
                for block in view.operation.regions[0].blocks:
                    if _has_loops(block):
                        simplify(block, _RAISING)
