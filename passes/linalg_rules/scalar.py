"""Scalar code of the elementwise operations on booleans, integers and floats: a table row per function and class.

A row's emitter takes the lowering state, scalar arguments of the class's compute type and the operand's description.
Half-width floats never get here: the caller widens the arguments to f32 and rounds the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.lowering import Lowering, TypeInfo

__all__ = ["FLOAT_PREDICATES", "SCALAR", "Emitter", "compare_float", "compare_int", "select"]

Emitter = Callable[[Lowering, Sequence[ir.Value], TypeInfo], ir.Value]

# The numbering of arith::CmpIPredicate and arith::CmpFPredicate.
_INT_PREDICATES = {
    name: i for i, name in enumerate(("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"))
}
_FLOAT_PREDICATES = {
    name: i
    for i, name in enumerate(
        ("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno")
    )
}
FLOAT_PREDICATES = {"EQ": "oeq", "NE": "une", "GT": "ogt", "GE": "oge", "LT": "olt", "LE": "ole"}


def compare_int(low: Lowering, predicate: str, a: ir.Value, b: ir.Value) -> ir.Value:
    """``arith.cmpi`` by the name of its predicate."""
    attribute = low.cached(("cmpi", predicate), lambda: ir.IntegerAttr.get(low.i64, _INT_PREDICATES[predicate]))
    return low.emit("arith.cmpi", [a, b], low.i1, {"predicate": attribute})


def compare_float(low: Lowering, predicate: str, a: ir.Value, b: ir.Value) -> ir.Value:
    """``arith.cmpf`` by the name of its predicate."""
    attribute = low.cached(("cmpf", predicate), lambda: ir.IntegerAttr.get(low.i64, _FLOAT_PREDICATES[predicate]))
    return low.emit("arith.cmpf", [a, b], low.i1, {"predicate": attribute})


def select(low: Lowering, condition: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
    """``arith.select``."""
    return low.emit("arith.select", [condition, a, b], a.type)


def _op(name: str) -> Emitter:
    return lambda low, args, info: low.emit(name, args, info.compute)


# --- booleans and integers -------------------------------------------------------------------------------------------


def _int_negate(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    return low.emit("arith.subi", [low.constant(info.compute, 0), args[0]], info.compute)


def _identity(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    del low, info
    return args[0]


def _int_sign(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    zero = low.constant(info.compute, 0)
    positive = compare_int(low, "sgt", args[0], zero)
    negative = low.emit("arith.shrsi", [args[0], low.constant(info.compute, info.bits - 1)], info.compute)
    one = low.emit("arith.extui", [positive], info.compute)
    return low.emit("arith.ori", [negative, one], info.compute)


def _not(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    return low.emit("arith.xori", [args[0], low.constant(info.compute, -1)], info.compute)


def _safe_divisor(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> tuple[ir.Value, ir.Value]:
    """Whether the divisor is zero, and a divisor that neither is zero nor overflows the quotient."""
    a, b = args
    one = low.constant(info.compute, 1)
    by_zero = compare_int(low, "eq", b, low.constant(info.compute, 0))
    safe = select(low, by_zero, one, b)
    if info.kind == "uint":
        return by_zero, safe
    is_minimum = compare_int(low, "eq", a, low.constant(info.compute, -(1 << (info.bits - 1))))
    is_minus_one = compare_int(low, "eq", b, low.constant(info.compute, -1))
    overflow = low.emit("arith.andi", [is_minimum, is_minus_one], low.i1)
    return by_zero, select(low, overflow, one, safe)


def _quotient(low: Lowering, a: ir.Value, divisor: ir.Value, info: TypeInfo, *, constant: bool) -> ir.Value:
    """The truncated quotient by a divisor that cannot trap.

    CPUs have no vector division of integers, but a float division whose mantissa is wider than the integers gives a
    quotient that truncates to the exact one: it is at least 1 / |a| away from the next integer in relative terms.
    """
    signed = info.kind == "int"
    if constant or info.bits > 32:  # division by a constant becomes a multiplication in LLVM
        return low.emit("arith.divsi" if signed else "arith.divui", [a, divisor], info.compute)
    real = low.f64 if info.bits > 16 else low.f32
    to_float = "arith.sitofp" if signed else "arith.uitofp"
    floats = [low.emit(to_float, [x], real) for x in (a, divisor)]
    return low.emit("arith.fptosi" if signed else "arith.fptoui", [low.emit("arith.divf", floats, real)], info.compute)


def _is_constant(x: ir.Value) -> bool:
    return isinstance(x, ir.OpResult) and x.owner.name == "arith.constant"


def _int_divide(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    by_zero, divisor = _safe_divisor(low, args, info)  # the smallest integer / -1 = / 1: itself
    quotient = _quotient(low, args[0], divisor, info, constant=_is_constant(args[1]))
    return select(low, by_zero, low.constant(info.compute, -1), quotient)


def _int_remainder(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    by_zero, divisor = _safe_divisor(low, args, info)
    quotient = _quotient(low, args[0], divisor, info, constant=_is_constant(args[1]))
    product = low.emit("arith.muli", [quotient, divisor], info.compute)
    return select(low, by_zero, args[0], low.emit("arith.subi", [args[0], product], info.compute))


def _int_power(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    """Square and multiply, wrapping; a negative exponent gives 0 except for the bases 1 and -1."""
    base, exponent = args
    t = info.compute
    zero, one = low.constant(t, 0), low.constant(t, 1)
    loop = low.create("scf.while", [one, base, exponent], [t, t, t], regions=2)
    before = loop.regions[0].blocks.append(t, t, t)
    with low.inside(before):
        more = compare_int(low, "ne", before.arguments[2], zero)
        low.create("scf.condition", [more, *before.arguments], ())
    after = loop.regions[1].blocks.append(t, t, t)
    with low.inside(after):
        result, square, rest = after.arguments
        odd = compare_int(low, "ne", low.emit("arith.andi", [rest, one], t), zero)
        result = select(low, odd, low.emit("arith.muli", [result, square], t), result)
        square = low.emit("arith.muli", [square, square], t)
        low.create("scf.yield", [result, square, low.emit("arith.shrui", [rest, one], t)], ())
    result = loop.results[0]
    if info.kind == "uint":
        return result
    minus_one = low.constant(t, -1)
    odd = compare_int(low, "ne", low.emit("arith.andi", [exponent, one], t), zero)
    of_minus_one = select(low, odd, minus_one, one)
    of_one_or_else = select(low, compare_int(low, "eq", base, one), one, zero)
    inverse = select(low, compare_int(low, "eq", base, minus_one), of_minus_one, of_one_or_else)
    return select(low, compare_int(low, "slt", exponent, zero), inverse, result)


def _shift(name: str) -> Emitter:
    """A shift by the width or more (as an unsigned number) gives 0, or the sign for the arithmetic one."""

    def emit(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
        a, b = args
        in_range = compare_int(low, "ult", b, low.constant(info.compute, info.bits))
        if name == "arith.shrsi":
            amount = select(low, in_range, b, low.constant(info.compute, info.bits - 1))
            return low.emit(name, [a, amount], info.compute)
        amount = select(low, in_range, b, low.constant(info.compute, 0))
        return select(low, in_range, low.emit(name, [a, amount], info.compute), low.constant(info.compute, 0))

    return emit


# --- floats ----------------------------------------------------------------------------------------------------------


def _float_sign(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    x = args[0]
    signed_one = low.emit("math.copysign", [low.constant(info.compute, 1.0), x], info.compute)
    nonzero = compare_float(low, "one", x, low.constant(info.compute, 0.0))  # false for NaN
    return select(low, nonzero, signed_one, x)


def _is_finite(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    magnitude = low.emit("math.absf", args, info.compute)
    return compare_float(low, "olt", magnitude, low.constant(info.compute, inf))


def _logistic(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    one = low.constant(info.compute, 1.0)
    exponential = low.emit("math.exp", [low.emit("arith.negf", args, info.compute)], info.compute)
    return low.emit("arith.divf", [one, low.emit("arith.addf", [one, exponential], info.compute)], info.compute)


def _zero(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
    del args
    return low.constant(info.compute, 0.0)


# --- the table -------------------------------------------------------------------------------------------------------


def _integer(signed: Emitter | str, unsigned: Emitter | str | None = None) -> dict[str, Emitter]:
    unsigned = signed if unsigned is None else unsigned
    return {
        "int": _op(signed) if isinstance(signed, str) else signed,
        "uint": _op(unsigned) if isinstance(unsigned, str) else unsigned,
    }


def _float(emitter: Emitter | str) -> dict[str, Emitter]:
    return {"float": _op(emitter) if isinstance(emitter, str) else emitter}


def _bool(emitter: Emitter | str) -> dict[str, Emitter]:
    return {"bool": _op(emitter) if isinstance(emitter, str) else emitter}


# function -> {kind of operand -> emitter}
SCALAR: dict[str, dict[str, Emitter]] = {
    "abs": {"int": _op("math.absi")} | _float("math.absf"),
    "negate": _integer(_int_negate) | _float("arith.negf"),
    "sign": {"int": _int_sign} | _float(_float_sign),
    "ceil": _float("math.ceil"),
    "floor": _float("math.floor"),
    "round_nearest_even": _float("math.roundeven"),
    "round_nearest_afz": _float("math.round"),
    "exponential": _float("math.exp"),
    "exponential_minus_one": _float("math.expm1"),
    "log": _float("math.log"),
    "log_plus_one": _float("math.log1p"),
    "sqrt": _float("math.sqrt"),
    "rsqrt": _float("math.rsqrt"),
    "cbrt": _float("math.cbrt"),
    "sine": _float("math.sin"),
    "cosine": _float("math.cos"),
    "tan": _float("math.tan"),
    "tanh": _float("math.tanh"),
    "logistic": _float(_logistic),
    "erf": _float("math.erf"),
    "is_finite": _float(_is_finite),
    "real": _float(_identity),
    "imag": _float(_zero),
    "not": _bool(_not) | _integer(_not),
    "popcnt": _integer("math.ctpop"),
    "count_leading_zeros": _integer("math.ctlz"),
    "add": _bool("arith.ori") | _integer("arith.addi") | _float("arith.addf"),
    "subtract": _integer("arith.subi") | _float("arith.subf"),
    "multiply": _bool("arith.andi") | _integer("arith.muli") | _float("arith.mulf"),
    "divide": _integer(_int_divide) | _float("arith.divf"),
    "remainder": _integer(_int_remainder) | _float("arith.remf"),
    "maximum": _bool("arith.ori") | _integer("arith.maxsi", "arith.maxui") | _float("arith.maximumf"),
    "minimum": _bool("arith.andi") | _integer("arith.minsi", "arith.minui") | _float("arith.minimumf"),
    "power": _integer(_int_power) | _float("math.powf"),
    "atan2": _float("math.atan2"),
    "and": _bool("arith.andi") | _integer("arith.andi"),
    "or": _bool("arith.ori") | _integer("arith.ori"),
    "xor": _bool("arith.xori") | _integer("arith.xori"),
    "shift_left": _integer(_shift("arith.shli")),
    "shift_right_arithmetic": _integer(_shift("arith.shrsi")),
    "shift_right_logical": _integer(_shift("arith.shrui")),
}
