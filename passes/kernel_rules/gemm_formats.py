"""Panels of narrow numbers: what processors with instructions for sums of neighbouring products multiply.

Such an instruction adds, in each 32-bit lane, the products of two neighbouring 16-bit numbers or of four 8-bit ones.
The panels of a matrix product (``gemm_functions.py``) hold groups of so many steps then, in elements that have the
accumulator's type in name only; everything else counts groups where it counted steps.  Which formats a target has is
the table below; operands that no row takes are widened to the accumulator when they are packed.

Integer formats are exact modulo 2**32, as the products they stand for.  ``vdpbf16ps`` takes subnormal operands and
results for zero; docs/code-generation.md has its errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_levels import transposed
from astra_mlir.passes.target import Target

if TYPE_CHECKING:
    from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes

__all__ = ["Format", "format_of", "pack_groups_text"]


@dataclass(frozen=True)
class Format:
    """One way to multiply groups of narrow numbers.

    ``intrinsic`` takes (accumulator, a, b), or (a, b) where ``adds`` is false.  With ``swaps`` a is what lies along the
    columns.  With ``offset`` the left operand is packed 128 higher than it is, since the instruction's a is unsigned;
    the micro-kernel subtracts 128 times the sums of the right one.
    """

    name: str
    element: str  # in panels
    intrinsic: str  # {bits} is the width of a vector
    adds: bool = True
    swaps: bool = False
    offset: bool = False

    @property
    def group(self) -> int:
        """Steps in an element of a panel."""
        return 32 // int(self.element.lstrip("bfi"))

    def numbers(self, f: FunctionText, value: str, vector: str, lanes: int) -> str:
        """A vector of elements of panels as a vector of numbers."""
        return f.value(f"vector.bitcast {value} : {vector} to vector<{lanes * self.group}x{self.element}>")

    def multiply_add(self, f: FunctionText, a: str, b: str, c: str, vector: str, lanes: int) -> str:
        """``c`` and the products of ``a`` and ``b`` (numbers of rows and of columns)."""
        if self.swaps:
            a, b = b, a
        numbers = f"vector<{lanes * self.group}x{self.element}>"
        name = self.intrinsic.format(bits=32 * lanes, lanes=lanes, numbers=lanes * self.group)
        if self.adds:
            return f.value(
                f'llvm.call_intrinsic "{name}"({c}, {a}, {b}) : ({vector}, {numbers}, {numbers}) -> {vector}'
            )
        product = f.value(f'llvm.call_intrinsic "{name}"({a}, {b}) : ({numbers}, {numbers}) -> {vector}')
        return f.value(f"arith.addi {product}, {c} : {vector}")


_VPDPBUSD = "llvm.x86.avx512.vpdpbusd.{bits}"
_SMALL = ("i8", "ui8", "i16")
_FITS_I16 = tuple((a, b) for a in _SMALL for b in _SMALL)

# Feature of the target (a vector width "x86:128" for what every such processor has), pairs of operand types, format:
# the first row that fits is taken.
_FORMATS: tuple[tuple[str, tuple[tuple[str, str], ...], Format], ...] = (
    ("avx512bf16", (("bf16", "bf16"),), Format("bf16", "bf16", "llvm.x86.avx512bf16.dpbf16ps.{bits}")),
    ("vnni", (("ui8", "i8"),), Format("u8s8", "i8", _VPDPBUSD)),
    ("vnni", (("i8", "ui8"),), Format("s8u8", "i8", _VPDPBUSD, swaps=True)),
    ("vnni", (("i8", "i8"),), Format("s8s8", "i8", _VPDPBUSD, offset=True)),
    ("vnni", _FITS_I16, Format("i16", "i16", "llvm.x86.avx512.vpdpwssd.{bits}")),
    ("x86:512", _FITS_I16, Format("i16", "i16", "llvm.x86.avx512.pmaddw.d.512", adds=False)),
    ("x86:256", _FITS_I16, Format("i16", "i16", "llvm.x86.avx2.pmadd.wd", adds=False)),
    ("x86:128", _FITS_I16, Format("i16", "i16", "llvm.x86.sse2.pmadd.wd", adds=False)),
    ("dotprod", (("i8", "i8"),), Format("s8s8", "i8", "llvm.aarch64.neon.sdot.v{lanes}i32.v{numbers}i8")),
    ("dotprod", (("ui8", "ui8"),), Format("u8u8", "i8", "llvm.aarch64.neon.udot.v{lanes}i32.v{numbers}i8")),
    ("bfdot", (("bf16", "bf16"),), Format("bf16", "bf16", "llvm.aarch64.neon.bfdot.v{lanes}f32.v{numbers}bf16")),
)  # fmt: skip


def format_of(lhs: str, rhs: str, accumulator: str, target: Target) -> Format | None:
    """The format in which ``lhs`` and ``rhs`` are multiplied; ``None`` where both are widened to ``accumulator``.

    >>> from astra_mlir.passes.target import target_named
    >>> format_of("i8", "i8", "i32", target_named("x86-64-v4+vnni")).name
    's8s8'
    >>> format_of("i8", "i8", "i32", target_named("x86-64-v3")).intrinsic
    'llvm.x86.avx2.pmadd.wd'
    >>> format_of("bf16", "bf16", "f32", target_named("x86-64-v3"))
    """
    if accumulator not in ("f32", "i32"):
        return None
    has = {*target.features, f"{target.family}:{target.vector_bits}"}
    for feature, operands, format in _FORMATS:
        if feature in has and (lhs, rhs) in operands:
            return format
    return None


def pack_groups_text(f: FunctionText, types: GemmTypes, format: Format, source: str, width: int, *, flip: bool) -> str:
    """``panel[panel_offset + g * width + l]``: numbers ``source[offset + lanes[lane0 + l] + k * step]`` of group ``g``.

    As ``pack_text``, with 0 for the steps that the last group lacks.  ``flip`` adds 128 to each number.
    """
    group, element, panel = format.group, format.element, types.accumulator
    signless = source.removeprefix("u")
    from_memref, to_memref = f"memref<?x{signless}>", f"memref<?x{panel}>"
    zero_text = "0.0" if "f" in source else "0"
    whole_groups, groups = f.div("%depth", group), f.ceil_div("%depth", group)
    has_rest = f.compare("ne", whole_groups, groups)

    def store(numbers: str, lanes: int, to: Index) -> None:
        """Put ``lanes`` groups of numbers into the panel."""
        if flip:
            numbers_type = f"vector<{lanes * group}x{element}>"
            numbers = f.value(f"arith.xori {numbers}, {f.constant('dense<-128>', numbers_type)} : {numbers_type}")
        kind = f"vector<{lanes}x{panel}>"
        value = f.value(f"vector.bitcast {numbers} : vector<{lanes * group}x{element}> to {kind}")
        f.line(f"vector.store {value}, %panel[{f.ssa(to)}] : {to_memref}, {kind}")

    def place(g: Index, lane: Index) -> Index:
        return f.add("%panel_offset", f.mul(g, width), lane)

    def widened(value: str, count: int) -> str:
        if signless == element:
            return value
        extension = "extui" if source.startswith("u") else "extsi"
        return f.value(f"arith.{extension} {value} : vector<{count}x{signless}> to vector<{count}x{element}>")

    def interleaved(rows: list[str], count: int) -> str:
        """Element l of each row side by side, for each l."""
        if len(rows) == 1:
            return rows[0]
        even, odd = interleaved(rows[0::2], count), interleaved(rows[1::2], count)
        half = count * len(rows) // 2
        order = [i // 2 + (half if i % 2 else 0) for i in range(2 * half)]
        kind = f"vector<{half}x{element}>"
        return f.value(f"vector.shuffle {even}, {odd} {order} : {kind}, {kind}")

    lanes = min(types.lanes, 1 << (width.bit_length() - 1))

    def copy_adjacent() -> None:
        """The lanes are side by side: the rows of a group are interleaved."""
        read, bits = f"vector<{lanes}x{signless}>", f"vector<{lanes}xi1>"
        first = f.add("%offset", f.value("memref.load %lanes[%lane0] : memref<?xindex>"))
        zero = f.constant(f"dense<{zero_text}>", read)
        pieces = list(range(0, width - lanes + 1, lanes))
        if pieces[-1] + lanes < width:
            pieces.append(width - lanes)
        masks = [f.value(f"vector.create_mask {f.ssa(f.sub('%valid', piece))} : {bits}") for piece in pieces]
        nothing = f.constant("dense<false>", bits)

        def copy(g: Index, *, masked: bool, rest: bool) -> None:
            at = f.add(first, f.mul(f.mul(g, group), "%step"))
            for piece, mask in zip(pieces, masks, strict=True):
                rows = []
                for u in range(group):
                    row, start = mask, f"%source[{f.ssa(f.add(at, f.mul(u, '%step'), piece))}]"
                    if rest and u:
                        there = f.compare("slt", f.add(f.mul(g, group), u), "%depth")
                        row = f.value(f"arith.select {there}, {mask}, {nothing} : {bits}")
                    if masked or rest:
                        kinds = f"{from_memref}, {bits}, {read} into {read}"
                        value = f.value(f"vector.maskedload {start}, {row}, {zero} : {kinds}")
                    else:
                        value = f.value(f"vector.load {start} : {from_memref}, {read}")
                    rows.append(widened(value, lanes))
                store(interleaved(rows, lanes), lanes, place(g, piece))

        with f.block(f"scf.if {f.compare('eq', '%valid', width)} {{", "} else {"), f.loop(0, whole_groups) as g:
            copy(g, masked=False, rest=False)
        with f.block(""), f.loop(0, whole_groups) as g:
            copy(g, masked=True, rest=False)
        with f.block(f"scf.if {has_rest} {{"):
            copy(whole_groups, masked=True, rest=True)

    last = f.sub("%valid", 1)

    def lane_offset(lane: Index) -> tuple[str, str]:
        row = f.value(f"memref.load %lanes[{f.ssa(f.add('%lane0', f.min(lane, last)))}] : memref<?xindex>")
        return f.ssa(f.add("%offset", row)), f.compare("slt", lane, "%valid")

    def copy_scalars(start: Index) -> None:
        """Groups from ``start`` on, number by number."""
        last_step = f.sub("%depth", 1)
        zero = f.constant(zero_text, signless)
        with f.loop(0, width) as lane:
            offset, valid = lane_offset(lane)
            with f.loop(start, groups) as g:
                parts = []
                for u in range(group):
                    k = f.add(f.mul(g, group), u)
                    at = f.ssa(f.add(offset, f.mul(f.min(k, last_step), "%step")))
                    value = f.value(f"memref.load %source[{at}] : {from_memref}")
                    there = f.value(f"arith.andi {valid}, {f.compare('slt', k, '%depth')} : i1")
                    value = f.value(f"arith.select {there}, {value}, {zero} : {signless}")
                    parts.append(widened(f.value(f"vector.broadcast {value} : {signless} to vector<1x{signless}>"), 1))
                store(interleaved(parts, 1), 1, place(g, lane))

    def transpose_blocks(side: int, *, whole: bool) -> None:
        """The steps are side by side: groups are words, a square of which is transposed."""
        words = f"vector<{side}xi32>"
        zero = f.constant("dense<0>", words)
        with f.loop(0, width, side) as part:
            start = f.min(part, width - side) if width > side else part
            sources = [lane_offset(f.add(start, i)) for i in range(side)]
            with f.loop(0, whole_groups, side) as block:
                g = f.min(block, f.sub(whole_groups, side))  # the last one overlaps the one before
                rows = []
                for offset, valid in sources:
                    at = f.ssa(f.add(offset, f.mul(g, group)))
                    value = f.value(f"vector.load %source[{at}] : {from_memref}, vector<{side * group}x{signless}>")
                    value = widened(value, side * group)
                    value = f.value(f"vector.bitcast {value} : vector<{side * group}x{element}> to {words}")
                    if not whole:
                        value = f.value(f"arith.select {valid}, {value}, {zero} : {words}")
                    rows.append(value)
                for i, row in enumerate(transposed(f, rows, words)):
                    numbers = f.value(f"vector.bitcast {row} : {words} to vector<{side * group}x{element}>")
                    store(numbers, side, place(f.add(g, i), start))

    extent = f.sub(lane_offset(last)[0], lane_offset(0)[0])
    adjacent = f.value(f"arith.andi %ascending, {f.compare('eq', extent, last)} : i1")
    with f.block(f"scf.if {adjacent} {{", "} else {"):
        copy_adjacent()
    with f.block(""):
        side = min(types.lanes, 1 << (width - 1).bit_length())
        in_blocks = f.value(f"arith.andi {f.compare('eq', '%step', 1)}, {f.compare('sge', whole_groups, side)} : i1")
        with f.block(f"scf.if {in_blocks} {{"):
            with f.block(f"scf.if {f.compare('eq', '%valid', width)} {{", "} else {"):
                transpose_blocks(side, whole=True)
            with f.block(""):
                transpose_blocks(side, whole=False)
        copied = f.value(f"arith.select {in_blocks}, {f.ssa(whole_groups)}, {f.ssa(0)} : index")
        copy_scalars(copied)
    return f.text()
