"""Floats of four to eight bits in integer arithmetic: decoding to f32 and encoding with rounding to nearest even.

No CPU has them and LLVM has no type for them; in memory they are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.lowering import Lowering
from astra_mlir.passes.linalg_rules.scalar import compare_float, compare_int, select

__all__ = ["decode", "encode"]


@dataclass(frozen=True)
class _Format:
    mantissa: int
    bias: int
    largest: int  # the code of the largest finite value, without the sign
    infinity: int | None  # its code, or None where overflow gives NaN
    nan: int | None  # None where there is none: NaN becomes -0.0, and what overflows the largest value
    negative_zero: bool = True  # without one, the code of -0.0 is NaN


_FORMATS = {
    "f4E2M1FN": _Format(1, 1, 0x7, None, None),
    "f6E2M3FN": _Format(3, 1, 0x1F, None, None),
    "f6E3M2FN": _Format(2, 3, 0x1F, None, None),
    "f8E5M2": _Format(2, 15, 0x7B, 0x7C, 0x7E),
    "f8E4M3": _Format(3, 7, 0x77, 0x78, 0x7C),
    "f8E4M3FN": _Format(3, 7, 0x7E, None, 0x7F),
    "f8E3M4": _Format(4, 3, 0x6F, 0x70, 0x78),
    "f8E5M2FNUZ": _Format(2, 16, 0x7F, None, 0x80, negative_zero=False),
    "f8E4M3FNUZ": _Format(3, 8, 0x7F, None, 0x80, negative_zero=False),
    "f8E4M3B11FNUZ": _Format(3, 11, 0x7F, None, 0x80, negative_zero=False),
}


def _format(low: Lowering, element: ir.Type) -> _Format:
    found = _FORMATS.get(str(element))
    if found is None:
        raise low.unsupported(f"element type {element} has no CPU lowering; convert to f32 or f8E4M3FN")
    return found


def decode(low: Lowering, x: ir.Value, element: ir.Type) -> ir.Value:
    """The f32 value of a small float."""
    width, i32, f32 = element.width, low.i32, low.f32
    code = low.emit("arith.extui", [low.emit("arith.bitcast", [x], ir.IntegerType.get_signless(width))], i32)
    if str(element) == _POWERS:
        return _decode_power(low, code)
    form = _format(low, element)
    sign_bit = 1 << (width - 1)
    magnitude = low.emit("arith.andi", [code, low.constant(i32, sign_bit - 1)], i32)
    # As an f32 with the same exponent field the value is 2**(127 - bias) too small, subnormals included.
    aligned = low.emit("arith.shli", [magnitude, low.constant(i32, 23 - form.mantissa)], i32)
    scale = low.constant(f32, 2.0 ** (127 - form.bias))
    value = low.emit("arith.mulf", [low.emit("arith.bitcast", [aligned], f32), scale], f32)
    if form.infinity is not None:
        infinite = compare_int(low, "eq", magnitude, low.constant(i32, form.infinity))
        value = select(low, infinite, low.constant(f32, float("inf")), value)
    sign = low.emit("arith.andi", [code, low.constant(i32, sign_bit)], i32)
    sign = low.emit("arith.shli", [sign, low.constant(i32, 32 - width)], i32)
    signed = low.emit("arith.ori", [low.emit("arith.bitcast", [value], i32), sign], i32)
    value = low.emit("arith.bitcast", [signed], f32)
    if form.nan is None:
        return value
    if form.negative_zero:
        beyond = form.largest if form.infinity is None else form.infinity
        is_nan = compare_int(low, "ugt", magnitude, low.constant(i32, beyond))
    else:
        is_nan = compare_int(low, "eq", code, low.constant(i32, form.nan))
    return select(low, is_nan, low.constant(f32, float("nan")), value)


def encode(low: Lowering, x: ir.Value, element: ir.Type) -> ir.Value:
    """An f32 as a small float."""
    width, i32, f32 = element.width, low.i32, low.f32
    if str(element) == _POWERS:
        return _stored(low, _encode_power(low, low.emit("arith.bitcast", [x], i32)), element)
    form = _format(low, element)

    def op(name: str, a: ir.Value, b: ir.Value | int) -> ir.Value:
        return low.emit(f"arith.{name}", [a, low.constant(i32, b) if isinstance(b, int) else b], i32)

    bits = low.emit("arith.bitcast", [x], i32)
    magnitude = op("andi", bits, 0x7FFFFFFF)
    dropped = 23 - form.mantissa
    # Normal numbers: change the bias and round in the integer; a carry goes into the exponent as it should.
    rebased = op("subi", magnitude, (127 - form.bias) << 23)
    last = op("andi", op("shrui", rebased, dropped), 1)
    rounded = op("addi", rebased, op("addi", last, (1 << (dropped - 1)) - 1))
    normal = op("shrui", rounded, dropped)
    # Subnormal results: adding 2**k leaves the rounded multiple of the smallest step in the low bits of the sum.
    exponent = 127 + (1 - form.bias) - form.mantissa + 23
    anchor_bits = exponent << 23
    anchor = low.emit("arith.bitcast", [low.constant(i32, anchor_bits)], f32)
    total = low.emit("arith.addf", [low.emit("arith.bitcast", [magnitude], f32), anchor], f32)
    subnormal = op("subi", low.emit("arith.bitcast", [total], i32), anchor_bits)
    is_normal = compare_int(low, "uge", magnitude, low.constant(i32, (127 + 1 - form.bias) << 23))
    code = select(low, is_normal, normal, subnormal)
    overflow = compare_int(low, "ugt", code, low.constant(i32, form.largest))
    beyond = next(code for code in (form.infinity, form.nan, form.largest) if code is not None)
    code = select(low, overflow, low.constant(i32, beyond), code)
    is_nan = compare_float(low, "uno", x, x)
    sign_bit = 1 << (width - 1)
    sign = op("andi", op("shrui", bits, 32 - width), sign_bit)
    if not form.negative_zero:
        special = low.emit("arith.ori", [overflow, is_nan], low.i1)
        unsigned = low.emit("arith.ori", [special, compare_int(low, "eq", code, low.constant(i32, 0))], low.i1)
        sign = select(low, unsigned, low.constant(i32, 0), sign)
    nan = sign_bit if form.nan is None else form.nan
    code = op("ori", select(low, is_nan, low.constant(i32, nan), code), sign)
    return _stored(low, code, element)


def _stored(low: Lowering, code: ir.Value, element: ir.Type) -> ir.Value:
    narrow = low.emit("arith.trunci", [code], ir.IntegerType.get_signless(element.width))
    return low.emit("arith.bitcast", [narrow], element)


# f8E8M0FNU: the exponent of an f32 and nothing else; no zero, no sign, 255 is NaN.
_POWERS = "f8E8M0FNU"


def _decode_power(low: Lowering, code: ir.Value) -> ir.Value:
    i32, f32 = low.i32, low.f32
    bits = low.emit("arith.shli", [code, low.constant(i32, 23)], i32)
    smallest = low.constant(i32, 1 << 22)  # 2**-127 is subnormal
    bits = select(low, compare_int(low, "eq", code, low.constant(i32, 0)), smallest, bits)
    is_nan = compare_int(low, "eq", code, low.constant(i32, 0xFF))
    return select(low, is_nan, low.constant(f32, float("nan")), low.emit("arith.bitcast", [bits], f32))


def _encode_power(low: Lowering, bits: ir.Value) -> ir.Value:
    """The nearest power of two, of two as near the greater; NaN for zero and what is negative."""
    i32 = low.i32
    smallest = compare_int(low, "eq", bits, low.constant(i32, 1 << 22))
    half = select(low, smallest, low.constant(i32, (1 << 22) - 1), low.constant(i32, 1 << 22))
    code = low.emit("arith.shrui", [low.emit("arith.addi", [bits, half], i32), low.constant(i32, 23)], i32)
    code = low.emit("arith.minui", [code, low.constant(i32, 0xFF)], i32)
    positive = compare_int(low, "sgt", bits, low.constant(i32, 0))
    return select(low, positive, code, low.constant(i32, 0xFF))
