"""Tiles in shared memory: asynchronous copies into them, and reads by ``ldmatrix`` or vectors.

Places are those that wgmma and TMA call swizzled: the inner dimension in panels of at most 128 bytes, whose 16-byte
pieces change places by the number of the row, so that eight rows of one column of pieces are in different banks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.access import mask_of
from astra_mlir.passes.gpu.emit import Thread, storage, vector_of
from astra_mlir.passes.gpu.layouts import Layout, log2
from astra_mlir.passes.gpu.lower_memory import one_of_copies, register_width
from astra_mlir.passes.gpu.moves import Places
from astra_mlir.passes.gpu.to_gpu import register_rules
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__ = ["buffer_places", "read_tile", "slot_bytes", "swizzle_bytes", "tile_address", "write_tile"]

_PIECE = 16  # bytes that stay together
_ALIGNMENT = 1024  # of a tile: eight rows of 128 bytes, the period of the widest swizzle


def swizzle_bytes(shape: tuple[int, ...], inner: int, element_bytes: int) -> int:
    """The width of a panel: 128, 64, 32 or (not swizzled) 16 bytes or less."""
    return min(shape[inner] * element_bytes, 128)


def buffer_places(shape: tuple[int, ...], inner: int, element_bytes: int) -> Places:
    """Where the elements of a tile of rank 2 lie in its buffer, in elements."""
    rows, columns = shape[1 - inner], shape[inner]
    width = swizzle_bytes(shape, inner, element_bytes)
    panel = width // element_bytes
    along = [1 << i if 1 << i < panel else rows * panel * ((1 << i) // panel) for i in range(log2(columns))]
    pieces = max(log2(max(width // _PIECE, 1)), 0)  # bits of a piece's number in its row
    skipped = 3 - pieces  # rows that share 128 bytes
    across = []
    for j in range(log2(rows)):
        turned = 1 << (j - skipped) if 0 <= j - skipped < pieces else 0
        across.append((panel << j) ^ turned * (_PIECE // element_bytes))
    return Places(tuple(across + along) if inner == 0 else tuple(along + across))


def _parts(buffer: ir.Value) -> tuple[tuple[int, ...], int, ir.Type]:
    op = buffer.owner.operation
    shape = tuple(buffer.type.shape)[1:]
    return shape, ir.IntegerAttr(op.attributes["inner"]).value, storage(buffer.type.element_type)


def slot_bytes(buffer: ir.Value) -> int:
    shape, _, element = _parts(buffer)
    return -(-math.prod(shape) * byte_width(element) // _ALIGNMENT) * _ALIGNMENT


def tile_address(lowering: Lowering, buffer: ir.Value, slot: ir.Value) -> ir.Value:
    """The address in shared memory (an i32) of one of a buffer's tiles."""
    thread = lowering.thread
    start = thread.op("llvm.ptrtoint", (lowering[buffer],), (thread.i32,)).results[0]
    return thread.binary("addi", start, thread.binary("muli", lowering[slot], thread.integer(slot_bytes(buffer))))


