"""The ``check.*`` custom calls of StableHLO conformance programs: taken out of the program, evaluated on the host.

``check.expect_eq(%actual, %expected)`` and its relatives have no results; ``take_checks`` removes them and makes
their operands extra results of the function, which :meth:`Check.failure` compares.  Their meaning is that of
StableHLO's own interpreter: equality (NaN equals nothing), an absolute tolerance of 0.001, or at most 3 ULP (another
range by the attributes ``min_ulp_difference`` and ``max_ulp_difference``, both inclusive, of every element).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astra_mlir.bindings import ir
from astra_mlir.errors import InvalidProgramError, UnsupportedError, source_place
from astra_mlir.passes.inline import Inline
from astra_mlir.passes.traversal import walk

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Check", "take_checks"]

_ALMOST = 1e-3
_CLOSE_ULP = (0, 3)
_FAILURES_SHOWN = 5


def _equal(actual: Array, expected: Array, ulp: tuple[int, int]) -> Array:
    del ulp
    return actual == expected


def _almost_equal(actual: Array, expected: Array, ulp: tuple[int, int]) -> Array:
    import numpy as np

    if actual.dtype.kind == "c":
        return _almost_equal(actual.real, expected.real, ulp) & _almost_equal(actual.imag, expected.imag, ulp)
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


def _ulp_difference(actual: Array, expected: Array) -> Array:
    """Steps between floats: the larger of both parts of complex numbers, 0 for two NaN, infinite for one."""
    import numpy as np

    if actual.dtype.kind == "c":
        return np.maximum(_ulp_difference(actual.real, expected.real), _ulp_difference(actual.imag, expected.imag))
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(finite, np.abs(_ordered(actual) - _ordered(expected)), np.where(same, 0.0, np.inf))


def _close(actual: Array, expected: Array, ulp: tuple[int, int]) -> Array:
    difference = _ulp_difference(actual, expected)
    return (difference >= ulp[0]) & (difference <= ulp[1])


_COMPARISONS: dict[str, tuple[str, Callable[[Array, Array, tuple[int, int]], Array]]] = {
    "check.eq": ("equal", _equal),
    "check.expect_eq": ("equal", _equal),
    "check.expect_almost_eq": (f"equal within {_ALMOST}", _almost_equal),
    "check.expect_close": ("equal within {ulp}", _close),
}
# Attributes of custom calls in general; none of them changes what a check means.
_CALL_ATTRIBUTES = frozenset(
    ("api_version", "backend_config", "call_target_name", "called_computations", "has_side_effect",
     "operand_layouts", "output_operand_aliases", "result_layouts")
)  # fmt: skip
_ULP_ATTRIBUTES = ("min_ulp_difference", "max_ulp_difference")


@dataclass(frozen=True)
class Check:
    """One check: its custom call's name and place, and where its operands are among the function's results."""

    kind: str
    place: str
    actual: int
    expected: int
    ulp: tuple[int, int] = _CLOSE_ULP  # of expect_close: the least and the greatest difference

    def failure(self, results: tuple[Array, ...]) -> str | None:
        """What is wrong, or None where the check holds."""
        import numpy as np

        actual, expected = results[self.actual], results[self.expected]
        meaning, compare = _COMPARISONS[self.kind]
        wrong = np.argwhere(~np.asarray(compare(actual, expected, self.ulp)).astype(bool))
        if not len(wrong):
            return None
        least, most = self.ulp
        meaning = meaning.format(ulp=f"{least} to {most} ULP" if least else f"{most} ULP")
        shown = [f"at {list(map(int, i))}: {actual[tuple(i)]} instead of {expected[tuple(i)]}" for i in wrong]
        rest = f" and {len(wrong) - _FAILURES_SHOWN} more" if len(wrong) > _FAILURES_SHOWN else ""
        return f"{self.place}: {self.kind}: not {meaning}: {'; '.join(shown[:_FAILURES_SHOWN])}{rest}"


def take_checks(function: ir.Operation) -> list[Check]:
    """Remove the checks from ``function``; their operands become results after its own.

    Where the program has checks, its calls are inlined first, so that those of called functions count as well.  A check
    in a region is refused: it may run any number of times.
    """
    module = function.parent.operation
    if not any(_is_check(op) for op in walk(module.regions[0].blocks[0])):
        return []
    Inline().run(module)
    block = function.regions[0].blocks[0]
    operations = [op.operation for op in block.operations]
    terminator = operations[-1]
    results = list(terminator.operands)
    checks = []
    for op in filter(_is_check, operations):
        checks.append(_read(op, len(results)))
        results += list(op.operands)
        op.erase()
    for op in walk(module.regions[0].blocks[0]):
        if _is_check(op):
            raise UnsupportedError(
                f"{source_place(op.location)}: '{_target(op)}' inside of '{op.parent.name}': a check has to be in the "
                "body of a function that is called, not in a region; return the values and check them there"
            )
    if checks:
        _return(function, terminator, results)
    return checks


def _target(op: ir.Operation) -> str:
    return ir.StringAttr(op.attributes["call_target_name"]).value


def _is_check(op: ir.Operation) -> bool:
    return op.name in ("stablehlo.custom_call", "astra.custom_call") and _target(op).startswith("check.")


def _read(op: ir.Operation, first_result: int) -> Check:
    """The check that a custom call is, after verifying what its comparison takes for granted."""
    kind, place = _target(op), source_place(op.location)
    if kind not in _COMPARISONS:
        raise UnsupportedError(f"{place}: '{kind}' is not a known check ({', '.join(_COMPARISONS)})")
    types = [value.type for value in op.operands]
    if len(types) != 2 or len(op.results):
        raise InvalidProgramError(
            f"{place}: '{kind}' takes 2 operands and gives no result, but has {len(types)} and {len(op.results)}"
        )
    if types[0] != types[1]:
        raise InvalidProgramError(f"{place}: '{kind}' compares arrays of one type, not {types[0]} with {types[1]}")
    if kind == "check.expect_close" and not _has_ulp(types[0]):
        raise InvalidProgramError(f"{place}: '{kind}' counts steps between floats, which {types[0]} does not have")
    return Check(kind, place, first_result, first_result + 1, _ulp_range(op, kind, place))


def _has_ulp(tensor: ir.Type) -> bool:
    element = ir.ShapedType(tensor).element_type
    return not isinstance(element, (ir.IntegerType, ir.IndexType))


def _ulp_range(op: ir.Operation, kind: str, place: str) -> tuple[int, int]:
    """The range of a check of this kind; any other attribute than those that give it is refused."""
    attributes = {name: op.attributes[name] for name in op.attributes}
    config = attributes.get("backend_config")
    given = {name: attribute for name, attribute in attributes.items() if name not in _CALL_ATTRIBUTES}
    if isinstance(config, ir.DictAttr):
        given |= {config[i].name: config[i].attr for i in range(len(config))}
    known = _ULP_ATTRIBUTES if kind == "check.expect_close" else ()
    for name, attribute in given.items():
        if name not in known or not isinstance(attribute, ir.IntegerAttr):
            expected = f"integers {' and '.join(known)}" if known else "none"
            raise UnsupportedError(
                f"{place}: '{kind}' has attribute {name} = {attribute}, which is not understood (known: {expected})"
            )
    least, most = (
        ir.IntegerAttr(given[name]).value if name in given else default
        for name, default in zip(_ULP_ATTRIBUTES, _CLOSE_ULP, strict=True)
    )
    return least, most


def _return(function: ir.Operation, terminator: ir.Operation, results: list[ir.Value]) -> None:
    """Make ``function`` return ``results``."""
    ir.Operation.create(terminator.name, operands=results, loc=terminator.location, ip=ir.InsertionPoint(terminator))
    terminator.erase()
    inputs = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).inputs
    function_type = ir.FunctionType.get(inputs, [value.type for value in results])
    function.attributes["function_type"] = ir.TypeAttr.get(function_type)
    if "res_attrs" in function.attributes:
        del function.attributes["res_attrs"]
