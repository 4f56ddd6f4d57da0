"""Simplification rules: identities of elementwise functions, exact for every operand (see ``astra-simplify``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, TensorInfo, defining, rule

_COMMUTATIVE = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")


@rule(*_COMMUTATIVE)
def constant_to_the_right(op: ir.Operation, rw: Rewriter) -> Replacement:
    """f(c, x) = f(x, c), so that the other rules look at one side only."""
    lhs, rhs = op.operands
    if rw.attribute(lhs) is not None and rw.attribute(rhs) is None:
        return rw.copy(op, (rhs, lhs), op.results[0].type)
    return None


# --- identities with a constant on the right ---------------------------------------------------------------------


def _is(number: float) -> Callable[[Any, TensorInfo], bool]:
    """Whether a splat is this number, the sign of zero included."""

    def test(splat: Any, info: TensorInfo) -> bool:
        if info.kind == "c":
            parts = (splat.real, splat.imag)
            return splat == number and (number != 0 or all(_same_sign(p, number) for p in parts))
        return splat == number and (info.kind != "f" or number != 0 or _same_sign(splat, number))

    return test


def _same_sign(a: Any, b: float) -> bool:
    return math.copysign(1.0, float(a)) == math.copysign(1.0, b)


def _all_ones(splat: Any, info: TensorInfo) -> bool:
    return bool(splat) if info.kind == "b" else int(splat) == (-1 if info.kind == "i" else 2**info.width - 1)


def _infinite(sign: float) -> Callable[[Any, TensorInfo], bool]:
    def test(splat: Any, info: TensorInfo) -> bool:
        return info.kind == "f" and float(splat) == sign * math.inf

    return test


def _lowest(splat: Any, info: TensorInfo) -> bool:
    return info.integral and int(splat) == (-(2 ** (info.width - 1)) if info.kind == "i" else 0)


def _highest(splat: Any, info: TensorInfo) -> bool:
    return info.integral and int(splat) == (2 ** (info.width - 1) - 1 if info.kind == "i" else 2**info.width - 1)


# operation -> (element kinds, test of the right operand, what the result is: "lhs", "rhs", or an operation on lhs)
_WITH_CONSTANT: dict[str, tuple[tuple[str, Callable[[Any, TensorInfo], bool], str], ...]] = {
    "add": (("biu", _is(0), "lhs"), ("fc", _is(-0.0), "lhs"), ("b", _all_ones, "rhs")),
    "subtract": (("iufc", _is(0.0), "lhs"),),
    "multiply": (("biufc", _is(1), "lhs"), ("biu", _is(0), "rhs"), ("if", _is(-1), "negate")),
    "divide": (("iufc", _is(1), "lhs"), ("if", _is(-1), "negate")),
    "power": (("iuf", _is(1), "lhs"),),
    "maximum": (
        ("f", _infinite(-1), "lhs"), ("biu", _lowest, "lhs"), ("biu", _highest, "rhs"),
    ),
    "minimum": (
        ("f", _infinite(1), "lhs"), ("biu", _highest, "lhs"), ("biu", _lowest, "rhs"),
    ),
    "and": (("biu", _all_ones, "lhs"), ("biu", _is(0), "rhs")),
    "or": (("biu", _all_ones, "rhs"), ("biu", _is(0), "lhs")),
    "xor": (("biu", _is(0), "lhs"), ("biu", _all_ones, "not")),
    "shift_left": (("iu", _is(0), "lhs"),),
    "shift_right_arithmetic": (("iu", _is(0), "lhs"),),
    "shift_right_logical": (("iu", _is(0), "lhs"),),
}  # fmt: skip


@rule(*_WITH_CONSTANT)
def identity_with_constant(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x + (-0.0) = x, x * 1 = x, x and 0 = 0, ... by the table."""
    lhs, rhs = op.operands
    splat = rw.splat_of(rhs)
    if splat is None:
        return None
    info = rw.info(lhs)
    for kinds, test, result in _WITH_CONSTANT[op.name[6:]]:
        if info.kind in kinds and test(splat, info):
            if result == "lhs":
                return lhs
            return rhs if result == "rhs" else rw.build(result, (lhs,), op.results[0].type)
    return None


