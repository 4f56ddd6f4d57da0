"""Recognition of what a region computes: the expression of each of its results, compared with known ones.

An expression is a nested tuple: ``("arg", i)`` for a block argument, ``("const", x)`` for a scalar constant,
``("outside",)`` for a captured value, and ``(name, *operands)`` for an operation, where comparisons are named
``"compare.LT.FLOAT"``.  Operands of commutative operations come in a canonical order, so that both spellings match.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.import_rules.core import enumeration
from astra_mlir.passes.import_rules.elementwise import compare_type

Expression = tuple[Any, ...]

__all__ = ["Expression", "arg_extremum", "binary_kinds", "expressions", "is_logaddexp", "sort_order"]

_MAXIMUM_OPERATIONS = 200  # regions longer than this are none of the known ones,
_MAXIMUM_SIZE = 1000  # nor those whose expressions, written out, have more nodes than this
_COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "and", "or", "xor"}
_COMMUTATIVE_COMPARES = ("compare.EQ.", "compare.NE.")
_SWAPPED = {"GT": "LT", "GE": "LE"}
_UNKNOWN: Expression = ("unknown",)


def expressions(region: ir.Region) -> list[Expression]:
    """The expressions of a StableHLO region's results; empty where the region is too long to be a known one."""
    blocks = list(region.blocks)
    if len(blocks) != 1:
        return []
    operations = list(blocks[0].operations)
    if len(operations) > _MAXIMUM_OPERATIONS:
        return []
    known: dict[ir.Value, Expression] = {value: ("arg", i) for i, value in enumerate(blocks[0].arguments)}
    sizes: dict[ir.Value, int] = {}
    for op in operations[:-1]:
        results = list(op.results)
        size = 1 + sum(sizes.get(operand, 1) for operand in op.operands)
        for result in results:
            sizes[result] = size
            known[result] = _expression(op, known) if len(results) == 1 and size <= _MAXIMUM_SIZE else _UNKNOWN
    return [known[value] if value in known else _captured(value) for value in operations[-1].operands]


def _expression(op: ir.Operation, known: dict[ir.Value, Expression]) -> Expression:
    name = op.name
    if name == "stablehlo.constant":
        return _constant(op)
    if not name.startswith("stablehlo.") or len(list(op.regions)):
        return _UNKNOWN
    name = name.removeprefix("stablehlo.")
    operands = [known[value] if value in known else _captured(value) for value in op.operands]
    if name == "compare":
        direction = enumeration(op, "comparison_direction")
        if direction in _SWAPPED:
            direction, operands = _SWAPPED[direction], operands[::-1]
        name = f"compare.{direction}.{compare_type(op)}"
    return _ordered(name, operands)


def _captured(value: ir.Value) -> Expression:
    """A value from outside of the region, which is already imported."""
    owner = value.owner
    if isinstance(owner, (ir.Operation, ir.OpView)) and owner.name == "astra.constant":
        return _constant(owner)
    return ("outside",)


def _constant(op: ir.Operation) -> Expression:
    value = elements.splat_value(op.attributes["value"])
    return _UNKNOWN if value is None else ("const", _comparable(value))


def _comparable(value: Any) -> Any:
    """A constant as a Python number, or a word for NaN, which does not equal itself."""
    number = complex(value) if isinstance(value, np.complexfloating) else float(value)
    return number if number == number else "nan"


def _ordered(name: str, operands: list[Expression]) -> Expression:
    if name in _COMMUTATIVE or name.startswith(_COMMUTATIVE_COMPARES):
        operands = sorted(operands, key=repr)
    return (name, *operands)


def _binary(name: str, left: Expression, right: Expression) -> Expression:
    return _ordered(name, [left, right])


# --- combiners ---------------------------------------------------------------------------------------------------

_KINDS = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")
_BOOLEAN_KINDS = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}


def binary_kinds(region: ir.Region) -> list[str] | None:
    """The kind of each of the n pairs that a combiner region of 2 n arguments combines, if each is a known one."""
    results = expressions(region)
    count = len(results)
    kinds = []
    for i, result in enumerate(results):
        kind = next((k for k in _KINDS if result == _binary(k, ("arg", i), ("arg", count + i))), None)
        if kind is None:
            return None
        element = region.blocks[0].arguments[i].type.element_type
        boolean = isinstance(element, ir.IntegerType) and element.width == 1
        kinds.append(_BOOLEAN_KINDS.get(kind, kind) if boolean else kind)
    return kinds or None


