"""Products of warpgroups: ``wgmma`` on tiles in shared memory, accumulators in registers.

All instructions of one product stand in one piece of inline PTX, from the fence to the wait, so that nothing touches
the accumulators meanwhile (ptxas would serialise the instructions).  Copies that were begun before go on during it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.emit import storage
from astra_mlir.passes.gpu.lower_shared import buffer_places, swizzle_bytes, tile_address, write_tile
from astra_mlir.passes.gpu.products import Wgmma, shared_operand
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__ = ["by_wgmma"]

_ROWS = 64
_SWIZZLE = {128: 1, 64: 2, 32: 3}  # width of a row of the swizzle: its number in a descriptor
_CONSTRAINT = {"f32": "f", "i32": "r"}


class _Operand:
    """A tile in shared memory: where it begins, and how a descriptor says it lies."""

    def __init__(
        self, lowering: Lowering, base: ir.Value, shape: tuple[int, ...], inner: int, along_k: int, element: ir.Type
    ) -> None:
        self.shape, self.size = shape, byte_width(element)
        self.places = buffer_places(shape, inner, self.size)
        self.turned = inner != along_k
        width = swizzle_bytes(shape, inner, self.size)
        leading = shape[1 - inner] * width if self.turned else 16  # to the next panel; not looked at along K
        between = 8 * width  # to the next eight rows
        self.fields = (leading >> 4) << 16 | (between >> 4) << 32 | _SWIZZLE[width] << 62
        thread = lowering.thread
        bits = thread.binary("shrui", base, thread.integer(4))
        bits = thread.binary("andi", bits, thread.integer(0x3FFF))
        wide = thread.op("arith.extui", (bits,), (thread.i64,)).results[0]
        fields = self.fields - (1 << 64) if self.fields >> 63 else self.fields
        self.start = thread.binary("ori", wide, thread.integer(fields, thread.i64))

    def step(self, row: int, column: int) -> int:
        """What the descriptor of the part that begins at a row and column adds to that of the tile."""
        return self.places(row * self.shape[1] + column) * self.size >> 4


def by_wgmma(lowering: Lowering, op: ir.Operation, wgmma: Wgmma) -> ir.Value:
    """The code of an ``astra.tile_dot``."""
    thread = lowering.thread
    a, b, c = op.operands
    layout = lowering.layout(op.results[0])
    depth = a.type.shape[1]
    right = _operand(lowering, b, 1, wgmma)
    in_registers = shared_operand(a) is None
    left = None if in_registers else _operand(lowering, a, 0, wgmma)
    groups = layout.warp[2:]
    columns = layout.shape[1]
    parts = [divmod(layout.element(r, 0, 0), columns) for r in range(0, layout.registers, wgmma.n // 2)]
    starts = []  # of this warpgroup's rows of A and columns of B
    for operand, part in ((left, 0), (right, 1)):
        if operand is None:
            starts.append(None)
            continue
        steps = [operand.step(*((g // columns, 0) if part == 0 else (0, g % columns))) for g in groups]
        own = thread.linear(lowering.tid, [0] * 7 + steps)
        start = operand.start
        if not isinstance(own, int):
            wide = thread.op("arith.extui", (own,), (thread.i64,)).results[0]
            start = thread.binary("addi", start, wide)
        starts.append(start)
    words = [thread.extract(lowering[c], r) for r in range(layout.registers)] if _is_word(c) else None
    values = words if words is not None else thread.as_words(lowering[c])
    return _emit(lowering, op, wgmma, values, parts, left, right, starts, depth)


def _is_word(value: ir.Value) -> bool:
    return value.type.element_type.width == 32


def _operand(lowering: Lowering, value: ir.Value, index: int, wgmma: Wgmma) -> _Operand:
    """An operand where it lies in shared memory, put there now if it is in registers."""
    along_k = 1 - index
    found = shared_operand(value)
    shape, element = tuple(value.type.shape), storage(value.type.element_type)
    if found is not None:
        base = tile_address(lowering, found.buffer, found.slot)
        return _Operand(lowering, base, shape, found.inner, along_k, element)
    inner = 1 if wgmma.turns else along_k
    base = write_tile(lowering, lowering[value], lowering.layout(value), inner)
    lowering.thread.ptx("fence.proxy.async.shared::cta;", "~{memory}", ())
    lowering.thread.barrier(lowering.warps)
    return _Operand(lowering, base, shape, inner, along_k, element)


def _emit(
    lowering: Lowering,
    op: ir.Operation,
    wgmma: Wgmma,
    values: list[ir.Value],
    parts: list[tuple[int, int]],
    left: _Operand | None,
    right: _Operand,
    starts: list[ir.Value | None],
    depth: int,
) -> ir.Value:
    thread = lowering.thread
    count = len(values)
    per = count // len(parts)
    operands: list[ir.Value] = []
    constraints: list[str] = []

    def place(value: ir.Value, constraint: str) -> str:
        operands.append(value)
        constraints.append(constraint)
        return f"${count + len(operands) - 1}"

    fragments = _fragments(lowering, op.operands[0], wgmma, place) if left is None else {}
    a_start = None if left is None else place(starts[0], "l")
    b_start = place(starts[1], "l")
    lines, declared = [], []

    def descriptor(start: str, step: int) -> str:
        if not step:
            return start
        name = f"d{len(declared)}"
        declared.append(name)
        lines.append(f"add.s64 {name}, {start}, {step};")
        return name

    calls = []
    for i, (row, column) in enumerate(parts):
        registers = ", ".join(f"${i * per + j}" for j in range(per))
        for k in range(0, depth, wgmma.k):
            b = descriptor(b_start, right.step(k, column))
            if left is None:
                a = "{" + ", ".join(fragments[row, k]) + "}"
            else:
                a = descriptor(a_start, left.step(row, k))
            flags = "" if ".s8" in wgmma.types else ", 1, 1"
            if wgmma.turns:
                flags += ("" if left is None else f", {int(left.turned)}") + f", {int(right.turned)}"
            name = f"wgmma.mma_async.sync.aligned.m64n{wgmma.n}k{wgmma.k}.{wgmma.types}"
            calls.append(f"{name} {{{registers}}}, {a}, {b}, p{flags};")
    header = ".reg .pred p; " + (f".reg .b64 {', '.join(declared)}; " if declared else "")
    text = (
        "{ " + header + "setp.ne.b32 p, 1, 0; " + " ".join(lines) + " wgmma.fence.sync.aligned; " + " ".join(calls)
        + " wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0; }"
    )  # fmt: skip
    kinds = [value.type for value in values]
    outputs = [f"={_CONSTRAINT[str(kind)]}" for kind in kinds]
    ties = [str(i) for i in range(count)]
    whole = ",".join([*outputs, *constraints, *ties, "~{memory}"])
    got = thread.ptx(text, whole, [*operands, *values], kinds)
    return thread.from_words(got, lowering[op.operands[2]].type.element_type)


def _fragments(lowering: Lowering, value: ir.Value, wgmma: Wgmma, place: object) -> dict[tuple[int, int], list[str]]:
    """The registers of operand A, by the row and depth where one instruction's part begins."""
    thread, layout = lowering.thread, lowering.layout(value)
    count = _ROWS * wgmma.k // 128
    words = thread.as_words(thread.bits_as(lowering[value], thread.i32))
    per = len(words) * count // layout.registers
    return {
        divmod(layout.element(i * count, 0, 0), layout.shape[1]): [
            place(word, "r") for word in words[i * per : (i + 1) * per]
        ]
        for i in range(layout.registers // count)
    }
