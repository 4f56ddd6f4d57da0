"""Stores past the cache: what an innermost loop computes goes to a small buffer, and from there to memory in lines.

A store of part of a line first reads the line; one of a whole line that is marked non-temporal does not, which saves a
third of the traffic of a copy (64 MB on Zen 4, two threads: 42 against 29 GB/s; what fits in the cache is slower).
Used by ``astra-kernels-to-loops`` for the arguments that ``astra-form-kernels`` marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_schedule import Loop, ScheduledNest, cut
from astra_mlir.passes.memref_utils import Builder, as_bytes, byte_width

__all__ = [
    "STREAM_BLOCK", "Read", "can_stream", "cut_for_streams", "fence", "is_aligned", "read_elements", "stream",
    "stream_buffer",
]  # fmt: skip

LINE = 64  # bytes of a cache line, and alignment of the buffers that the runtime hands out
STREAM_BLOCK = 1024  # elements that are computed before they are copied: they stay in the first-level cache

Read = Callable[[Builder, ir.Value, ir.Type], ir.Value]


def can_stream(item: ScheduledNest, number: int) -> bool:
    """Whether the innermost loop writes an output in whole lines, wherever the outer ones stand."""
    if item.staged is not None or item.rows is not None or not item.loops or not all(lp.parallel for lp in item.loops):
        return False
    if any(True for _ in item.nest.op.regions[0].blocks[0].arguments[number].uses):
        return False  # it updates what is there
    if isinstance(item.flats[number].type.element_type, ir.ComplexType):
        return False  # no element of a vector
    line = LINE // byte_width(item.flats[number].type.element_type)
    *outer, inner = item.loops
    return (
        inner.steps[number] == 1
        and inner.extent >= 2 * line
        and item.constants[number] % line == 0
        and all(loop.steps[number] % line == 0 for loop in outer)
    )


def cut_for_streams(item: ScheduledNest) -> None:
    """Cut a long innermost loop, so that what it computes fits a buffer."""
    if item.loops[-1].extent > 2 * STREAM_BLOCK:
        item.loops[-1:] = cut(item.loops[-1], STREAM_BLOCK)


def is_aligned(builder: Builder, flat: ir.Value) -> ir.Value:
    """Whether a buffer begins on a line."""
    address = builder.op("memref.extract_aligned_pointer_as_index", (flat,), (builder.index,)).results[0]
    rest = builder.binary("andi", address, builder.constant(LINE - 1))
    equal = {"predicate": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0)}
    return builder.op("arith.cmpi", (rest, builder.constant(0)), (ir.IntegerType.get_signless(1),), equal).results[0]


def stream_buffer(builder: Builder, loop: Loop, element: ir.Type) -> ir.Value:
    """Memory for what one run of the innermost loop computes."""
    attributes = {
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0]),
        "alignment": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), LINE),
    }
    return builder.op("memref.alloca", (), (ir.MemRefType.get([loop.extent], element),), attributes).results[0]


def stream(
    builder: Builder,
    read: Read,
    flat: ir.Value,
    address: ir.Value | int,
    count: ir.Value | int,
    aligned: ir.Value,
) -> None:
    """Store ``count`` elements at an address, which is that of a line if the memory is aligned.

    ``read`` gives the vector, or the element, that goes to a place relative to the address.
    """
    flat = as_bytes(builder, flat)
    element = flat.type.element_type
    line = LINE // byte_width(element)
    vector = ir.VectorType.get([line], element)
    count = builder.value(count)
    lines = builder.binary("divui", count, builder.constant(line))
    whole = builder.binary("muli", lines, builder.constant(line))
    choice = builder.op("scf.if", (aligned,), (), regions=2)
    for region, past_cache in zip(choice.regions, (True, False), strict=True):
        block = region.blocks.append()
        end = ir.Operation.create("scf.yield", loc=builder.loc, ip=ir.InsertionPoint(block))
        hints = {"nontemporal": ir.BoolAttr.get(True), "alignment": _i64(LINE)} if past_cache else {}

        def copy(inside: Builder, i: ir.Value, hints: dict[str, ir.Attribute] = hints) -> None:
            value = read(inside, i, vector)
            inside.op("vector.store", (value, flat, inside.value(inside.add(i, address))), (), hints)

        inside = Builder(ir.InsertionPoint(end), builder.loc)
        _loop(inside, inside.constant(0), whole, line, copy)
    _loop(
        builder,
        whole,
        count,
        1,
        lambda inside, i: inside.store(read(inside, i, element), flat, [inside.value(inside.add(i, address))]),
    )


def read_elements(builder: Builder, source: ir.Value, indices: Sequence[ir.Value], kind: ir.Type) -> ir.Value:
    """An element of a memref, or a vector of what follows it."""
    source = as_bytes(builder, source)
    if isinstance(kind, ir.VectorType):
        return builder.op("vector.load", (source, *indices), (kind,)).results[0]
    return builder.load(source, indices)


def fence(builder: Builder) -> None:
    """Order the streamed stores before what this thread does next: they are not ordered among others."""
    builder.op("llvm.fence", (), (), {"ordering": _i64(7)})


def _i64(value: int) -> ir.Attribute:
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)


def _loop(builder: Builder, low: ir.Value, high: ir.Value, step: int, body) -> None:
    rolled = {"llvm.loop_annotation": ir.Attribute.parse("#llvm.loop_annotation<unroll = <disable = true>>")}
    op = builder.op("scf.for", (low, high, builder.constant(step)), (), rolled, regions=1)
    block = op.regions[0].blocks.append(builder.index, arg_locs=[builder.loc])
    end = ir.Operation.create("scf.yield", loc=builder.loc, ip=ir.InsertionPoint(block))
    body(Builder(ir.InsertionPoint(end), builder.loc), block.arguments[0])