def _buffer(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    size = slot_bytes(op.results[0]) * op.results[0].type.shape[0]
    return [lowering.pin(op.results[0], size)]


def _offsets(
    thread: Thread, base: ir.Value, number: ir.Value, bases: list[int], registers: list[int]
) -> list[ir.Value]:
    """Addresses ``base + (linear(number) ^ register)``, all in bytes; what does not meet is added."""
    reach = 0
    for basis in bases:
        reach |= basis
    first = thread.linear(number, bases)
    results, starts = [], {}
    for own in registers:
        mixed = own & reach
        if mixed not in starts:
            if isinstance(first, int):
                turned: ir.Value = thread.integer(first ^ mixed)
            else:
                turned = thread.binary("xori", first, thread.integer(mixed)) if mixed else first
            starts[mixed] = thread.binary("addi", base, turned)
        rest = own & ~reach
        results.append(thread.binary("addi", starts[mixed], thread.integer(rest)) if rest else starts[mixed])
    return results


def _copy(lowering: Lowering, op: ir.Operation) -> None:
    thread = lowering.thread
    pointer, offsets, buffer, slot = list(op.operands)[:4]
    layout = lowering.layout(offsets)
    shape, inner, element = _parts(buffer)
    size = byte_width(element)
    width = register_width(lowering, op, layout)
    count = width * size
    places = buffer_places(shape, inner, size)
    base = tile_address(lowering, buffer, slot)
    starts = range(0, layout.registers, width)
    targets = _offsets(
        thread, base, lowering.tid, [places(basis) * size for basis in layout.thread],
        [places(layout.element(r, 0, 0)) * size for r in starts],
    )  # fmt: skip
    mask = mask_of(op)
    once = one_of_copies(lowering, layout)
    cache = "cg" if count == 16 else "ca"
    for r, target in zip(starts, targets, strict=True):
        source = thread.address(lowering[pointer], thread.extract(lowering[offsets], r), element)
        full = thread.integer(count)
        if mask is not None:
            full = thread.select(thread.extract(lowering[mask], r), full, thread.integer(0))
        guard = "" if once is None else "@$3 "
        text = f"{guard}cp.async.{cache}.shared.global [$0], [$1], {count}, $2;"
        operands = [target, source, full, *([] if once is None else [once])]
        thread.ptx(text, "r,l,r" + ("" if once is None else ",b") + ",~{memory}", operands)


def _commit(lowering: Lowering, op: ir.Operation) -> None:
    lowering.thread.ptx("cp.async.commit_group;", "~{memory}", ())


def _wait(lowering: Lowering, op: ir.Operation) -> None:
    pending = ir.IntegerAttr(op.attributes["pending"]).value
    lowering.thread.ptx(f"cp.async.wait_group {pending};", "~{memory}", ())
    if lowering.target.wgmma:
        lowering.thread.ptx("fence.proxy.async.shared::cta;", "~{memory}", ())  # wgmma reads by another way
    lowering.thread.barrier(lowering.warps)


# --- reads ------------------------------------------------------------------------------------------------------------


def _read(lowering: Lowering, op: ir.Operation) -> list[ir.Value | None]:
    buffer, slot = op.operands
    if op.results[0] not in lowering.layouts:
        return [None]  # a product reads it where it is
    layout = lowering.layout(op.results[0])
    base = tile_address(lowering, buffer, slot)
    return [read_tile(lowering, buffer, base, layout)]


def read_tile(lowering: Lowering, buffer: ir.Value, base: ir.Value, layout: Layout) -> ir.Value:
    """A tile in shared memory, in a layout."""
    shape, inner, element = _parts(buffer)
    size = byte_width(element)
    places = buffer_places(shape, inner, size)
    register = [places(basis) * size for basis in layout.register]
    lane = [places(basis) * size for basis in layout.lane]
    warp = [places(basis) * size for basis in layout.warp]
    plain = _plain_matrix(register, lane, size)
    if plain is not None or _turned_matrix(register, lane, size):
        return _by_matrices(lowering, base, register, lane, warp, element, plain)
    return _by_vectors(lowering, base, register, lane + warp, element)


def write_tile(lowering: Lowering, value: ir.Value, layout: Layout, inner: int) -> ir.Value:
    """Put a tile in scratch shared memory as buffers hold it; gives its address (an i32)."""
    thread, element = lowering.thread, value.type.element_type
    size = byte_width(element)
    pointer = lowering.scratch(math.prod(layout.shape) * size, _ALIGNMENT)
    base = thread.op("llvm.ptrtoint", (pointer,), (thread.i32,)).results[0]
    places = buffer_places(layout.shape, inner, size)
    register = [places(basis) * size for basis in layout.register]
    bits = 0
    while bits < len(register) and register[bits] == size << bits and size << (bits + 1) <= _PIECE:
        bits += 1
    starts = [0]
    for place in register[bits:]:
        starts += [start ^ place for start in starts]
    threads = [places(basis) * size for basis in layout.thread]
    for i, address in enumerate(_offsets(thread, base, lowering.tid, threads, starts)):
        target = thread.op("llvm.inttoptr", (address,), (thread.shared_pointer,)).results[0]
        thread.store(thread.part(value, i << bits, 1 << bits), target, size << bits)
    return base


def _plain_matrix(register: list[int], lane: list[int], size: int) -> int | None:
    """How many register bits are inside the 4 bytes that a lane gets of a row by ``ldmatrix``, if it can be used."""
    inside = log2(4 // size) if size <= 4 else -1
    if inside < 0 or register[:inside] != [size << i for i in range(inside)] or lane[:2] != [4, 8]:
        return None
    rest = [*register[inside:], *lane[2:]]
    return inside if all(value % _PIECE == 0 and value for value in rest) else None


def _turned_matrix(register: list[int], lane: list[int], size: int) -> bool:
    """Whether ``ldmatrix.trans`` gives the layout: rows of the matrices go along registers and the first lanes."""
    if size != 2 or not register or lane[2:] != [2, 4, 8]:
        return False
    return all(value % _PIECE == 0 and value for value in [*register, *lane[:2]])


def _by_matrices(
    lowering: Lowering,
    base: ir.Value,
    register: list[int],
    lane: list[int],
    warp: list[int],
    element: ir.Type,
    plain: int | None,
) -> ir.Value:
    """Lanes 8 j to 8 j + 7 give the addresses of the rows of matrix j; the bits of j are those of registers."""
    thread = lowering.thread
    inside = 1 if plain is None else plain
    rows = [register[0], *lane[:2]] if plain is None else lane[2:]
    matrices = register[inside : inside + 2]
    outer = register[inside + len(matrices) :]
    count = 1 << len(matrices)
    bases = [*rows, *matrices, *[0] * (2 - len(matrices)), *warp]
    starts = [0]
    for value in outer:
        starts += [start ^ value for start in starts]
    words = []
    suffix = ".trans" if plain is None else ""
    for address in _offsets(thread, base, lowering.tid, bases, starts):
        names = ", ".join(f"${i}" for i in range(count))
        text = f"ldmatrix.sync.aligned.m8n8.x{count}{suffix}.shared.b16 {{{names}}}, [${count}];"
        constraints = ",".join(["=r"] * count + ["r", "~{memory}"])
        words += thread.ptx(text, constraints, (address,), [thread.i32] * count)
    return thread.from_words(words, element)


def _by_vectors(
    lowering: Lowering, base: ir.Value, register: list[int], threads: list[int], element: ir.Type
) -> ir.Value:
    thread, size = lowering.thread, byte_width(element)
    bits = 0
    while bits < len(register) and register[bits] == size << bits and size << (bits + 1) <= _PIECE:
        bits += 1
    starts = [0]
    for value in register[bits:]:
        starts += [start ^ value for start in starts]
    kind = vector_of(1 << bits, element)
    parts = []
    for address in _offsets(thread, base, lowering.tid, threads, starts):
        pointer = thread.op("llvm.inttoptr", (address,), (thread.shared_pointer,)).results[0]
        parts.append(thread.load(pointer, kind, size << bits))
    return thread.join(parts)


register_rules(
    {
        "astra.tile_buffer": _buffer,
        "astra.tile_copy": _copy,
        "astra.tile_commit": _commit,
        "astra.tile_wait": _wait,
        "astra.tile_read": _read,
    }
)
