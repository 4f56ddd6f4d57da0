"""Elementwise operations of the Astra dialect: one row of a table per function.

The table is the single place that says which functions exist, how many operands each takes and on which element types
it is defined; import, simplification and lowering look functions up by name in tables of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    CLASS_NAMES,
    DYNAMIC,
    class_in,
    compatible_types,
    element_class,
    operands,
    require_choice,
    require_element,
    require_same_element,
    require_same_shape,
    require_shape,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["BINARY", "COMPARE_DIRECTIONS", "COMPARE_TYPES", "FUNCTIONS", "UNARY", "Function", "result_type"]


@dataclass(frozen=True)
class Function:
    """One elementwise function: its name, arity, the element type classes it takes, and what it computes."""

    name: str
    arity: int
    classes: str  # b = i1, i = integers, s = signed integers only, f = floats, c = complex
    summary: str
    result: str = "same"  # "same", "i1", "part" (complex -> its float), "complex" (float -> complex)


UNARY = (
    Function("abs", 1, "sfc", "the absolute value; of a complex number, its modulus", "part"),
    Function("negate", 1, "ifc", "the negated value, wrapping for integers"),
    Function("sign", 1, "sfc", "-1, 0 or 1 (a complex number divided by its modulus); NaN stays NaN, -0.0 stays -0.0"),
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
    Function("shift_right_arithmetic", 2, "i", "lhs shifted right by rhs bits, the sign filled in"),
    Function("shift_right_logical", 2, "i", "lhs shifted right by rhs bits, zeros filled in; 0 if rhs is out of range"),
    Function("complex", 2, "f", "the complex number with real part lhs and imaginary part rhs", "complex"),
)

FUNCTIONS = {function.name: function for function in (*UNARY, *BINARY)}

COMPARE_DIRECTIONS = ("EQ", "NE", "GE", "GT", "LE", "LT")
COMPARE_TYPES = ("FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED")

_COMPARE_TYPES_OF_CLASS = {
    "b": ("UNSIGNED",),
    "i": ("UNSIGNED",),
    "s": ("SIGNED",),
    "f": ("FLOAT", "TOTALORDER"),
    "c": ("FLOAT",),
}


# --- types -------------------------------------------------------------------------------------------------------


def _result_element(function: Function, element: ir.Type) -> ir.Type:
    if function.result == "i1":
        return ir.IntegerType.get_signless(1)
    if function.result == "complex":
        return ir.ComplexType.get(element)
    if function.result == "part" and isinstance(element, ir.ComplexType):
        return element.element_type
    return element


def result_type(name: str, *operand_types: ir.RankedTensorType) -> ir.RankedTensorType:
    """The type that an elementwise function (or ``compare``) gives on operands of these types, of one shape.

    A dimension that is static in any operand is static in the result.
    """
    first = operand_types[0]
    if name == "compare":
        element = ir.IntegerType.get_signless(1)
    else:
        element = _result_element(FUNCTIONS[name], first.element_type)
    if element == first.element_type and all(other == first for other in operand_types):
        return first
    sizes = zip(*(other.shape for other in operand_types), strict=True)
    return ir.RankedTensorType.get([max(dims) if max(dims) >= 0 else DYNAMIC for dims in sizes], element)


# --- verifiers ---------------------------------------------------------------------------------------------------


# These types alone say that an element type is a supported float; it is what nearly all operations compute on.
_COMMON_FLOATS = frozenset({ir.F16Type, ir.BF16Type, ir.F32Type, ir.F64Type})


def _verify_same(function: Function) -> None:
    """Define a function whose result has the type of its operands; equal types need no look at shapes."""
    classes = function.classes
    common = _COMMON_FLOATS if "f" in classes else frozenset()

    def verify(op: ir.Operation) -> None:
        values = op.operands
        first = values[0].type
        if first != op.result.type or (function.arity == 2 and first != values[1].type):
            require_fitting_types(op, first)
        if isinstance(first, ir.RankedTensorType):
            element = first.element_type
            if type(element) in common or class_in(element, classes):
                return
        require_element(operands(op)[0], classes)

    def require_fitting_types(op: ir.Operation, first: ir.Type) -> None:
        first_name, *names = (f"operand '{name}'" for name in _operand_names(function))
        others = [(name, op.operands[i].type) for i, name in enumerate(names, 1)]
        for what, other in (*others, ("result", op.result.type)):
            if not compatible_types(first, other):
                raise VerificationError(f"{what} must have the type of {first_name}, {first}, but is {other} (C1)")

    _define_function(function, verify)


def _verify_changed(function: Function) -> None:
    """Define a function whose result has another element type than its operands."""
    classes = function.classes

    def verify(op: ir.Operation) -> None:
        values, result = operands(op), single_result(op)
        for value in values:
            require_element(value, classes)
        if function.arity == 2:
            require_same_element(*values, "C1")
            require_same_shape(*values, "C1")
        if function.result == "complex" and element_class(ir.ComplexType.get(values[0].element)) != "c":
            raise VerificationError(f"{values[0].what} must have f32 or f64 elements, but is {values[0].type} (C3)")
        require_same_shape(values[0], result, "C2" if function.arity == 2 else "C1")
        expected = _result_element(function, values[0].element)
        require(result.element == expected, f"result must have {expected} elements, but is {result.type} (C2)")

    _define_function(function, verify)


def _verify_compare(op: ir.Operation) -> None:
    lhs, rhs = operands(op)
    result = single_result(op)
    require_choice(op, "direction", COMPARE_DIRECTIONS)
    compare_type = require_choice(op, "compare_type", COMPARE_TYPES)
    require_element(lhs, "bifc")
    require_same_element(lhs, rhs, "C1")
    require_same_shape(lhs, rhs, "C2")
    require_same_shape(lhs, result, "C2")
    require_element(result, "b")
    allowed = _COMPARE_TYPES_OF_CLASS[element_class(lhs.element)]
    if compare_type not in allowed:
        raise VerificationError(
            f"attribute 'compare_type' must be {' or '.join(allowed)} for {lhs.element}, but is {compare_type} (C3)"
        )


def _verify_select(op: ir.Operation) -> None:
    predicate, on_true, on_false = operands(op)
    require_element(predicate, "b")
    require_element(on_true, "bifc")
    if predicate.shape:
        require_same_shape(on_true, predicate, "C1")
    for other in (on_false, single_result(op)):
        require_same_element(on_true, other, "C2")
        require_same_shape(on_true, other, "C2")


def _verify_clamp(op: ir.Operation) -> None:
    low, operand, high = operands(op)
    require_element(operand, "bifc")
    for bound, constraint in ((low, "C1"), (high, "C2")):
        require_same_element(operand, bound, "C3")
        if bound.shape:
            require_same_shape(operand, bound, constraint)
    result = single_result(op)
    require_same_element(operand, result, "C4")
    require_same_shape(operand, result, "C4")


def _verify_convert(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_element(operand, "bifc")
    require_element(result, "bifc")
    require_same_shape(operand, result, "C1")


def _bits(element: ir.Type) -> int:
    return 2 * element.element_type.width if isinstance(element, ir.ComplexType) else element.width


def _verify_bitcast_convert(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_element(operand, "bifc")
    require_element(result, "bifc")
    if (element_class(operand.element) == "c") != (element_class(result.element) == "c"):
        raise VerificationError(f"cannot cast between complex and real: {operand.type} to {result.type} (C2)")
    old, new = _bits(operand.element), _bits(result.element)
    require(max(old, new) % min(old, new) == 0, f"cannot cast {old} bits to {new} bits (C1)")
    expected = list(operand.shape)
    if new < old:
        expected.append(old // new)
    elif new > old:
        if not expected or expected[-1] not in (new // old, DYNAMIC):
            raise VerificationError(
                f"operand 'operand' must have a last dimension of {new // old} to be cast to {result.element}, "
                f"but is {operand.type} (C1)"
            )
        expected.pop()
    require_shape(result, expected, f"that of {operand.type} cast to {result.element}", "C1")


def _verify_reduce_precision(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_element(operand, "f")
    require_same_element(operand, result, "C1")
    require_same_shape(operand, result, "C1")
    for name, least, constraint in (("exponent_bits", 1, "C2"), ("mantissa_bits", 0, "C3")):
        value = value_of(op, name)
        require(value >= least, f"attribute '{name}' must be at least {least}, but is {value} ({constraint})")


# --- declarations ------------------------------------------------------------------------------------------------

_EXAMPLE_ELEMENT = {"f": "f32", "s": "i32", "i": "i32", "b": "i1", "c": "complex<f32>"}
_PREFERRED_CLASSES = "fisbc"


def _example(function: Function) -> str:
    letter = next(letter for letter in _PREFERRED_CLASSES if letter in function.classes)
    if function.name in ("real", "imag"):
        letter = "c"
    element = _EXAMPLE_ELEMENT[letter]
    result = {"same": element, "i1": "i1", "part": "f32", "complex": f"complex<{element}>"}[function.result]
    names = [f"%{name}" for name in _operand_names(function)]
    types = ", ".join([f"tensor<4x?x{element}>"] * function.arity)
    return f'%result = "astra.{function.name}"({", ".join(names)}) : ({types}) -> tensor<4x?x{result}>'


def _doc(function: Function) -> str:
    classes = ", ".join(CLASS_NAMES[letter] for letter in function.classes)
    result = {
        "same": "The result has the type of the operands.",
        "i1": "The result has the operand's shape and i1 elements.",
        "part": "The result has the operand's type; of a complex operand, the type of its parts.",
        "complex": "The operands are f32 or f64; the result is complex of the same shape.",
    }[function.result]
    operand_rule = "" if function.arity == 1 else "Both operands have the same type: nothing is broadcast.\n"
    return f"""Element by element: {function.summary}.

