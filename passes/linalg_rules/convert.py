"""Scalar conversions between element types, bit casts, and rounding to a reduced precision.

Floats become integers by truncation, saturating at the ends of the range, NaN giving 0; anything becomes a boolean by
comparison with zero.  Floats narrower than f32 are read into f32 (:func:`widen`) and rounded once (:func:`narrow`).
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules import small_floats
from astra_mlir.passes.linalg_rules.lowering import Lowering, TypeInfo
from astra_mlir.passes.linalg_rules.scalar import compare_float, compare_int, select

__all__ = ["convert", "join", "narrow", "parts", "reduce_precision", "to_index", "widen"]

_NATIVE = {16, 32, 64}  # widths of the floats that arith.extf and arith.truncf handle


def widen(low: Lowering, x: ir.Value, info: TypeInfo) -> ir.Value:
    """A stored element as the type that arithmetic runs in."""
    if not info.narrow:
        return x
    if info.bits in _NATIVE:
        return low.emit("arith.extf", [x], info.compute)
    return small_floats.decode(low, x, info.element)


def narrow(low: Lowering, x: ir.Value, info: TypeInfo) -> ir.Value:
    """The inverse of :func:`widen`, rounding to nearest even."""
    if not info.narrow:
        return x
    if info.bits in _NATIVE:
        return low.emit("arith.truncf", [x], info.element)
    return small_floats.encode(low, x, info.element)


def parts(low: Lowering, z: ir.Value, info: TypeInfo) -> tuple[ir.Value, ir.Value]:
    """The real and imaginary part of a complex number."""
    return low.emit("complex.re", [z], info.compute), low.emit("complex.im", [z], info.compute)


def join(low: Lowering, re: ir.Value, im: ir.Value, info: TypeInfo) -> ir.Value:
    """The complex number with these parts."""
    return low.emit("complex.create", [re, im], info.element)


def to_index(low: Lowering, x: ir.Value, info: TypeInfo) -> ir.Value:
    """An integer element as an ``index``."""
    return low.emit("arith.index_castui" if info.kind in ("uint", "bool") else "arith.index_cast", [x], low.index)


def convert(low: Lowering, x: ir.Value, source: TypeInfo, result: TypeInfo) -> ir.Value:
    """An element of ``source`` as an element of ``result``."""
    if source.kind == result.kind and source.element == result.element:
        return x
    if source.kind == "complex":
        return _from_complex(low, x, source, result)
    if result.kind == "complex":
        part = low.info_of((), result.compute)
        return join(low, convert(low, x, source, part), low.constant(result.compute, 0.0), result)
    from_float, to_float = source.kind == "float", result.kind == "float"
    if from_float:
        x = widen(low, x, source)
    if result.kind == "bool":
        if from_float:
            return compare_float(low, "une", x, low.constant(source.compute, 0.0))
        return compare_int(low, "ne", x, low.constant(source.compute, 0))
    if from_float and to_float:
        return narrow(low, _resize_float(low, x, result.compute), result)
    if from_float:
        return _float_to_int(low, x, source, result)
    if to_float:
        name = "arith.sitofp" if source.kind == "int" else "arith.uitofp"
        return narrow(low, low.emit(name, [x], result.compute), result)
    return _resize_int(low, x, source, result)


def _from_complex(low: Lowering, x: ir.Value, source: TypeInfo, result: TypeInfo) -> ir.Value:
    re, im = parts(low, x, source)
    if result.kind == "complex":
        return join(low, _resize_float(low, re, result.compute), _resize_float(low, im, result.compute), result)
    part = low.info_of((), source.compute)
    if result.kind == "bool":
        bits = [convert(low, component, part, result) for component in (re, im)]
        return low.emit("arith.ori", bits, low.i1)
    return convert(low, re, part, result)


def _resize_float(low: Lowering, x: ir.Value, result: ir.Type) -> ir.Value:
    if x.type == result:
        return x
    return low.emit("arith.extf" if result.width > x.type.width else "arith.truncf", [x], result)


def _resize_int(low: Lowering, x: ir.Value, source: TypeInfo, result: TypeInfo) -> ir.Value:
    if source.bits == result.bits:
        return x
    if source.bits > result.bits:
        return low.emit("arith.trunci", [x], result.element)
    return low.emit("arith.extsi" if source.kind == "int" else "arith.extui", [x], result.element)


def _float_to_int(low: Lowering, x: ir.Value, source: TypeInfo, result: TypeInfo) -> ir.Value:
    """Every value outside of the range is masked, so that the conversion's undefined results are never used."""
    t, signed = result.element, result.kind == "int"
    bits = result.bits
    top = float(2 ** (bits - 1) if signed else 2**bits)
    smallest, largest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    integer = low.emit("arith.fptosi" if signed else "arith.fptoui", [x], t)
    too_high = compare_float(low, "oge", x, low.constant(source.compute, top))
    too_low = compare_float(low, "olt", x, low.constant(source.compute, float(smallest)))
    integer = select(low, too_high, low.constant(t, largest), integer)
    integer = select(low, too_low, low.constant(t, smallest), integer)
    return select(low, compare_float(low, "uno", x, x), low.constant(t, 0), integer)


# --- reduced precision -----------------------------------------------------------------------------------------------

_FORMATS = {32: (8, 23), 64: (11, 52)}  # width -> bits of exponent and mantissa


def reduce_precision(low: Lowering, x: ir.Value, info: TypeInfo, exponent_bits: int, mantissa_bits: int) -> ir.Value:
    """``x`` (of the compute type) rounded to a float format; too large becomes infinite, too small becomes zero."""
    width = info.compute.width
    full_exponent, full_mantissa = _FORMATS[width]
    t = ir.IntegerType.get_signless(width)

    def op(name: str, a: ir.Value, b: ir.Value) -> ir.Value:
        return low.emit(f"arith.{name}", [a, b], t)

    def constant(value: int) -> ir.Value:
        return low.constant(t, value)

    bits = low.emit("arith.bitcast", [x], t)
    if mantissa_bits < full_mantissa:
        dropped = full_mantissa - mantissa_bits
        last = op("andi", op("shrui", bits, constant(dropped)), constant(1))
        rounded = op("addi", bits, op("addi", last, constant((1 << (dropped - 1)) - 1)))
        bits = op("andi", rounded, constant(-(1 << dropped)))
    if exponent_bits < full_exponent:
        bias = (1 << (full_exponent - 1)) - 1
        reduced_bias = (1 << (exponent_bits - 1)) - 1
        exponent_mask = ((1 << full_exponent) - 1) << full_mantissa
        exponent = op("andi", bits, constant(exponent_mask))
        sign = op("andi", bits, constant(1 << (width - 1)))
        too_large = compare_int(low, "ugt", exponent, constant((bias + reduced_bias) << full_mantissa))
        too_small = compare_int(low, "ule", exponent, constant((bias - reduced_bias) << full_mantissa))
        bits = select(low, too_large, op("ori", sign, constant(exponent_mask)), bits)
        bits = select(low, too_small, sign, bits)
    result = low.emit("arith.bitcast", [bits], info.compute)
    return select(low, compare_float(low, "uno", x, x), x, result)