def is_logaddexp(region: ir.Region) -> bool:
    """Whether a combiner is log(exp(a) + exp(b)) in the form that JAX gives it."""
    a, b = ("arg", 0), ("arg", 1)
    difference = ("subtract", a, b)
    stable = _binary(
        "add", _binary("maximum", a, b), ("log_plus_one", ("exponential", ("negate", ("abs", difference))))
    )
    unordered = _binary("compare.NE.FLOAT", difference, difference)
    return expressions(region) == [("select", unordered, _binary("add", a, b), stable)]


def arg_extremum(region: ir.Region) -> str | None:
    """``argmax`` or ``argmin`` where a reduction of (values, indices) is one: ties go to the lower index, NaN wins."""
    results = expressions(region)
    if len(results) != 2:
        return None
    x, i, y, j = (("arg", k) for k in range(4))
    element = region.blocks[0].arguments[0].type.element_type
    for compare in ("FLOAT", "SIGNED", "UNSIGNED"):
        for index in ("SIGNED", "UNSIGNED"):
            for kind, first, second in (("argmax", y, x), ("argmin", x, y)):
                better = (f"compare.LT.{compare}", first, second)
                equal = _binary(f"compare.EQ.{compare}", x, y)
                lower = (f"compare.LT.{index}", i, j)
                wins = _binary("or", better, _binary(f"compare.NE.{compare}", x, x))
                takes = _binary("or", wins, _binary("and", equal, lower))
                if results == [("select", wins, x, y), ("select", takes, i, j)]:
                    return kind
                # The form that PyTorch's importer gives, which says nothing of NaN.
                not_worse = (f"compare.LE.{compare}", first, second)
                merged = ("select", equal, _binary("minimum", i, j), ("select", not_worse, i, j))
                if isinstance(element, ir.IntegerType) and results == [("select", not_worse, x, y), merged]:
                    return kind
    return None


# --- sort comparators --------------------------------------------------------------------------------------------


def _canonical(x: Expression) -> Expression:
    """JAX's key of a float: one zero and one NaN."""
    zero = ("const", 0.0)
    one_zero = ("select", _binary("compare.EQ.FLOAT", x, zero), zero, x)
    return ("select", _binary("compare.NE.FLOAT", x, x), ("const", "nan"), one_zero)


def sort_order(region: ir.Region) -> tuple[str, list[str]] | None:
    """``("ascending" | "descending", [how each key compares, ...])`` where a comparator is lexicographic.

    A key compares as ``"integer"``, ``"float"`` (plain ``<``: NaN is unordered), ``"canonical"`` (NaN above everything,
    one zero) or ``"total"`` (IEEE total order: the signs of NaN and zero count).
    """
    results = expressions(region)
    if len(results) != 1:
        return None
    rest = results[0]
    order: str | None = None
    keys: list[str] = []
    for i in range(len(list(region.blocks[0].arguments)) // 2):
        for key, compare, x, y in _forms(i):
            for direction, left, right in (("ascending", x, y), ("descending", y, x)):
                less = (f"compare.LT.{compare}", left, right)
                if order not in (None, direction):
                    continue
                if rest == less:
                    return direction, [*keys, key]
                remaining = _otherwise(rest, less, _binary(f"compare.EQ.{compare}", x, y))
                if remaining is not None:
                    break
            else:
                continue
            order, rest = direction, remaining
            keys.append(key)
            break
        else:
            return None
    return None


def _otherwise(expression: Expression, less: Expression, equal: Expression) -> Expression | None:
    """``rest`` where an expression is ``less or (equal and rest)``."""
    if expression[0] != "or" or less not in expression[1:]:
        return None
    both = expression[2] if expression[1] == less else expression[1]
    if both[0] != "and" or equal not in both[1:]:
        return None
    return both[2] if both[1] == equal else both[1]


def _forms(i: int) -> list[tuple[str, str, Expression, Expression]]:
    """(key kind, compare type, left key, right key) of every known way to compare operand ``i``."""
    x, y = ("arg", 2 * i), ("arg", 2 * i + 1)
    return [
        ("canonical", "TOTALORDER", _canonical(x), _canonical(y)),
        ("float", "FLOAT", x, y),
        ("total", "TOTALORDER", x, y),
        ("integer", "SIGNED", x, y),
        ("integer", "UNSIGNED", x, y),
    ]
