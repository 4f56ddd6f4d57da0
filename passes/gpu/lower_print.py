"""``astra.tile_print`` by the device's ``vprintf``: a line for each element, written by one thread that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.emit import Thread
from astra_mlir.passes.gpu.layouts import strides_of
from astra_mlir.passes.gpu.lower_memory import one_of_copies
from astra_mlir.passes.gpu.to_gpu import register_rules

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__: list[str] = []


def _print(lowering: Lowering, op: ir.Operation) -> None:
    prefix = ir.StringAttr(op.attributes["prefix"]).value.replace("%", "%%")
    flags = list(op.attributes["unsigned"]) if "unsigned" in op.attributes else [False] * len(op.operands)
    for operand, is_unsigned in zip(op.operands, flags, strict=True):
        _print_one(lowering, operand, prefix, is_unsigned)


def _print_one(lowering: Lowering, operand: ir.Value, prefix: str, is_unsigned: bool) -> None:
    thread, value = lowering.thread, lowering[operand]
    programs = [thread.special(f"ctaid.{axis}") for axis in "xyz"]
    if not isinstance(operand.type, ir.RankedTensorType):
        once = thread.equal(lowering.tid, thread.integer(0))
        _line(lowering, once, prefix, programs, [], value, is_unsigned)
        return
    layout = lowering.layout(operand)
    once = one_of_copies(lowering, layout)
    first = thread.linear(lowering.tid, layout.thread)
    for r in range(layout.registers):
        number = thread.integer(layout.element(r, 0, 0))
        if not isinstance(first, int):
            number = thread.binary("xori", number, first)
        indices = []
        for stride, size in zip(strides_of(layout.shape), layout.shape, strict=True):
            index = thread.binary("divui", number, thread.integer(stride))
            indices.append(thread.binary("remui", index, thread.integer(size)))
        _line(lowering, once, prefix, programs, indices, thread.extract(value, r), is_unsigned)


def _line(
    lowering: Lowering,
    once: ir.Value | None,
    prefix: str,
    programs: list[ir.Value],
    indices: list[ir.Value],
    value: ir.Value,
    is_unsigned: bool,
) -> None:
    outer = lowering.thread
    thread = outer
    if once is not None:
        block = outer.op("scf.if", (once,), (), {}, 2).regions[0].blocks.append()
        thread = outer.at(ir.InsertionPoint(block))
    value, form = _printable(thread, value, is_unsigned)
    where = f" idx ({', '.join(['%d'] * len(indices))})" if indices else ""
    text = f"pid (%d, %d, %d){where} {prefix}{form}\n"
    _call(lowering, thread, text, [*programs, *indices, value])
    if once is not None:
        thread.op("scf.yield")


def _printable(thread: Thread, value: ir.Value, is_unsigned: bool) -> tuple[ir.Value, str]:
    """The value as ``vprintf`` takes it: an i32, i64 or f64, and its conversion."""
    kind = value.type
    if isinstance(kind, ir.FloatType):
        wide = ir.F64Type.get()
        return (value if kind == wide else thread.op("arith.extf", (value,), (wide,)).results[0]), "%f"
    if kind.width < 32:
        name = "arith.extui" if is_unsigned or kind.width == 1 else "arith.extsi"
        value = thread.op(name, (value,), (thread.i32,)).results[0]
    letter = "u" if is_unsigned else "d"
    return value, f"%ll{letter}" if kind.width == 64 else f"%{letter}"


def _call(lowering: Lowering, thread: Thread, text: str, values: list[ir.Value]) -> None:
    """``vprintf(text, values one after the other, each aligned to its size)``."""
    pointer = ir.Type.parse("!llvm.ptr")
    name = lowering.text(text)
    format_of = thread.op(
        "llvm.mlir.addressof", (), (pointer,), {"global_name": ir.FlatSymbolRefAttr.get(name)}
    ).results[0]
    size, places = 0, []
    for value in values:
        width = value.type.width // 8
        size = -(-size // width) * width
        places.append(size)
        size += width
    start = thread.at(ir.InsertionPoint.at_block_begin(lowering.entry))  # once, not in each iteration of a loop
    count = start.integer(max(size, 8), thread.i64)
    memory = start.op(
        "llvm.alloca", (count,), (pointer,),
        {"elem_type": ir.TypeAttr.get(thread.i8), "alignment": ir.IntegerAttr.get(thread.i64, 8)},
    ).results[0]  # fmt: skip
    for value, place in zip(values, places, strict=True):
        thread.store(value, thread.address(memory, place, thread.i8), value.type.width // 8)
    attributes = {
        "callee": ir.FlatSymbolRefAttr.get("vprintf"),
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([2, 0]),
        "op_bundle_sizes": ir.DenseI32ArrayAttr.get([]),
    }
    thread.op("llvm.call", (format_of, memory), (thread.i32,), attributes)


register_rules({"astra.tile_print": _print})
