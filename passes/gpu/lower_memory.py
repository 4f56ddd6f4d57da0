"""Loads, stores and atomic operations of a tile function, as accesses of up to 128 bits of one thread.

An access of several elements has one predicate where the mask is the same for all of them (the axis analysis says so);
copies of an element are read by all threads that hold it and written by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.access import access_width, mask_of
from astra_mlir.passes.gpu.emit import Thread, storage, vector_of
from astra_mlir.passes.gpu.layouts import Layout
from astra_mlir.passes.gpu.to_gpu import register_rules
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__ = ["one_of_copies", "register_width"]


def register_width(lowering: Lowering, op: ir.Operation, layout: Layout) -> int:
    """How many successive registers one access takes."""
    dim = max(range(len(layout.shape)), key=layout.contiguous)
    return min(layout.contiguous(dim), access_width(lowering.facts, op, lowering.target.access_bits, dim))


def one_of_copies(lowering: Lowering, layout: Layout) -> ir.Value | None:
    """Whether this thread is the first of those that hold the same elements (``None``: no others do)."""
    thread = lowering.thread
    mask = sum(1 << i for i in layout.copies)
    if not mask:
        return None
    return thread.equal(thread.binary("andi", lowering.tid, thread.integer(mask)), thread.integer(0))


def _hints(op: ir.Operation, default: str = "") -> str:
    """The suffixes of a PTX load or store that an operation's hints ask for."""
    text = default
    for name, form in (("cache", ".{}"), ("eviction", ".L1::{}")):
        if name in op.attributes:
            text += form.format(ir.StringAttr(op.attributes[name]).value)
    return text


def _word_of(thread: Thread, size: int) -> tuple[ir.Type, str, str]:
    """The integer type, constraint and PTX type that an access of ``size`` bytes is made of."""
    if size >= 4:
        return thread.i32, "r", "b32"
    return (thread.i16, "h", "b16") if size == 2 else (thread.i16, "h", "b8")


def _to_words(thread: Thread, vector: ir.Value, size: int) -> list[ir.Value]:
    if size == 1:
        byte = thread.bits_as(vector, thread.i8)
        return [thread.op("arith.extui", (thread.extract(byte, 0),), (thread.i16,)).results[0]]
    return thread.as_words(vector)


def _from_words(thread: Thread, words: Sequence[ir.Value], size: int, element: ir.Type) -> ir.Value:
    if size == 1:
        words = [thread.op("arith.trunci", (words[0],), (thread.i8,)).results[0]]
    return thread.from_words(words, element)


def _braced(names: Sequence[str]) -> tuple[str, str]:
    """The vector suffix and operand of PTX for registers."""
    return ("", names[0]) if len(names) == 1 else (f".v{len(names)}", "{" + ", ".join(names) + "}")


def predicated_load(
    thread: Thread, pointer: ir.Value, predicate: ir.Value | None, other: ir.Value, hints: str, space: str = "global"
) -> ir.Value:
    """``other`` (a vector), or what is at a pointer if a predicate holds."""
    element, size = other.type.element_type, other.type.shape[0] * byte_width(other.type.element_type)
    kind, constraint, ptx_type = _word_of(thread, size)
    words = _to_words(thread, other, size)
    count = len(words)
    suffix, registers = _braced([f"${i}" for i in range(count)])
    guard = "" if predicate is None else f"@${count + 1} "
    operands = [pointer, *([] if predicate is None else [predicate]), *words]
    ties = [str(i) for i in range(count)]
    constraints = [f"={constraint}"] * count + ["l"] + ([] if predicate is None else ["b"]) + ties
    text = f"{guard}ld.{space}{hints}{suffix}.{ptx_type} {registers}, [${count}];"
    got = thread.ptx(text, ",".join(constraints), operands, [kind] * count)
    return _from_words(thread, got, size, element)


def predicated_store(
    thread: Thread, pointer: ir.Value, predicate: ir.Value | None, value: ir.Value, hints: str
) -> None:
    """Write a vector if a predicate holds."""
    size = value.type.shape[0] * byte_width(value.type.element_type)
    _, constraint, ptx_type = _word_of(thread, size)
    words = _to_words(thread, value, size)
    first = 1 if predicate is None else 2
    suffix, registers = _braced([f"${first + i}" for i in range(len(words))])
    guard = "" if predicate is None else "@$1 "
    operands = [pointer, *([] if predicate is None else [predicate]), *words]
    constraints = ["l", *([] if predicate is None else ["b"]), *[constraint] * len(words)]
    text = f"{guard}st.global{hints}{suffix}.{ptx_type} [$0], {registers};"
    thread.ptx(text, ",".join(constraints), operands)


def _both(thread: Thread, a: ir.Value | None, b: ir.Value | None) -> ir.Value | None:
    if a is None or b is None:
        return a if b is None else b
    return thread.binary("andi", a, b)


def _element(op: ir.Operation) -> ir.Type:
    """The element type of the values behind the pointer (signless)."""
    element = op.operands[0].type.element_type
    if isinstance(element, ir.IntegerType) and not element.is_signless:
        return ir.IntegerType.get_signless(element.width)
    return storage(element)


