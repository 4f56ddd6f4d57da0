"""The functions that pack panels of an operand of a matrix product, which every product of a module shares.

Which one packs an operand is known from its strides: :func:`copy_text` where the lanes of a panel are side by side in
memory, else :func:`pack_text`.
"""

from __future__ import annotations

from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_formats import pack_groups_text
from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes, widen
from astra_mlir.passes.kernel_rules.gemm_levels import transposed

__all__ = ["COPY_ARGUMENTS", "PACK_ARGUMENTS", "block_side", "copy_text", "pack_text"]

# Panels that are copied together, for longer runs of each line of the source: 4 panels of 32 f32 columns are copied
# twice as fast as one after the other (46 against 24 GB/s from the third-level cache), 8 no faster.
TOGETHER = 4

COPY_ARGUMENTS = (
    ("%source", "memref<?x{s}>"), ("%offset", "index"), ("%step", "index"), ("%depth", "index"), ("%valid", "index"),
    ("%panel", "memref<?x{t}>"), ("%panel_offset", "index"), ("%panel_elements", "index"),
)  # fmt: skip

PACK_ARGUMENTS = (
    ("%source", "memref<?x{s}>"), ("%offset", "index"), ("%lanes", "memref<?xindex>"), ("%lane0", "index"),
    ("%valid", "index"), ("%ascending", "i1"), ("%step", "index"), ("%depth", "index"), ("%panel", "memref<?x{t}>"),
    ("%panel_offset", "index"),
)  # fmt: skip


def block_side(types: GemmTypes, width: int) -> int:
    """Rows and columns of the blocks that are transposed in registers."""
    return min(types.lanes, 1 << (width - 1).bit_length())


def _pieces(width: int, lanes: int) -> list[int]:
    """Where vectors of ``lanes`` that cover ``width`` begin; the last one may overlap the one before.

    >>> _pieces(32, 16), _pieces(6, 4), _pieces(6, 8)
    ([0, 16], [0, 2], [0])
    """
    pieces = list(range(0, max(width - lanes, 0) + 1, lanes))
    if pieces[-1] + lanes < width:
        pieces.append(width - lanes)
    return pieces


class _Copier:
    """Copies ``width`` adjacent elements to the accumulator's type, in vectors."""

    def __init__(self, f: FunctionText, types: GemmTypes, source: str, width: int) -> None:
        self.f, self.source, self.element = f, source, types.accumulator
        self.signless = source.removeprefix("u")
        self.lanes = min(types.lanes, 1 << (width.bit_length() - 1))
        self.pieces = _pieces(width, self.lanes)

    def masks(self, valid: Index) -> list[str]:
        """Masks for the first ``valid`` elements."""
        f, kind = self.f, f"vector<{self.lanes}xi1>"
        return [f.value(f"vector.create_mask {f.ssa(f.sub(valid, piece))} : {kind}") for piece in self.pieces]

    def copy(self, at: Index, to: Index, masks: list[str] | None = None) -> None:
        """From ``%source[at]`` to ``%panel[to]``; 0 where a mask is not set."""
        f, lanes = self.f, self.lanes
        read, bits = f"vector<{lanes}x{self.signless}>", f"vector<{lanes}xi1>"
        for i, piece in enumerate(self.pieces):
            place, memref = f"%source[{f.ssa(f.add(at, piece))}]", f"memref<?x{self.signless}>"
            if masks is None:
                value = f.value(f"vector.load {place} : {memref}, {read}")
            else:
                zero = f.constant("dense<0.0>" if "f" in self.source else "dense<0>", read)
                value = f.value(f"vector.maskedload {place}, {masks[i]}, {zero} : {memref}, {bits}, {read} into {read}")
            value = widen(f, value, self.source, self.element, lanes=lanes)
            kinds = f"memref<?x{self.element}>, vector<{lanes}x{self.element}>"
            f.line(f"vector.store {value}, %panel[{f.ssa(f.add(to, piece))}] : {kinds}")


def _function(name: str, arguments: tuple[tuple[str, str], ...], source: str, element: str) -> FunctionText:
    kinds = [(argument, type.format(s=source.removeprefix("u"), t=element)) for argument, type in arguments]
    return FunctionText(name, kinds, inline=False)