@rule("subtract")
def subtract_from_zero(op: ir.Operation, rw: Rewriter) -> Replacement:
    """0 - x = -x for integers; -0.0 - x = -x for floats."""
    lhs, rhs = op.operands
    splat, info = rw.splat_of(lhs), rw.info(lhs)
    if splat is not None and info.kind in "if" and _is(0 if info.kind == "i" else -0.0)(splat, info):
        return rw.build("negate", (rhs,), op.results[0].type)
    return None


@rule("divide")
def divide_by_power_of_two(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x / 2^k = x * 2^-k, exact where the reciprocal is a normal number."""
    lhs, rhs = op.operands
    splat, info = rw.splat_of(rhs), rw.info(lhs)
    if splat is None or info.kind != "f" or info.width < 16:
        return None
    number = float(splat)
    if number == 0 or not math.isfinite(number) or abs(math.frexp(number)[0]) != 0.5:
        return None
    smallest = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}.get(str(info.element))
    largest = {"f16": 2.0**15, "bf16": 2.0**127, "f32": 2.0**127, "f64": 2.0**1023}.get(str(info.element))
    if smallest is None or largest is None or not smallest <= abs(1 / number) <= largest:
        return None
    return rw.build("multiply", (lhs, rw.splat(1 / number, op.results[0].type)), op.results[0].type)


@rule("remainder")
def remainder_by_one(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x rem 1 = 0 for integers."""
    info = rw.info(op.results[0])
    if info.kind in "iu" and info.static and rw.integer(op.operands[1]) == 1:
        return rw.splat(0, info.type)
    return None


@rule("power")
def small_power(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x^0 = 1, x^2 = x * x, x^3 = x * x * x, x^-1 = 1 / x."""
    base, exponent = op.operands
    splat, info = rw.splat_of(exponent), rw.info(base)
    if splat is None or info.kind not in "iuf" or not info.static:
        return None
    if splat == 0:
        return rw.splat(1, info.type)
    if splat in (2, 3):
        square = rw.build("multiply", (base, base), info.type)
        return square if splat == 2 else rw.build("multiply", (square, base), info.type)
    if splat == -1 and info.kind == "f":
        return rw.build("divide", (rw.splat(1, info.type), base), info.type)
    return None


# --- identities of equal operands ----------------------------------------------------------------------------------

_WITH_ITSELF = {
    "subtract": ("iu", "zero"), "xor": ("biu", "zero"), "and": ("biu", "same"), "or": ("biu", "same"),
    "maximum": ("biuf", "same"), "minimum": ("biuf", "same"),
}  # fmt: skip


@rule(*_WITH_ITSELF)
def same_operands(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x - x = 0 for integers, x and x = x, max(x, x) = x, ..."""
    lhs, rhs = op.operands
    if lhs != rhs:
        return None
    info = rw.info(lhs)
    kinds, result = _WITH_ITSELF[op.name[6:]]
    if info.kind not in kinds:
        return None
    if result == "same":
        return lhs
    return rw.splat(0, info.type) if info.static else None


# --- functions of functions ----------------------------------------------------------------------------------------


@rule("negate", "not", "abs", "real", "imag")
def unary_of_unary(op: ir.Operation, rw: Rewriter) -> Replacement:
    """-(-x) = x, not not x = x, abs(-x) = abs(x), abs(abs(x)) = abs(x), real(complex(a, b)) = a."""
    inner = defining(op.operands[0])
    if inner is None:
        return None
    pair = (op.name[6:], inner.name[6:])
    if pair in (("negate", "negate"), ("not", "not"), ("real", "complex")):
        return inner.operands[0]
    if pair == ("imag", "complex"):
        return inner.operands[1]
    if pair in (("abs", "negate"), ("abs", "abs")) and rw.info(inner.operands[0]).kind in "if":
        return rw.build("abs", (inner.operands[0],), op.results[0].type)
    return None


@rule("add", "subtract", "multiply", "divide")
def of_negated(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x + (-y) = x - y, x - (-y) = x + y, (-x) * (-y) = x * y, (-x) / (-y) = x / y (the last for floats)."""
    lhs, rhs = op.operands
    name, type = op.name[6:], op.results[0].type
    info = rw.info(lhs)
    if info.kind not in "if":
        return None
    right = defining(rhs, "negate")
    left = defining(lhs, "negate")
    if name in ("add", "subtract"):
        if right is not None:
            return rw.build({"add": "subtract", "subtract": "add"}[name], (lhs, right.operands[0]), type)
        if name == "add" and left is not None:
            return rw.build("subtract", (rhs, left.operands[0]), type)
    elif left is not None and right is not None and (name == "multiply" or info.kind == "f"):
        return rw.build(name, (left.operands[0], right.operands[0]), type)
    return None


@rule("complex")
def complex_of_parts(op: ir.Operation, rw: Rewriter) -> Replacement:
    """complex(real(z), imag(z)) = z."""
    real, imag = defining(op.operands[0], "real"), defining(op.operands[1], "imag")
    if real is not None and imag is not None and real.operands[0] == imag.operands[0]:
        z = real.operands[0]
        return z if z.type == op.results[0].type else None
    return None


@rule("add", "multiply")
def combine_constants(op: ir.Operation, rw: Rewriter) -> Replacement:
    """(x + a) + b = x + (a + b) and (x * a) * b = x * (a * b) for integers."""
    info = rw.info(op.results[0])
    if info.kind not in "iu" or not info.static:
        return None
    outer = rw.splat_of(op.operands[1])
    inner = defining(op.operands[0], op.name[6:])
    if outer is None or inner is None:
        return None
    splat = rw.splat_of(inner.operands[1])
    if splat is None:
        return None
    combine = np.add if op.name == "astra.add" else np.multiply
    with np.errstate(all="ignore"):
        constant = combine(splat, outer)
    return rw.build(op.name[6:], (inner.operands[0], rw.splat(constant, info.type)), info.type)


# --- comparisons, selection and conversion -------------------------------------------------------------------------

_INVERTED = {"EQ": "NE", "NE": "EQ", "LT": "GE", "GE": "LT", "GT": "LE", "LE": "GT"}
_SWAPPED = {"EQ": "EQ", "NE": "NE", "LT": "GT", "GT": "LT", "GE": "LE", "LE": "GE"}


@rule("compare")
def compare_itself(op: ir.Operation, rw: Rewriter) -> Replacement:
    """x == x is true for integers (a float may be NaN)."""
    lhs, rhs = op.operands
    info = rw.info(op.results[0])
    if lhs == rhs and rw.info(lhs).integral and info.static:
        return rw.splat(value_of(op, "direction") in ("EQ", "LE", "GE"), info.type)
    return None


@rule("compare")
def compare_constant_to_the_right(op: ir.Operation, rw: Rewriter) -> Replacement:
    """c < x is x > c."""
    lhs, rhs = op.operands
    if rw.attribute(lhs) is None or rw.attribute(rhs) is not None:
        return None
    return rw.build(
        "compare", (rhs, lhs), op.results[0].type,
        direction=_SWAPPED[value_of(op, "direction")], compare_type=value_of(op, "compare_type"),
    )  # fmt: skip


@rule("compare")
def compare_predicates(op: ir.Operation, rw: Rewriter) -> Replacement:
    """p == true is p, p != true is not p, and so on."""
    lhs, rhs = op.operands
    splat, direction = rw.splat_of(rhs), value_of(op, "direction")
    if splat is None or rw.info(lhs).kind != "b" or direction not in ("EQ", "NE"):
        return None
    return lhs if bool(splat) == (direction == "EQ") else rw.build("not", (lhs,), lhs.type)


@rule("not")
def not_of_compare(op: ir.Operation, rw: Rewriter) -> Replacement:
    """not (a < b) is a >= b for integers; for floats (which may be NaN) only == and != invert."""
    compare = defining(op.operands[0], "compare")
    if compare is None:
        return None
    direction, kind = value_of(compare, "direction"), value_of(compare, "compare_type")
    if kind == "FLOAT" and direction not in ("EQ", "NE"):
        return None
    return rw.build("compare", compare.operands, op.results[0].type, direction=_INVERTED[direction], compare_type=kind)


@rule("select")
def select_known(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A constant predicate, equal branches, and the branches true and false.

    A result without elements is a constant, so that what gives the branches may be dead: a decomposition of an empty
    matrix, which LAPACK refuses, and NaN where it fails.
    """
    predicate, on_true, on_false = op.operands
    if on_true == on_false:
        return on_true
    info = rw.info(on_true)
    if 0 in info.shape and info.static and info.kind != "?":
        return rw.splat(0, info.type)
    known = rw.splat_of(predicate)
    if known is not None:
        return on_true if known else on_false
    if info.kind == "b" and predicate.type == on_true.type:
        values = rw.splat_of(on_true), rw.splat_of(on_false)
        if None not in values and bool(values[0]) != bool(values[1]):
            return predicate if values[0] else rw.build("not", (predicate,), predicate.type)
    return None


@rule("select")
def select_of_same_predicate(op: ir.Operation, rw: Rewriter) -> Replacement:
    """select(not p, a, b) = select(p, b, a); a nested select on the same predicate is decided by the outer one."""
    predicate, on_true, on_false = op.operands
    type = op.results[0].type
    negated = defining(predicate, "not")
    if negated is not None:
        return rw.build("select", (negated.operands[0], on_false, on_true), type)
    inner = defining(on_true, "select")
    if inner is not None and inner.operands[0] == predicate:
        return rw.build("select", (predicate, inner.operands[1], on_false), type)
    inner = defining(on_false, "select")
    if inner is not None and inner.operands[0] == predicate:
        return rw.build("select", (predicate, on_true, inner.operands[2]), type)
    return None


@rule("convert", "bitcast_convert")
def conversion_to_the_same_type(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A conversion to the operand's type is the operand."""
    operand = op.operands[0]
    return operand if operand.type == op.results[0].type else None


@rule("bitcast_convert")
def bitcast_of_bitcast(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Bits stay the same bits.  (Floats that come from floats stay: to differentiation bits are constants.)"""
    inner = defining(op.operands[0], "bitcast_convert")
    if (
        inner is None
        or all(rw.info(v).kind == "f" for v in (inner.operands[0], op.results[0]))
        or len({rw.info(v).width for v in (inner.operands[0], inner.results[0], op.results[0])}) != 1
    ):
        return None
    return rw.build("bitcast_convert", (inner.operands[0],), op.results[0].type)


_FLOAT_BITS = {"bf16": (8, 8), "f16": (11, 5), "f32": (24, 8), "f64": (53, 11)}  # significand, exponent


def _lossless(source: TensorInfo, target: TensorInfo) -> bool:
    """Whether every value of the source's element type is one of the target's."""
    if source.kind == "c" or target.kind in "c?" or source.kind == "?":
        return False
    if source.kind == "f":
        a, b = _FLOAT_BITS.get(str(source.element)), _FLOAT_BITS.get(str(target.element))
        return a is not None and b is not None and a[0] <= b[0] and a[1] <= b[1]
    if target.kind == "b":
        return source.kind == "b"
    digits = source.width - (source.kind == "i")
    if target.kind == "f":
        bits = _FLOAT_BITS.get(str(target.element))
        return bits is not None and digits <= bits[0] and digits < 2 ** (bits[1] - 1) - 1
    if source.kind == "i" and target.kind != "i":
        return False
    return digits <= target.width - (target.kind == "i")


@rule("convert")
def convert_of_convert(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A first conversion that loses nothing is left out."""
    inner = defining(op.operands[0], "convert")
    if inner is None:
        return None
    source, middle, target = rw.info(inner.operands[0]), rw.info(inner.results[0]), rw.info(op.results[0])
    if not _lossless(source, middle):
        return None
    through_float = middle.kind == "f" and source.kind != "f" and target.kind != "f"
    if through_float and not _lossless(source, target):
        return None  # the float may be out of the integer's range, where wrapping and clamping differ
    return rw.build("convert", (inner.operands[0],), target.type)