def _as_vector(lowering: Lowering, value: ir.Value) -> ir.Value:
    """A scalar as a vector of one."""
    return value if isinstance(value.type, ir.VectorType) else lowering.thread.splat(value, 1)


def _order(lowering: Lowering, op: ir.Operation, write: bool) -> None:
    """Where a kernel reads what it also writes, all threads get there together."""
    if op.operands[0] in lowering.stored and (not write or _is_read(op.operands[0])):
        lowering.thread.barrier(lowering.warps)


def _is_read(pointer: ir.Value) -> bool:
    return any(use.owner.operation.name == "astra.tile_load" for use in pointer.uses)


def _load(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    _order(lowering, op, write=False)
    thread, element = lowering.thread, _element(op)
    base, offsets = lowering[op.operands[0]], _as_vector(lowering, lowering[op.operands[1]])
    scalar = not isinstance(op.results[0].type, ir.RankedTensorType)
    width = 1 if scalar else register_width(lowering, op, lowering.layout(op.results[0]))
    mask = mask_of(op)
    masks = None if mask is None else _as_vector(lowering, lowering[mask])
    others = _as_vector(lowering, lowering[op.operands[3]]) if len(op.operands) > 3 else None
    kind, hints = vector_of(width, element), _hints(op)
    volatile = "volatile" in op.attributes and ir.BoolAttr(op.attributes["volatile"]).value
    if volatile:
        hints = ".volatile"
    alignment = width * byte_width(element)
    parts = []
    for r in range(0, offsets.type.shape[0], width):
        pointer = thread.address(base, thread.extract(offsets, r), element)
        if masks is None and not hints:
            parts.append(thread.load(pointer, kind, alignment))
            continue
        other = thread.part(others, r, width) if others is not None else thread.zero(kind)
        predicate = None if masks is None else thread.extract(masks, r)
        parts.append(predicated_load(thread, pointer, predicate, other, hints))
    result = parts[0] if len(parts) == 1 else thread.join(parts)
    return [thread.extract(result, 0) if scalar else result]


def _store(lowering: Lowering, op: ir.Operation) -> None:
    _order(lowering, op, write=True)
    thread, element = lowering.thread, _element(op)
    base, offsets = lowering[op.operands[0]], _as_vector(lowering, lowering[op.operands[1]])
    value = _as_vector(lowering, lowering[op.operands[2]])
    scalar = not isinstance(op.operands[2].type, ir.RankedTensorType)
    if scalar:
        width, once = 1, thread.equal(lowering.tid, thread.integer(0))
    else:
        layout = lowering.layout(op.operands[2])
        width, once = register_width(lowering, op, layout), one_of_copies(lowering, layout)
    mask = mask_of(op)
    masks = None if mask is None else _as_vector(lowering, lowering[mask])
    hints = _hints(op)
    for r in range(0, offsets.type.shape[0], width):
        pointer = thread.address(base, thread.extract(offsets, r), element)
        predicate = _both(thread, None if masks is None else thread.extract(masks, r), once)
        part = thread.part(value, r, width)
        if predicate is None and not hints:
            thread.store(part, pointer, width * byte_width(element))
        else:
            predicated_store(thread, pointer, predicate, part, hints)


# --- atomic operations ------------------------------------------------------------------------------------------------

# kind: the operation of PTX and its type letter
_ATOMIC = {
    "add": ("add", "u"), "min": ("min", "s"), "max": ("max", "s"), "umin": ("min", "u"), "umax": ("max", "u"),
    "and": ("and", "b"), "or": ("or", "b"), "xor": ("xor", "b"), "exchange": ("exch", "b"), "fadd": ("add", "f"),
}  # fmt: skip
_SEMANTICS = {"relaxed": ".relaxed", "acquire": ".acquire", "release": ".release", "acq_rel": ".acq_rel"}


def _text(op: ir.Operation, name: str, default: str) -> str:
    return ir.StringAttr(op.attributes[name]).value if name in op.attributes else default


def _atomic_type(lowering: Lowering, op: ir.Operation, element: ir.Type) -> tuple[str, str, ir.Type]:
    """PTX's operation and type, and the type of the register."""
    thread, kind, width = lowering.thread, _text(op, "kind", "cas"), element.width
    register = ir.IntegerType.get_signless(width)
    if kind == "cas" and width in (16, 32, 64):
        return "cas", f"b{width}", register
    if kind == "fadd" and width == 16:
        name = "add.noftz"
        return name, "bf16" if isinstance(element, ir.BF16Type) else "f16", register
    if kind not in _ATOMIC or width < 32:
        raise lowering.refuse(op, f"kind '{kind}' on elements of type {element}")
    name, letter = _ATOMIC[kind]
    del thread
    return name, f"{letter}{width}", register


def _atomic(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    thread, element = lowering.thread, _element(op)
    kind = _text(op, "kind", "cas")
    swap = op.name == "astra.tile_atomic_cas"
    base, offsets = lowering[op.operands[0]], _as_vector(lowering, lowering[op.operands[1]])
    values = [_as_vector(lowering, lowering[operand]) for operand in (op.operands[2:4] if swap else op.operands[2:3])]
    scalar = not isinstance(op.results[0].type, ir.RankedTensorType)
    layout = None if scalar else lowering.layout(op.results[0])
    if layout is None:
        once: ir.Value | None = thread.equal(lowering.tid, thread.integer(0))
    else:
        once = one_of_copies(lowering, layout)
    mask = None if swap else mask_of(op)
    masks = None if mask is None else _as_vector(lowering, lowering[mask])
    used = bool(list(op.results[0].uses))
    order = _SEMANTICS[_text(op, "ordering", "acq_rel")] + "." + _text(op, "scope", "gpu")
    if _text(op, "ordering", "acq_rel") != "relaxed":
        thread.barrier(lowering.warps)  # what the block's other threads wrote before is ordered with it
    results = []
    for r in range(offsets.type.shape[0]):
        pointer = thread.address(base, thread.extract(offsets, r), element)
        predicate = _both(thread, None if masks is None else thread.extract(masks, r), once)
        operands = [thread.extract(value, r) for value in values]
        if kind in ("fmin", "fmax"):
            results.append(_float_extreme(lowering, op, pointer, predicate, operands[0], order))
            continue
        name, ptx_type, register = _atomic_type(lowering, op, element)
        results.append(
            _atomic_one(thread, pointer, predicate, operands, f"{order}.{name}.{ptx_type}", register, element)
        )
    result = thread.join(results)
    if used and once is not None:
        result = _from_first_copy(lowering, result, layout)
    if _text(op, "ordering", "acq_rel") in ("acquire", "acq_rel"):
        thread.barrier(lowering.warps)
    return [thread.extract(result, 0) if scalar else result]


def _atomic_one(
    thread: Thread,
    pointer: ir.Value,
    predicate: ir.Value | None,
    operands: Sequence[ir.Value],
    name: str,
    register: ir.Type,
    element: ir.Type,
) -> ir.Value:
    constraint = {16: "h", 32: "r", 64: "l"}[register.width]
    bits = [thread.scalar_bits(operand, register) for operand in operands]
    places = [f"${i + (2 if predicate is None else 3)}" for i in range(len(bits))]
    guard = "" if predicate is None else "@$2 "
    constraints = [f"={constraint}", "l", *([] if predicate is None else ["b"]), *[constraint] * len(bits)]
    text = f"{guard}atom.global{name} $0, [$1], {', '.join(places)};"
    arguments = [pointer, *([] if predicate is None else [predicate]), *bits]
    (old,) = thread.ptx(text, ",".join(constraints), arguments, (register,))
    return thread.scalar_bits(old, element)


def _float_extreme(
    lowering: Lowering, op: ir.Operation, pointer: ir.Value, predicate: ir.Value | None, value: ir.Value, order: str
) -> ir.Value:
    """Floats of one sign are ordered as their bits are: signed for positive ones, unsigned and reversed for others."""
    thread, width = lowering.thread, value.type.width
    if width not in (32, 64):
        raise lowering.refuse(op, f"'fmin' and 'fmax' on elements of type {value.type}")
    register = ir.IntegerType.get_signless(width)
    bits = thread.scalar_bits(value, register)
    zero = thread.integer(0, register)
    negative = thread.op(
        "arith.cmpi", (bits, zero), (thread.i1,), {"predicate": ir.IntegerAttr.get(thread.i64, 2)}
    ).results[0]
    positive = thread.binary("xori", negative, thread.integer(1, thread.i1))
    largest = _text(op, "kind", "") == "fmax"
    names = ("max", "min") if largest else ("min", "max")
    a = _atomic_one(
        thread, pointer, _both(thread, predicate, positive), [bits], f"{order}.{names[0]}.s{width}", register, register
    )
    b = _atomic_one(
        thread, pointer, _both(thread, predicate, negative), [bits], f"{order}.{names[1]}.u{width}", register, register
    )
    return thread.scalar_bits(thread.select(negative, b, a), value.type)


def _from_first_copy(lowering: Lowering, vector: ir.Value, layout: Layout | None) -> ir.Value:
    """What the first of the threads that hold copies has, in all of them: through shared memory."""
    thread, element, count = lowering.thread, vector.type.element_type, vector.type.shape[0]
    size = byte_width(element)
    copies = sum(1 << i for i in (range(5 + lowering.warps.bit_length() - 1) if layout is None else layout.copies))
    base = lowering.scratch(32 * lowering.warps * count * size)
    mine = thread.binary("muli", lowering.tid, thread.integer(count))
    first = thread.binary("andi", lowering.tid, thread.integer(~copies & (32 * lowering.warps - 1)))
    theirs = thread.binary("muli", first, thread.integer(count))
    thread.store(vector, thread.address(base, mine, element), size)
    thread.barrier(lowering.warps)
    return thread.load(thread.address(base, theirs, element), vector.type, size)


register_rules(
    {
        "astra.tile_load": _load,
        "astra.tile_store": _store,
        "astra.tile_atomic": _atomic,
        "astra.tile_atomic_cas": _atomic,
    }
)
