"""Elementwise operations of the Astra dialect: one row of a table per function.

The table is the single place that says which functions exist, how many operands each takes and on which element types
it is defined; import, simplification and lowering look functions up by name in tables of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.dialects.core import Attr, define

__all__ = ["BINARY", "COMPARE_DIRECTIONS", "COMPARE_TYPES", "FUNCTIONS", "UNARY", "Function"]


@dataclass(frozen=True)
class Function:
    """One elementwise function: its name, arity, the element type classes it takes, and what it computes."""

    name: str
    arity: int
    classes: str  # letters: b = i1, i = integers, f = floats, c = complex
    summary: str
    result: str = "same"  # "same", "i1", "part" (complex -> its float), "complex" (float -> complex)


UNARY = (
    Function("abs", 1, "ifc", "the absolute value; of a complex number, its modulus", "part"),
    Function("negate", 1, "ifc", "the negated value"),
    Function("sign", 1, "ifc", "-1, 0 or 1 (a complex number divided by its modulus); NaN stays NaN, -0.0 stays -0.0"),
    Function("ceil", 1, "f", "the smallest integral value not less than the operand"),
    Function("floor", 1, "f", "the largest integral value not greater than the operand"),
    Function("round_nearest_even", 1, "f", "the nearest integral value, halves to even"),
    Function("round_nearest_afz", 1, "f", "the nearest integral value, halves away from zero"),
    Function("exponential", 1, "fc", "e to the power of the operand"),
    Function("exponential_minus_one", 1, "fc", "e to the power of the operand, minus one, without cancellation"),
    Function("log", 1, "fc", "the natural logarithm"),
    Function("log_plus_one", 1, "fc", "the natural logarithm of one plus the operand, without cancellation"),
    Function("sqrt", 1, "fc", "the square root"),
    Function("rsqrt", 1, "fc", "the reciprocal of the square root"),
    Function("cbrt", 1, "fc", "the cube root"),
    Function("sine", 1, "fc", "the sine of an angle in radians"),
    Function("cosine", 1, "fc", "the cosine of an angle in radians"),
    Function("tan", 1, "fc", "the tangent of an angle in radians"),
    Function("tanh", 1, "fc", "the hyperbolic tangent"),
    Function("logistic", 1, "fc", "1 / (1 + exp(-operand))"),
    Function("erf", 1, "f", "the error function"),
    Function("not", 1, "bi", "the bitwise complement; of i1, logical not"),
    Function("popcnt", 1, "i", "the number of bits set"),
    Function("count_leading_zeros", 1, "i", "the number of leading zero bits"),
    Function("is_finite", 1, "f", "whether the operand is neither infinite nor NaN", "i1"),
    Function("real", 1, "fc", "the real part", "part"),
    Function("imag", 1, "fc", "the imaginary part (zero for a float)", "part"),
)

BINARY = (
    Function("add", 2, "bifc", "the sum, wrapping for integers; of i1, logical or"),
    Function("subtract", 2, "ifc", "the difference, wrapping for integers"),
    Function("multiply", 2, "bifc", "the product, wrapping for integers; of i1, logical and"),
    Function("divide", 2, "ifc", "the quotient; for integers truncated, x / 0 is all ones, INT_MIN / -1 is INT_MIN"),
    Function("remainder", 2, "ifc", "the remainder with the sign of lhs; of integers, x rem 0 is x"),
    Function("maximum", 2, "bifc", "the larger one; NaN if either is NaN; complex numbers compare lexicographically"),
    Function("minimum", 2, "bifc", "the smaller one; NaN if either is NaN; complex numbers compare lexicographically"),
    Function("power", 2, "ifc", "lhs to the power of rhs"),
    Function("atan2", 2, "fc", "the angle of the point (rhs, lhs), in radians"),
    Function("and", 2, "bi", "the bitwise and"),
    Function("or", 2, "bi", "the bitwise or"),
    Function("xor", 2, "bi", "the bitwise exclusive or"),
    Function("shift_left", 2, "i", "lhs shifted left by rhs bits; 0 where rhs is out of range"),
    Function(
        "shift_right_arithmetic",
        2,
        "i",
        "lhs shifted right by rhs bits, the sign filled in",
    ),
    Function("shift_right_logical", 2, "i", "lhs shifted right by rhs bits, zeros filled in; 0 if rhs is out of range"),
    Function("complex", 2, "f", "the complex number with real part lhs and imaginary part rhs", "complex"),
)

FUNCTIONS = {function.name: function for function in (*UNARY, *BINARY)}

COMPARE_DIRECTIONS = ("EQ", "NE", "GE", "GT", "LE", "LT")
COMPARE_TYPES = ("FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED")

for _function in FUNCTIONS.values():
    define(
        _function.name,
        family="elementwise",
        operands=("operand",) if _function.arity == 1 else ("lhs", "rhs"),
    )

define(
    "compare",
    family="elementwise",
    operands=("lhs", "rhs"),
    attributes={"direction": Attr.STRING, "compare_type": Attr.STRING},
)
define("select", family="elementwise", operands=("predicate", "on_true", "on_false"))
define("clamp", family="elementwise", operands=("min", "operand", "max"))
define("convert", family="elementwise", operands=("operand",))
define("bitcast_convert", family="elementwise", operands=("operand",))
define(
    "reduce_precision",
    family="elementwise",
    operands=("operand",),
    attributes={"exponent_bits": Attr.I64, "mantissa_bits": Attr.I64},
)
