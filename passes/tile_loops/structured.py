"""The loops of reductions, scans, matrix products, atomics, joins, prints and asserts of tile functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.tile_loops.chunks import Buffer
from astra_mlir.passes.tile_loops.evaluate import Evaluator, Index, dimensions

if TYPE_CHECKING:
    from astra_mlir.passes.tile_loops.emitter import Emitter

__all__ = ["RULES"]

_IN_REGISTERS = 8  # vectors of a reduction that are combined without going to memory


# --- combining regions -------------------------------------------------------------------------------------------


def combine(e: Emitter, op: ir.Operation, left: Sequence[ir.Value], right: Sequence[ir.Value]) -> list[ir.Value]:
    """The region of a reduction or scan on vectors, or on scalars."""
    block = op.regions[0].blocks[0]
    first = left[0].type
    width = first.shape[0] if isinstance(first, ir.VectorType) else 0
    local = dict(zip(block.arguments, (*left, *right), strict=True))
    b = e.b

    def value(v: ir.Value) -> ir.Value:
        if v in local:
            return local[v]
        scalar = e.scalars[v]
        return b.splat(scalar, width) if width else scalar

    operations = [view.operation for view in block.operations]
    for inner in operations[:-1]:
        if not inner.name.startswith(("arith.", "math.")):
            raise UnsupportedError(f"{source_place(inner.location)}: '{inner.name}' in a combining function")
        attributes = {name: inner.attributes[name] for name in inner.attributes}
        kinds = [b.vector_type(r.type, width) if width else r.type for r in inner.results]
        if inner.name == "arith.constant" and width:
            attributes["value"] = ir.DenseElementsAttr.get_splat(kinds[0], attributes["value"])
        new = b.op(inner.name, [value(v) for v in inner.operands], kinds, attributes)
        local.update(zip(inner.results, new.results, strict=True))
    return [value(v) for v in operations[-1].operands]


def _three(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """The sizes before, along and behind an axis."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def _tree(e: Emitter, op: ir.Operation, rows: list[list[ir.Value]]) -> list[ir.Value]:
    """Combine i with i + n/2 until one is left."""
    while len(rows) > 1:
        half = len(rows) // 2
        rows = [combine(e, op, rows[i], rows[i + half]) for i in range(half)]
    return rows[0]


def _lanes_tree(e: Emitter, op: ir.Operation, vectors: list[ir.Value]) -> list[ir.Value]:
    """Combine the lanes of vectors to scalars."""
    b = e.b
    width = vectors[0].type.shape[0]
    while width > 1:
        half = width // 2

        def part(v: ir.Value, first: int, half: int = half) -> ir.Value:
            numbers = {
                name: ir.Attribute.parse(f"[{n} : i64]")
                for name, n in (("offsets", first), ("sizes", half), ("strides", 1))
            }
            kind = b.vector_type(v.type.element_type, half)
            return b.op("vector.extract_strided_slice", (v,), (kind,), numbers).results[0]

        vectors = combine(e, op, [part(v, 0) for v in vectors], [part(v, half) for v in vectors])
        width = half
    position = {"static_position": ir.DenseI64ArrayAttr.get([0])}
    return [b.op("vector.extract", (v,), (v.type.element_type,), position).results[0] for v in vectors]