def copy_text(types: GemmTypes, source: str, width: int) -> str:
    """``panel[panel_offset + p * panel_elements + k * width + l] = source[offset + p * width + l + k * step]``.

    0 is written where ``p * width + l >= valid``.
    """
    f = _function(types.copy(source, width), COPY_ARGUMENTS, source, types.accumulator)
    copier = _Copier(f, types, source, width)
    with f.loop(0, "%valid", TOGETHER * width) as first:
        count = f.min(f.sub("%valid", first), TOGETHER * width)
        whole = f.div(count, width)
        rest = f.rem(count, width)
        has_rest, masks = f.compare("ne", rest, 0), copier.masks(rest)
        source_at = f.add("%offset", first)
        panel_at = f.add("%panel_offset", f.mul(f.div(first, width), "%panel_elements"))
        with f.loop(0, "%depth") as k:
            at, to = f.add(source_at, f.mul(k, "%step")), f.add(panel_at, f.mul(k, width))
            with f.loop(0, whole) as p:
                copier.copy(f.add(at, f.mul(p, width)), f.add(to, f.mul(p, "%panel_elements")))
            with f.block(f"scf.if {has_rest} {{"):
                copier.copy(f.add(at, f.mul(whole, width)), f.add(to, f.mul(whole, "%panel_elements")), masks)
    return f.text()


def pack_text(types: GemmTypes, source: str, width: int, side: int, way: str) -> str:
    """``panel[panel_offset + k * width + l] = source[offset + lanes[lane0 + l] + k * step]``.

    What is written where ``l >= valid`` has no meaning.  Three ways of reading: the lanes are side by side in memory
    (looked at only where they are known to come in ``ascending`` order); the steps are (a block is transposed in
    registers); neither.  With ``way`` ``"blocks"`` it is always the second.  Where ``width`` is less than a vector and
    not a power of two the second may write up to one vector beyond the panel: the caller packs in ascending order and
    leaves room after the last.
    """
    signless, element = source.removeprefix("u"), types.accumulator
    f = _function(types.pack(source, width, side, way), PACK_ARGUMENTS, source, element)
    if types.format:
        return pack_groups_text(f, types, types.format, source, width, flip=types.is_offset(side))
    from_memref, to_memref = f"memref<?x{signless}>", f"memref<?x{element}>"
    last = f.sub("%valid", 1)
    side = block_side(types, width)

    def lane_offset(lane: Index) -> str:
        """Where a lane begins; one that is not valid reads the last that is."""
        row = f.value(f"memref.load %lanes[{f.ssa(f.add('%lane0', f.min(lane, last)))}] : memref<?xindex>")
        return f.ssa(f.add("%offset", row))

    def copy_adjacent() -> None:
        copier = _Copier(f, types, source, width)
        first = f.add("%offset", f.value("memref.load %lanes[%lane0] : memref<?xindex>"))
        for whole in (True, False):
            with f.block(
                f"scf.if {f.compare('eq', '%valid', width)} {{" if whole else "", "} else {" if whole else "}"
            ):
                masks = None if whole else copier.masks("%valid")
                with f.loop(0, "%depth") as k:
                    copier.copy(f.add(first, f.mul(k, "%step")), f.add("%panel_offset", f.mul(k, width)), masks)

    def copy_scalars() -> None:
        with f.loop(0, width) as lane:
            offset = lane_offset(lane)
            with f.loop(0, "%depth") as k:
                at = f.ssa(f.add(offset, f.mul(k, "%step")))
                value = widen(f, f.value(f"memref.load %source[{at}] : {from_memref}"), source, element)
                to = f.ssa(f.add("%panel_offset", f.mul(k, width), lane))
                f.line(f"memref.store {value}, %panel[{to}] : {to_memref}")

    def transpose_blocks() -> None:
        read, vector = f"vector<{side}x{signless}>", f"vector<{side}x{element}>"
        with f.loop(0, width, side) as group:
            start = f.min(group, width - side) if width > side else group
            lanes = [lane_offset(f.add(start, i)) for i in range(side)]
            with f.loop(0, "%depth", side) as block:
                k = f.min(block, f.sub("%depth", side))  # the last one overlaps the one before
                rows = [f.value(f"vector.load %source[{f.ssa(f.add(at, k))}] : {from_memref}, {read}") for at in lanes]
                rows = [widen(f, row, source, element, lanes=side) for row in rows]
                for i, row in enumerate(transposed(f, rows, vector)):
                    to = f.ssa(f.add("%panel_offset", f.mul(f.add(k, i), width), start))
                    f.line(f"vector.store {row}, %panel[{to}] : {to_memref}, {vector}")

    if way == "blocks":
        transpose_blocks()
        return f.text()
    extent = f.sub(lane_offset(last), lane_offset(0))
    adjacent = f.value(f"arith.andi %ascending, {f.compare('eq', extent, last)} : i1")
    with f.block(f"scf.if {adjacent} {{", "} else {"):
        copy_adjacent()
    with f.block(""):
        in_blocks = f.value(f"arith.andi {f.compare('eq', '%step', 1)}, {f.compare('sge', '%depth', side)} : i1")
        with f.block(f"scf.if {in_blocks} {{", "} else {"):
            transpose_blocks()
        with f.block(""):
            copy_scalars()
    return f.text()
