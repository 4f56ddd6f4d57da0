"""The ``check.*`` custom calls of StableHLO conformance programs: taken out of the program, evaluated on the host.

``check.expect_eq(%actual, %expected)`` and its relatives have no results; ``take_checks`` removes them and makes
their operands extra results of the function, which :meth:`Check.failure` compares.  Their meaning is that of
StableHLO's own interpreter: equality (NaN equals nothing), an absolute tolerance of 0.001, or at most 3 ULP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Check", "take_checks"]

_ALMOST = 1e-3
_CLOSE_ULP = 3
_FAILURES_SHOWN = 5


def _equal(actual: Array, expected: Array) -> Array:
    return actual == expected


def _almost_equal(actual: Array, expected: Array) -> Array:
    import numpy as np

    if actual.dtype.kind == "c":
        return _almost_equal(actual.real, expected.real) & _almost_equal(actual.imag, expected.imag)
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= _ALMOST
    return near | (a == b) | (np.isnan(a) & np.isnan(b))


def _ordered(values: Array) -> Array:
    """Integers in the order of the floats, one apart for neighbours, both zeros at 0."""
    import numpy as np

    width = values.dtype.itemsize
    bits = np.array(values, order="C").view(f"u{width}")
    sign = np.array(1 << (8 * width - 1), f"u{width}")
    magnitude = (bits & ~sign).astype(np.float64 if width < 8 else object)
    return np.where(bits & sign != 0, -magnitude, magnitude)


def _close(actual: Array, expected: Array) -> Array:
    import numpy as np

    if actual.dtype.kind == "c":
        return _close(actual.real, expected.real) & _close(actual.imag, expected.imag)
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    near = np.abs(_ordered(actual) - _ordered(expected)) <= _CLOSE_ULP
    return np.where(finite, near.astype(bool), (a == b) | (np.isnan(a) & np.isnan(b)))


_COMPARISONS: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "check.eq": ("equal", _equal),
    "check.expect_eq": ("equal", _equal),
    "check.expect_almost_eq": (f"equal within {_ALMOST}", _almost_equal),
    "check.expect_close": (f"equal within {_CLOSE_ULP} ULP", _close),
}


@dataclass(frozen=True)
class Check:
    """One check: its custom call's name and place, and where its operands are among the function's results."""

    kind: str
    place: str
    actual: int
    expected: int

    def failure(self, results: tuple[Array, ...]) -> str | None:
        """What is wrong, or None where the check holds."""
        import numpy as np

        actual, expected = results[self.actual], results[self.expected]
        meaning, compare = _COMPARISONS[self.kind]
        wrong = np.argwhere(~np.asarray(compare(actual, expected)).astype(bool))
        if not len(wrong):
            return None
        shown = [f"at {list(map(int, i))}: {actual[tuple(i)]} instead of {expected[tuple(i)]}" for i in wrong]
        rest = f" and {len(wrong) - _FAILURES_SHOWN} more" if len(wrong) > _FAILURES_SHOWN else ""
        return f"{self.place}: {self.kind}: not {meaning}: {'; '.join(shown[:_FAILURES_SHOWN])}{rest}"


def take_checks(function: ir.Operation) -> list[Check]:
    """Remove the checks from ``function``; their operands become results after its own."""
    block = function.regions[0].blocks[0]
    operations = [op.operation for op in block.operations]
    calls = [op for op in operations if op.name in ("stablehlo.custom_call", "astra.custom_call")]
    terminator = operations[-1]
    results = list(terminator.operands)
    checks = []
    for op in calls:
        kind = ir.StringAttr(op.attributes["call_target_name"]).value
        if not kind.startswith("check."):
            continue
        if kind not in _COMPARISONS:
            raise UnsupportedError(
                f"{source_place(op.location)}: '{kind}' is not a known check ({', '.join(_COMPARISONS)})"
            )
        checks.append(Check(kind, source_place(op.location), len(results), len(results) + 1))
        results += list(op.operands)
        op.erase()
    if checks:
        _return(function, terminator, results)
    return checks


def _return(function: ir.Operation, terminator: ir.Operation, results: list[ir.Value]) -> None:
    """Make ``function`` return ``results``."""
    ir.Operation.create(terminator.name, operands=results, loc=terminator.location, ip=ir.InsertionPoint(terminator))
    terminator.erase()
    inputs = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).inputs
    function_type = ir.FunctionType.get(inputs, [value.type for value in results])
    function.attributes["function_type"] = ir.TypeAttr.get(function_type)
    if "res_attrs" in function.attributes:
        del function.attributes["res_attrs"]
