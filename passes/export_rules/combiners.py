"""The regions that kinds stand for: combiners of reductions and scatters, comparators of sorts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.export_rules.core import Body, Exporter

__all__ = ["arg_extremum", "combiner", "identity", "lexicographic"]


def combiner(kind: str, count: int, b: Exporter) -> Body:
    """Combine ``count`` pairs: argument i with argument count + i."""
    if kind == "update":
        return lambda arguments: arguments[count:]
    combine = _logaddexp if kind == "logaddexp" else lambda b, x, y: b.binary(kind, x, y)
    return lambda arguments: [combine(b, arguments[i], arguments[count + i]) for i in range(count)]


def _logaddexp(b: Exporter, x: ir.Value, y: ir.Value) -> ir.Value:
    """max(x, y) + log1p(exp(-|x - y|)), and x + y where x - y is NaN (equal infinities)."""
    difference = b.binary("subtract", x, y)
    distance = b.emit("abs", [difference], x.type)
    small = b.emit("exponential", [b.emit("negate", [distance], x.type)], x.type)
    stable = b.binary("add", b.binary("maximum", x, y), b.emit("log_plus_one", [small], x.type))
    return b.select(b.compare("NE", difference, difference), b.binary("add", x, y), stable)


def arg_extremum(kind: str, b: Exporter) -> Body:
    """Argmax or argmin of (value, index) pairs: NaN wins, ties go to the lower index."""

    def body(arguments: Sequence[ir.Value]) -> list[ir.Value]:
        x, i, y, j = arguments
        better = b.compare("GT" if kind == "argmax" else "LT", x, y)
        wins = b.binary("or", better, b.compare("NE", x, x))
        lower = b.binary("and", b.compare("EQ", x, y), b.compare("LT", i, j))
        return [b.select(wins, x, y), b.select(b.binary("or", wins, lower), i, j)]

    return body


def identity(kind: str, element_type: ir.Type) -> Any:
    """The value that a combiner leaves everything else unchanged with."""
    if kind in ("add", "multiply"):
        return 0 if kind == "add" else 1
    least = kind in ("maximum", "logaddexp")
    if isinstance(element_type, ir.IntegerType):
        if element_type.width == 1:
            return not least
        limits = ml_dtypes.iinfo(elements.dtype_of(element_type))
        return limits.min if least else limits.max
    return -np.inf if least else np.inf


def lexicographic(kind: str, keys: int, b: Exporter) -> Body:
    """Whether the first of each two arguments goes before the second, the first ``keys`` pairs deciding in turn."""

    def body(arguments: Sequence[ir.Value]) -> list[ir.Value]:
        result = None
        for i in reversed(range(keys)):
            x, y = (_sort_key(value, b) for value in arguments[2 * i : 2 * i + 2])
            how = "TOTALORDER" if isinstance(x.type.element_type, ir.FloatType) else None
            before = b.compare("LT" if kind == "ascending" else "GT", x, y, how)
            if result is not None:
                before = b.binary("or", before, b.binary("and", b.compare("EQ", x, y, how), result))
            result = before
        assert result is not None
        return [result]

    return body


def _sort_key(value: ir.Value, b: Exporter) -> ir.Value:
    """A float with one zero and one NaN, which is the largest; other values as they are."""
    element = value.type.element_type
    if not isinstance(element, ir.FloatType):
        return value
    zero = b.scalar(0, element)
    key = b.select(b.compare("EQ", value, zero), zero, value)
    return b.select(b.compare("NE", value, value), b.scalar(np.nan, element), key)
