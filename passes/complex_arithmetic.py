"""The formulas of complex functions (``linalg_rules/complex_scalar.py``) as operations of the Astra dialect.

They are written for scalar code, by names of ``arith`` and ``math``; here each name gives the Astra operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.complex_scalar import FORMULAS, Real, Z
from astra_mlir.passes.linalg_rules.scalar import compare_float
from astra_mlir.passes.simplify_rules.core import Rewriter

__all__ = ["TensorArithmetic", "compute"]

_OPERATIONS = {
    "arith.addf": "add", "arith.subf": "subtract", "arith.mulf": "multiply", "arith.divf": "divide",
    "arith.negf": "negate", "arith.maximumf": "maximum", "arith.minimumf": "minimum", "arith.andi": "and",
    "arith.ori": "or", "arith.select": "select", "math.absf": "abs", "math.sqrt": "sqrt", "math.exp": "exponential",
    "math.expm1": "exponential_minus_one", "math.log": "log", "math.log1p": "log_plus_one", "math.sin": "sine",
    "math.cos": "cosine", "math.tan": "tan", "math.tanh": "tanh", "math.atan2": "atan2", "math.cbrt": "cbrt",
    "math.powf": "power",
}  # fmt: skip
_ORDERED = {"oeq": "EQ", "ogt": "GT", "oge": "GE", "olt": "LT", "ole": "LE", "une": "NE"}


class TensorArithmetic:
    """What the formulas ask of a ``Lowering``; new operations stand where the rewriter is."""

    def __init__(self, b: Rewriter) -> None:
        self.b = b
        self.i1, self.i64 = (ir.IntegerType.get_signless(bits) for bits in (1, 64))

    def cached(self, key: Any, make: Callable[[], ir.Attribute]) -> Any:
        """The predicate's name in place of its number."""
        return key[1]

    def constant(self, type: ir.Type, value: float) -> ir.Value:
        return self.b.splat(value, type)

    def emit(
        self, name: str, operands: Sequence[ir.Value], result: ir.Type, attributes: dict[str, Any] | None = None
    ) -> ir.Value:
        if name == "arith.cmpf":
            assert attributes is not None
            return self._compare(attributes["predicate"], *operands)
        if name == "math.copysign":
            return self._copysign(*operands)
        type = operands[1 if name == "arith.select" else 0].type
        return self.b.build(_OPERATIONS[name], operands, type)

    def _relation(self, direction: str, a: ir.Value, b: ir.Value) -> ir.Value:
        type = self.b.type(a.type.shape, self.i1)
        return self.b.build("compare", (a, b), type, direction=direction, compare_type="FLOAT")

    def _compare(self, predicate: str, a: ir.Value, b: ir.Value) -> ir.Value:
        if predicate in _ORDERED:
            return self._relation(_ORDERED[predicate], a, b)
        ordered = self._relation("EQ", a, a)
        if a != b:
            ordered = self.b.build("and", (ordered, self._relation("EQ", b, b)), ordered.type)
        if predicate == "ord":
            return ordered
        unordered = self.b.build("not", (ordered,), ordered.type)
        if predicate == "uno":
            return unordered
        assert predicate == "ueq"
        return self.b.build("or", (unordered, self._relation("EQ", a, b)), ordered.type)

    def _copysign(self, a: ir.Value, b: ir.Value) -> ir.Value:
        width = a.type.element_type.width
        type = self.b.type(a.type.shape, ir.IntegerType.get_signless(width))
        sign = -(1 << (width - 1))
        parts = [
            self.b.build("and", (self.b.build("bitcast_convert", (value,), type), self.b.splat(mask, type)), type)
            for value, mask in ((a, ~sign), (b, sign))
        ]
        return self.b.build("bitcast_convert", (self.b.build("or", parts, type),), a.type)


def compute(b: Rewriter, name: str, numbers: Sequence[tuple[ir.Value, ir.Value]]) -> ir.Value | tuple[Any, Any]:
    """``astra.<name>`` of complex numbers given by their parts: a real tensor, or two parts."""
    low: Any = TensorArithmetic(b)
    result = FORMULAS[name](*(Z(Real(low, re), Real(low, im)) for re, im in numbers))
    return result.v if isinstance(result, Real) else (result.re.v, result.im.v)


def is_nonzero(b: Rewriter, value: ir.Value) -> ir.Value:
    """Whether real numbers are not 0 (NaN is not)."""
    low: Any = TensorArithmetic(b)
    return compare_float(low, "une", value, low.constant(value.type, 0.0))