```mlir
{_example(function)}
```

Element types: {classes}.
{operand_rule}{result}
"""


def _operand_names(function: Function) -> tuple[str, ...]:
    return ("operand",) if function.arity == 1 else ("lhs", "rhs")


def _define_function(function: Function, verify: object) -> None:
    define(
        function.name,
        family="elementwise",
        operands=_operand_names(function),
        doc=_doc(function),
        verify=verify,  # type: ignore[arg-type]
    )


for _function in FUNCTIONS.values():
    (_verify_same if _function.result == "same" else _verify_changed)(_function)

define(
    "compare",
    family="elementwise",
    operands=("lhs", "rhs"),
    attributes={"direction": Attr.STRING, "compare_type": Attr.STRING},
    doc="""Compare two tensors element by element.

```mlir
%result = "astra.compare"(%lhs, %rhs) {direction = "LT", compare_type = "FLOAT"}
    : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
```

`direction` is EQ, NE, GE, GT, LE or LT. `compare_type` follows from the element type: SIGNED for signless integers,
UNSIGNED for unsigned ones and i1, FLOAT (IEEE: NaN differs from everything, -0.0 equals 0.0) or TOTALORDER (IEEE
totalOrder) for floats, FLOAT for complex numbers, which compare lexicographically.
""",
    verify=_verify_compare,
)
define(
    "select",
    family="elementwise",
    operands=("predicate", "on_true", "on_false"),
    doc="""Take each element from one of two tensors.

