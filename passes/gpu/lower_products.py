"""Matrix products of tiles: ``mma.sync`` on fragments in registers, or multiplications and additions of the threads.

The layouts of ``products.py`` put one instruction's fragment in successive registers, so this only pairs fragments by
their rows, columns and depths.  ``3xtf32`` splits each f32 in two numbers of tf32; their smallest product is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.emit import Thread, storage, vector_of
from astra_mlir.passes.gpu.layouts import Layout
from astra_mlir.passes.gpu.lower_wgmma import by_wgmma
from astra_mlir.passes.gpu.products import MmaShape, mma_shape, wgmma_of
from astra_mlir.passes.gpu.to_gpu import register_rules
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__: list[str] = []

_CONSTRAINT = {"f32": "f", "f64": "d", "i32": "r"}


def _dot(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    wgmma = wgmma_of(op, lowering.warps, lowering.target)
    if wgmma is not None:
        return [by_wgmma(lowering, op, wgmma)]
    shape = mma_shape(op, lowering.target)
    return [_by_threads(lowering, op) if shape is None else _by_mma(lowering, op, shape)]


# --- tensor cores -----------------------------------------------------------------------------------------------------


def _fragments(thread: Thread, value: ir.Value, layout: Layout, count: int) -> dict[tuple[int, int], list[ir.Value]]:
    """The words of each fragment of ``count`` elements, by the row and column where it begins (in its thread)."""
    columns = layout.shape[1]
    words = _words(thread, value)
    per = len(words) * count // layout.registers
    return {
        divmod(layout.element(i * count, 0, 0), columns): words[i * per : (i + 1) * per]
        for i in range(layout.registers // count)
    }


def _words(thread: Thread, value: ir.Value) -> list[ir.Value]:
    element = value.type.element_type
    if element.width == 64 or isinstance(element, ir.F32Type):
        return [thread.extract(value, i) for i in range(value.type.shape[0])]
    return thread.as_words(value)


def _by_mma(lowering: Lowering, op: ir.Operation, mma: MmaShape) -> ir.Value:
    thread = lowering.thread
    a, b, c = op.operands
    left = _fragments(thread, lowering[a], lowering.layout(a), mma.m * mma.k // 32)
    right = _fragments(thread, lowering[b], lowering.layout(b), mma.k * 8 // 32)
    result = lowering.layout(op.results[0])
    count = mma.m * 8 // 32
    columns = result.shape[1]
    places = [divmod(result.element(i * count, 0, 0), columns) for i in range(result.registers // count)]
    words = _words(thread, lowering[c])
    per = len(words) // len(places)
    sums = {place: words[i * per : (i + 1) * per] for i, place in enumerate(places)}
    depths = sorted({k for _, k in left})
    rounds = _rounds(thread, mma, ir.StringAttr(op.attributes["precision"]).value, left, right)
    for k in depths:
        for one, other in rounds:
            for place in places:
                sums[place] = _mma(thread, mma, one[place[0], k], other[k, place[1]], sums[place])
    flat = [word for place in places for word in sums[place]]
    return thread.from_words(flat, lowering[c].type.element_type)


Fragments = dict[tuple[int, int], list[ir.Value]]


def _rounds(
    thread: Thread, mma: MmaShape, precision: str, left: Fragments, right: Fragments
) -> list[tuple[Fragments, Fragments]]:
    """The products that make one: the operands themselves, or (of f32) rounded to tf32, or their two parts each."""
    if mma.bits != 32:
        return [(left, right)]
    big = [{key: [_to_tf32(thread, word) for word in words] for key, words in side.items()} for side in (left, right)]
    if precision != "3xtf32":
        return [(big[0], big[1])]
    small = [
        {
            key: [
                _to_tf32(thread, thread.binary("subf", word, thread.scalar_bits(high, thread.f32)))
                for word, high in zip(words, high_side[key], strict=True)
            ]
            for key, words in side.items()
        }
        for side, high_side in zip((left, right), big, strict=True)
    ]
    return [(small[0], big[1]), (big[0], small[1]), (big[0], big[1])]


def _to_tf32(thread: Thread, value: ir.Value) -> ir.Value:
    return thread.ptx("cvt.rna.tf32.f32 $0, $1;", "=r,f", (value,), (thread.i32,), pure=True)[0]


def _mma(
    thread: Thread, mma: MmaShape, a: Sequence[ir.Value], b: Sequence[ir.Value], c: Sequence[ir.Value]
) -> list[ir.Value]:
    kinds = [value.type for value in c]
    count = len(c)
    names = [f"${i}" for i in range(2 * count + len(a) + len(b))]
    groups, start = [], 0
    for length in (count, len(a), len(b), count):
        groups.append("{" + ", ".join(names[start : start + length]) + "}")
        start += length
    text = f"mma.sync.aligned.m{mma.m}n{mma.n}k{mma.k}.row.col.{mma.types} {', '.join(groups)};"
    constraints = [f"={_CONSTRAINT[str(kind)]}" for kind in kinds]
    constraints += [_CONSTRAINT[str(value.type)] for value in (*a, *b, *c)]
    return thread.ptx(text, ",".join(constraints), [*a, *b, *c], kinds, pure=True)


# --- without tensor cores ---------------------------------------------------------------------------------------------

_DEPTH = 8  # steps of the product that are unrolled


def _by_threads(lowering: Lowering, op: ir.Operation) -> ir.Value:
    """Both operands lie in shared memory; a thread reads the rows and columns of its part of the result."""
    thread = lowering.thread
    a, b, c = op.operands
    element = c.type.element_type
    depth, columns = b.type.shape
    if storage(a.type.element_type) != a.type.element_type:
        raise lowering.refuse(op, f"elements of type {a.type.element_type} on {lowering.target.name}")
    size = byte_width(a.type.element_type)
    base = lowering.scratch((a.type.shape[0] * depth + depth * columns) * size)
    second = thread.address(base, a.type.shape[0] * depth * size, thread.i8)
    for operand, place in ((a, base), (b, second)):
        _write_rows(lowering, lowering[operand], lowering.layout(operand), place)
    thread.barrier(lowering.warps)
    layout = lowering.layout(op.results[0])
    first = thread.linear(lowering.tid, layout.thread)
    first = thread.integer(first) if isinstance(first, int) else first
    my_row = thread.binary("divui", first, thread.integer(columns))
    my_column = thread.binary("remui", first, thread.integer(columns))
    my_row = thread.binary("muli", my_row, thread.integer(depth))
    places = [divmod(layout.element(r, 0, 0), columns) for r in range(layout.registers)]
    vector = layout.contiguous(1)
    step = min(depth, _DEPTH)
    loop = thread.op(
        "scf.for",
        [thread.integer(0), thread.integer(depth), thread.integer(step), lowering[c]],
        [lowering[c].type],
        {},
        1,
    )
    block = loop.regions[0].blocks.append(thread.i32, lowering[c].type, arg_locs=[thread.loc] * 2)
    inner = thread.at(ir.InsertionPoint(block))
    k, total = block.arguments
    a_start = inner.binary("addi", my_row, k)
    b_start = inner.binary("addi", inner.binary("muli", k, inner.integer(columns)), my_column)
    sums = [inner.part(total, r, vector) for r in range(0, layout.registers, vector)]
    for i in range(step):
        rows: dict[int, ir.Value] = {}
        runs: dict[int, ir.Value] = {}
        for number, (row, column) in enumerate(places[::vector]):
            if row not in rows:
                value = _read(inner, base, a_start, row * depth + i, a.type.element_type, 1)
                rows[row] = inner.pick(_widened(inner, value, element), [0] * vector)
            if column not in runs:
                value = _read(inner, second, b_start, i * columns + column, b.type.element_type, vector)
                runs[column] = _widened(inner, value, element)
            sums[number] = _multiply_add(inner, rows[row], runs[column], sums[number])
    inner.op("scf.yield", (inner.join(sums),))
    return loop.results[0]


def _write_rows(lowering: Lowering, value: ir.Value, layout: Layout, base: ir.Value) -> None:
    thread, element = lowering.thread, value.type.element_type
    vector = min(layout.contiguous(1), 16 // byte_width(element))
    first = thread.linear(lowering.tid, layout.thread)
    for r in range(0, layout.registers, vector):
        number = thread.integer(layout.element(r, 0, 0))
        place = number if isinstance(first, int) else thread.binary("addi", first, number)
        part = thread.part(value, r, vector)
        thread.store(part, thread.address(base, place, element), vector * byte_width(element))


def _read(thread: Thread, base: ir.Value, start: ir.Value, constant: int, element: ir.Type, count: int) -> ir.Value:
    place = thread.binary("addi", start, thread.integer(constant))
    count_bytes = count * byte_width(element)
    return thread.load(thread.address(base, place, element), vector_of(count, element), min(count_bytes, 16))


def _widened(thread: Thread, value: ir.Value, element: ir.Type) -> ir.Value:
    own = value.type.element_type
    if own == element:
        return value
    name = "arith.extf" if isinstance(element, ir.FloatType) else "arith.extsi"
    return thread.op(name, (value,), (vector_of(value.type.shape[0], element),)).results[0]


def _multiply_add(thread: Thread, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    if isinstance(c.type.element_type, ir.FloatType):
        return thread.op("llvm.intr.fma", (a, b, c), (c.type,)).results[0]
    return thread.binary("addi", thread.binary("muli", a, b), c)


register_rules({"astra.tile_dot": _dot})