def _reduce(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    shape, axis = dimensions(op.operands[0]), value_of(op, "axis")
    outer, n, inner = _three(shape, axis)
    sources = [e.materialized(v).viewed((outer * n * inner,)) for v in op.operands]
    to_scalars = not dimensions(op.results[0])
    targets = [] if to_scalars else [e.new_buffer(r).viewed((outer * inner,)) for r in op.results]
    width = min(e.lanes, inner if inner > 1 else n)
    scratch: list[Buffer] = []

    def read(buffers: Sequence[Buffer], place: ir.Value | int) -> list[ir.Value]:
        return [b.read(buffer, b.value(place), width if width > 1 else 0) for buffer in buffers]

    def reduced(base: ir.Value | int, stride: int, count: int) -> list[ir.Value]:
        """The tree over ``count`` vectors that lie ``stride`` apart."""
        nonlocal scratch
        current, start, step = sources, base, stride
        while count > _IN_REGISTERS:
            half = count // 2
            if not scratch:
                scratch = [e.allocate((half * width,), source.element) for source in sources]
            _, i = b.loop(0, half, 1)
            at = b.add(start, b.mul(i, step))
            values = combine(e, op, read(current, at), read(current, b.add(at, half * step)))
            for buffer, value in zip(scratch, values, strict=True):
                b.write(buffer, b.value(b.mul(i, width)), value)
            b.leave()
            current, start, step, count = scratch, 0, width, half
        return _tree(e, op, [read(current, b.add(start, i * step)) for i in range(count)])

    if outer > 1:
        _, row = b.loop(0, outer, 1)
    else:
        row = 0
    if inner > 1:
        column: ir.Value | int = 0
        if inner > width:
            _, column = b.loop(0, inner, width)
        values = reduced(b.add(b.mul(row, n * inner), column), inner, n)
        for buffer, value in zip(targets, values, strict=True):
            b.write(buffer, b.value(b.add(b.mul(row, inner), column)), value)
        if inner > width:
            b.leave()
    else:
        values = reduced(b.mul(row, n), width, n // width)
        scalars = _lanes_tree(e, op, values) if width > 1 else values
        if to_scalars:
            e.scalars.update(zip(op.results, scalars, strict=True))
        for buffer, value in zip(targets, scalars, strict=False):
            b.write(buffer, b.value(row), value)
    if outer > 1:
        b.leave()
    for buffer in scratch:
        e.release(buffer)


def _scan(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    shape, axis, reverse = dimensions(op.operands[0]), value_of(op, "axis"), value_of(op, "reverse")
    outer, n, inner = _three(shape, axis)
    size = outer * n * inner
    sources = [e.materialized(v).viewed((size,)) for v in op.operands]
    targets = [e.new_buffer(r).viewed((size,)) for r in op.results]
    others = [e.allocate((size,), source.element) for source in sources]
    steps = [1 << i for i in range(n.bit_length() - 1)]
    # Between two buffers, so that the last step writes the results.
    turn = [targets, others]
    current, goal = sources, len(steps) % 2
    run = n * inner  # along the axis elements lie ``inner`` apart, in one run a row of the outer dimensions

    def moved(source: Sequence[Buffer], target: Sequence[Buffer], low: int, high: int, shift: int | None) -> None:
        """Elements [low, high) of a run: copied, or combined with those ``shift`` before (behind, reversed)."""
        count = high - low
        if count <= 0:
            return
        width = min(e.lanes, 1 << (count.bit_length() - 1))
        _, i = b.loop(low, high, width)
        if count % width:  # the last vector overlaps the one before: it is the same again
            i = b.binary("minsi", i, b.constant(high - width))
        place = b.value(b.add(b.mul(row, run), i))
        lanes = width if width > 1 else 0
        values = [b.read(buffer, place, lanes) for buffer in source]
        if shift is not None:
            before = b.value(b.add(place, shift if reverse else -shift))
            values = combine(e, op, [b.read(buffer, before, lanes) for buffer in source], values)
        for buffer, value in zip(target, values, strict=True):
            b.write(buffer, place, value)
        b.leave()

    row: ir.Value | int = 0
    if outer > 1:
        _, row = b.loop(0, outer, 1)
    if not steps:
        moved(current, targets, 0, run, None)
    for number, step in enumerate(steps):
        target = turn[(goal + number + 1) % 2]
        distance = step * inner
        if reverse:
            moved(current, target, run - distance, run, None)
            moved(current, target, 0, run - distance, distance)
        else:
            moved(current, target, 0, distance, None)
            moved(current, target, distance, run, distance)
        current = target
    if outer > 1:
        b.leave()
    for buffer in others:
        e.release(buffer)


# --- products ----------------------------------------------------------------------------------------------------

_ROWS = 4
_VECTORS = 4


def _wide(e: Emitter, value: ir.Value, element: ir.Type) -> Buffer:
    """An operand of a product in the type of the accumulator."""
    if value.type.element_type == element:
        return e.materialized(value)
    e.flush()
    shape = dimensions(value)
    buffer = e.allocate(shape, element)
    name = "arith.extf" if isinstance(element, ir.FloatType) else "arith.extsi"
    b = e.b

    def body(index: Index, evaluator: Evaluator) -> None:
        from astra_mlir.passes.tile_loops.emitter import expand
        from astra_mlir.passes.tile_loops.evaluate import lane_dimension

        place, lane = expand(shape, index), lane_dimension(shape)
        chunk = evaluator.at(value, place, lane)
        narrow = chunk.scalar if lane is None else b.lanes(chunk)
        kind = element if lane is None else b.vector_type(element)
        b.write(buffer, b.flat(buffer, list(place)), b.op(name, (narrow,), (kind,)).results[0])

    e.loops(tuple(size for size in shape if size > 1), body)
    return buffer


def _dot(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    a_value, b_value, acc = op.operands
    element = acc.type.element_type
    if str(element) == "f16":
        raise UnsupportedError(f"{source_place(op.location)}: a product that accumulates in f16; use f32")
    (rows, depth), columns = dimensions(a_value), dimensions(b_value)[1]
    left, right = _wide(e, a_value, element), _wide(e, b_value, element)
    start = e.materialized(acc)
    if e.buffer_dead_after(start, op):
        target = Buffer(start.memref, (rows, columns), element, start.owner)
    else:
        target = e.allocate((rows, columns), element)
    width = min(e.lanes, columns)
    vectors = min(_VECTORS, columns // width)
    height = min(_ROWS, rows)
    lanes = width if width > 1 else 0
    floating = isinstance(element, ir.FloatType)
    _, i = b.loop(0, rows, height)
    _, j = b.loop(0, columns, width * vectors)
    places = [
        b.value(b.add(b.mul(b.add(i, r), columns), b.add(j, v * width))) for r in range(height) for v in range(vectors)
    ]
    sums = [b.read(start, place, lanes) for place in places]
    loop = b.op("scf.for", (b.constant(0), b.constant(depth), b.constant(1), *sums), [s.type for s in sums], regions=1)
    kinds = [b.index, *(s.type for s in sums)]
    block = loop.regions[0].blocks.append(*kinds, arg_locs=[b.loc] * len(kinds))
    b.saved.append(b.ip)
    b.ip = ir.InsertionPoint(block)
    k, *carried = block.arguments
    from_b = b.add(b.mul(k, columns), j)
    others = [b.read(right, b.value(b.add(from_b, v * width)), lanes) for v in range(vectors)]
    results = []
    for r in range(height):
        scalar = b.read(left, b.value(b.add(b.mul(b.add(i, r), depth), k)), 0)
        factor = b.splat(scalar, width) if lanes else scalar
        for v in range(vectors):
            total = carried[r * vectors + v]
            if floating:
                results.append(b.op("math.fma", (factor, others[v], total), (total.type,)).results[0])
            else:
                results.append(b.binary("addi", b.binary("muli", factor, others[v]), total))
    b.op("scf.yield", results)
    b.ip = b.saved.pop()
    for place, value in zip(places, loop.results, strict=True):
        b.write(target, place, value)
    b.leave()
    b.leave()
    for buffer, value in ((left, a_value), (right, b_value)):
        if e.buffers.get(value) is not buffer:
            e.release(buffer)
    e.bind(op.result, target)


# --- atomics -----------------------------------------------------------------------------------------------------

_KINDS = {
    "fadd": 0,
    "add": 1,
    "and": 2,
    "exchange": 3,
    "fmax": 5,
    "max": 6,
    "umax": 7,
    "fmin": 9,
    "min": 10,
    "umin": 11,
    "or": 14,
    "xor": 15,
}  # fmt: skip  memref.atomic_rmw's


def _each(e: Emitter, values: Sequence[ir.Value], body: Callable[[ir.Value | int, list[ir.Value]], None]) -> None:
    """A loop over elements, in order; all values are tiles of one shape, or scalars."""
    shape = next((dimensions(v) for v in values if dimensions(v)), ())
    if not shape:
        body(0, [e.scalars[v] for v in values])
        return
    buffers = [e.materialized(v) if dimensions(v) else None for v in values]
    b = e.b
    size = prod(shape)
    place: ir.Value = b.constant(0)
    if size > 1:
        _, place = b.loop(0, size, 1)
    pairs = zip(values, buffers, strict=True)
    body(place, [b.read(buffer, place, 0) if buffer is not None else e.scalars[v] for v, buffer in pairs])
    if size > 1:
        b.leave()


def _atomic(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    memref = e.scalars[op.operands[0]]
    operands = list(op.operands)[1:]
    used = any(True for _ in op.result.uses)
    is_tile = bool(dimensions(op.result))
    result = e.allocate(dimensions(op.result), op.result.type.element_type) if used and is_tile else None
    element = op.operands[0].type.element_type
    if not isinstance(element, ir.FloatType | ir.IntegerType):
        raise UnsupportedError(f"{source_place(op.location)}: atomics on {element}")
    if op.name == "astra.tile_atomic":
        kind = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), _KINDS[value_of(op, "kind")])

    def change(place: ir.Value, numbers: list[ir.Value]) -> ir.Value:
        if op.name == "astra.tile_atomic":
            return b.op("memref.atomic_rmw", (numbers[1], memref, place), (numbers[1].type,), {"kind": kind}).results[0]
        return _compare_and_swap(e, memref, place, numbers[1], numbers[2])

    def body(number: ir.Value | int, numbers: list[ir.Value]) -> None:
        place = b.to_index(numbers[0])
        mask = numbers[2] if op.name == "astra.tile_atomic" and len(numbers) > 2 else None
        if mask is None:
            old = change(place, numbers)
        elif used and not is_tile:
            choice = b.op("scf.if", (mask,), (numbers[1].type,), regions=2)
            outer = b.ip
            for region, taken in zip(choice.regions, (True, False), strict=True):
                b.ip = ir.InsertionPoint(region.blocks.append())
                b.op("scf.yield", (change(place, numbers) if taken else numbers[1],))
            b.ip = outer
            old = choice.result
        else:
            b.branch(mask)
            old = change(place, numbers)
        if result is not None:
            b.write(result, b.value(number), old)
        if mask is not None and not (used and not is_tile):
            b.leave()
        if not is_tile:
            e.scalars[op.result] = old

    _each(e, operands, body)
    if result is not None:
        e.bind(op.result, result)


def _compare_and_swap(e: Emitter, memref: ir.Value, place: ir.Value, compare: ir.Value, new: ir.Value) -> ir.Value:
    """In the LLVM dialect: there is no operation of memref for it that is lowered."""
    b = e.b
    kind = compare.type
    i64, bits = ir.IntegerType.get_signless(64), ir.IntegerType.get_signless(kind.width)
    floating = isinstance(kind, ir.FloatType)
    base = b.op("memref.extract_aligned_pointer_as_index", (memref,), (b.index,)).results[0]
    address = b.from_index(b.value(b.add(base, b.mul(place, kind.width // 8))), i64)
    pointer = b.op("llvm.inttoptr", (address,), (ir.Type.parse("!llvm.ptr"),)).results[0]
    values = [b.op("arith.bitcast", (v,), (bits,)).results[0] if floating else v for v in (compare, new)]
    orders = {
        "success_ordering": ir.IntegerAttr.get(i64, _ACQ_REL),
        "failure_ordering": ir.IntegerAttr.get(i64, _ACQUIRE),
    }
    pair = b.op("llvm.cmpxchg", (pointer, *values), (ir.Type.parse(f"!llvm.struct<({bits}, i1)>"),), orders).results[0]
    first = {"position": ir.DenseI64ArrayAttr.get([0])}
    old = b.op("llvm.extractvalue", (pair,), (bits,), first).results[0]
    return b.op("arith.bitcast", (old,), (kind,)).results[0] if floating else old


_ACQUIRE, _ACQ_REL = 4, 6  # LLVM's numbers of orderings


# --- joins -------------------------------------------------------------------------------------------------------


def _join(e: Emitter, op: ir.Operation) -> None:
    size = prod(dimensions(op.operands[0]))
    lhs, rhs = (e.materialized(v).viewed((size,)) for v in op.operands)
    buffer = e.new_buffer(op.result)
    flat, b = buffer.viewed((2 * size,)), e.b

    def body(index: Index, _: Evaluator) -> None:
        place = b.value(index[0] if index else 0)
        lanes = b.width if index else 0
        for number, side in enumerate((lhs, rhs)):
            if not lanes:
                b.write(flat, b.constant(number), b.read(side, place, 0))
        if lanes:
            pair = [b.read(side, place, lanes) for side in (lhs, rhs)]
            kind = b.vector_type(lhs.element, 2 * lanes)
            b.write(flat, b.value(b.mul(place, 2)), b.op("vector.interleave", pair, (kind,)).results[0])

    e.loops((size,) if size > 1 else (), body)


def _split(e: Emitter, op: ir.Operation) -> None:
    size = prod(dimensions(op.operands[0])) // 2
    source = e.materialized(op.operands[0]).viewed((2 * size,))
    targets = [e.new_buffer(r).viewed((size,)) for r in op.results]
    b = e.b

    def body(index: Index, _: Evaluator) -> None:
        place = b.value(index[0] if index else 0)
        if not index:
            values = [b.read(source, b.constant(number), 0) for number in range(2)]
        else:
            both = b.read(source, b.value(b.mul(place, 2)), 2 * b.width)
            kind = b.vector_type(source.element)
            values = list(b.op("vector.deinterleave", (both,), (kind, kind)).results)
        for target, value in zip(targets, values, strict=True):
            b.write(target, place, value)

    e.loops((size,) if size > 1 else (), body)


# --- records for the host: prints and asserts --------------------------------------------------------------------


def _bits(e: Emitter, value: ir.Value, unsigned: bool) -> ir.Value:
    """A number in 64 bits: integers extended, floats as f64."""
    b, kind = e.b, value.type
    i64, f64 = ir.IntegerType.get_signless(64), ir.F64Type.get()
    if isinstance(kind, ir.FloatType):
        if kind.width < 64:
            value = b.op("arith.extf", (value,), (f64,)).results[0]
        return b.op("arith.bitcast", (value,), (i64,)).results[0]
    if kind.width == 64:
        return value
    return b.op("arith.extui" if unsigned or kind.width == 1 else "arith.extsi", (value,), (i64,)).results[0]


def _record(e: Emitter, op: ir.Operation, message: int, number: ir.Value | int, bits: ir.Value) -> None:
    """Append (message, program, element, bits) to the log, if there is room."""
    b = e.b
    i64 = ir.IntegerType.get_signless(64)
    if e.log is None:
        raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' in a program that is not launched by itself")
    add = {"kind": ir.IntegerAttr.get(i64, 1)}
    at = b.op("memref.atomic_rmw", (b.constant(1, i64), e.log, b.constant(0)), (i64,), add).results[0]
    room = b.load(e.log, (b.constant(1),))
    fits = b.op(
        "arith.cmpi", (at, room), (ir.IntegerType.get_signless(1),), {"predicate": ir.IntegerAttr.get(i64, 2)}
    ).results[0]
    b.branch(fits)
    place = b.add(b.mul(b.to_index(at), 4), 2)
    x, y, z = e.program
    gx, gy, _ = e.grid
    program = b.add(b.product(b.add(b.product(z, gy), y), gx), x)
    fields = (b.constant(message, i64), b.from_index(program, i64), b.from_index(number, i64), bits)
    for i, value in enumerate(fields):
        b.store(value, e.log, (b.value(b.add(place, i)),))
    b.leave()


def _message(e: Emitter, op: ir.Operation, text: str, operand: int, kind: str) -> int:
    value = op.operands[operand] if len(op.operands) else None
    shape = "x".join(map(str, dimensions(value))) if value is not None else ""
    place = source_place(op.location)
    e.messages.append(ir.StringAttr.get("\0".join((op.name, place, kind, shape, str(operand), text))))
    return len(e.messages) - 1


def _print(e: Emitter, op: ir.Operation) -> None:
    unsigned = value_of(op, "unsigned", ()) or (False,) * len(op.operands)
    if not len(op.operands):
        number = _message(e, op, value_of(op, "prefix"), 0, "none")
        _record(e, op, number, 0, e.b.constant(0, ir.IntegerType.get_signless(64)))
    for i, value in enumerate(op.operands):
        element = value.type.element_type if dimensions(value) else value.type
        kind = (
            "float"
            if isinstance(element, ir.FloatType)
            else "bool"
            if element.width == 1
            else "uint"[not unsigned[i] :]
        )
        number = _message(e, op, value_of(op, "prefix"), i, kind)
        _each(e, [value], lambda at, found, n=number, u=unsigned[i]: _record(e, op, n, at, _bits(e, found[0], u)))


def _assert(e: Emitter, op: ir.Operation) -> None:
    b = e.b
    bit = ir.IntegerType.get_signless(1)
    number = _message(e, op, value_of(op, "message"), 0, "none")

    def body(at: ir.Value | int, found: list[ir.Value]) -> None:
        b.branch(b.binary("xori", found[0], b.constant(1, bit)))
        _record(e, op, number, at, b.constant(0, ir.IntegerType.get_signless(64)))
        b.leave()

    _each(e, [op.operands[0]], body)


RULES: dict[str, Callable[[Emitter, ir.Operation], None]] = {
    "astra.tile_reduce": _reduce,
    "astra.tile_scan": _scan,
    "astra.tile_dot": _dot,
    "astra.tile_atomic": _atomic,
    "astra.tile_atomic_cas": _atomic,
    "astra.tile_join": _join,
    "astra.tile_split": _split,
    "astra.tile_print": _print,
    "astra.tile_assert": _assert,
}