```mlir
%result = "astra.select"(%predicate, %on_true, %on_false)
    : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
```

The element of `on_true` where `predicate` is true, else that of `on_false`. `predicate` has their shape or rank 0.
""",
    verify=_verify_select,
)
define(
    "clamp",
    family="elementwise",
    operands=("min", "operand", "max"),
    doc="""Limit each element to an interval.

```mlir
%result = "astra.clamp"(%min, %operand, %max) : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
```

`minimum(maximum(operand, min), max)`, NaN propagated. Each bound has the operand's shape or rank 0.
""",
    verify=_verify_clamp,
)
define(
    "convert",
    family="elementwise",
    operands=("operand",),
    doc="""Convert each element to another element type.

```mlir
%result = "astra.convert"(%operand) : (tensor<4xf32>) -> tensor<4xi32>
```

The result type says to which. To i1: whether the element differs from zero. Float to integer truncates towards zero
and saturates (NaN gives 0); to a narrower integer wraps; to a narrower float rounds to nearest even; complex to real
drops the imaginary part; real to complex has imaginary part zero.
""",
    verify=_verify_convert,
)
define(
    "bitcast_convert",
    family="elementwise",
    operands=("operand",),
    doc="""Read the bits of each element as another element type.

```mlir
%result = "astra.bitcast_convert"(%operand) : (tensor<4xf32>) -> tensor<4x2xui16>
```

To a type of the same width the shape stays. To a narrower one a last dimension is added (lowest bits first), from a
narrower one the last dimension is removed.
""",
    verify=_verify_bitcast_convert,
)
define(
    "reduce_precision",
    family="elementwise",
    operands=("operand",),
    attributes={"exponent_bits": Attr.I64, "mantissa_bits": Attr.I64},
    doc="""Round each element to a float format with fewer exponent and mantissa bits, and back.

```mlir
%result = "astra.reduce_precision"(%operand) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64}
    : (tensor<4xf32>) -> tensor<4xf32>
```

Rounds to nearest even; values beyond the range become infinite, those below its normal numbers zero. The type stays.
""",
    verify=_verify_reduce_precision,
)
