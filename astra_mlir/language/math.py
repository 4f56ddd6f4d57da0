"""Elementary functions of kernels, one row of a table each: the operations of MLIR's ``math`` dialect.

On floats element by element; integers are converted to f32 first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from astra_mlir.language import semantic
from astra_mlir.language.types import float32
from astra_mlir.language.values import Value

_TABLE = {
    "acos": ("math.acos", 1),
    "asin": ("math.asin", 1),
    "atan": ("math.atan", 1),
    "atan2": ("math.atan2", 2),
    "ceil": ("math.ceil", 1),
    "copysign": ("math.copysign", 2),
    "cos": ("math.cos", 1),
    "cosh": ("math.cosh", 1),
    "erf": ("math.erf", 1),
    "exp": ("math.exp", 1),
    "exp2": ("math.exp2", 1),
    "expm1": ("math.expm1", 1),
    "floor": ("math.floor", 1),
    "log": ("math.log", 1),
    "log1p": ("math.log1p", 1),
    "log2": ("math.log2", 1),
    "pow": ("math.powf", 2),
    "rint": ("math.roundeven", 1),
    "round": ("math.round", 1),
    "rsqrt": ("math.rsqrt", 1),
    "sin": ("math.sin", 1),
    "sinh": ("math.sinh", 1),
    "sqrt": ("math.sqrt", 1),
    "tan": ("math.tan", 1),
    "tanh": ("math.tanh", 1),
    "trunc": ("math.trunc", 1),
}

__all__ = [*_TABLE, "abs"]


def _function(name: str, operation: str, count: int) -> Callable[..., Value]:
    def apply(*operands: Any) -> Value:
        if len(operands) != count:
            raise TypeError(f"{name} takes {count} operands, not {len(operands)}")
        return semantic.elementwise(operation, *operands)

    apply.__name__ = name
    apply.__doc__ = f"``{operation}`` of {'one operand' if count == 1 else 'two operands'}, element by element."
    return apply


for _name, (_operation, _count) in _TABLE.items():
    globals()[_name] = _function(_name, _operation, _count)


def abs(x: Any) -> Any:
    """The absolute value, element by element."""
    if not isinstance(x, Value):
        return x if x >= 0 else -x
    if x.dtype.kind in "ub":
        return x
    if x.dtype.is_float and x.dtype.width == 8:
        x = semantic.cast(x, float32)
    operation = "math.absf" if x.dtype.is_float else "arith.maxsi"
    if x.dtype.is_float:
        return semantic.elementwise(operation, x)
    return semantic.binary("maximum", x, semantic.negative(x))
