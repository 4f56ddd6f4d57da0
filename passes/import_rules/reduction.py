"""Import of reductions and window reductions: known combiners become kinds, others keep their region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.import_rules.core import Importer, integers, rule, with_element
from astra_mlir.passes.import_rules.matching import arg_extremum, binary_kinds, expressions, is_logaddexp


def _build_all(
    op: ir.Operation, b: Importer, name: str, custom_kinds: Sequence[str | None], attributes: dict[str, Any]
) -> list[ir.Value]:
    """The Astra form of an n-operand reduction: one operation per operand where each pair has a kind of its own."""
    count = len(list(op.results))
    body = op.regions[0].blocks[0]
    # A region may compute in wider types than its operands have: those are converted first.
    computed = [argument.type.element_type for argument in list(body.arguments)[:count]]
    operands = list(op.operands)
    inputs = b.element_convert(operands[:count], computed)
    inits = b.element_convert(operands[count:], computed)
    types = [result.type for result in op.results]
    kinds = binary_kinds(op.regions[0])
    if kinds is not None:
        return [
            b.op(name, [x, init], [type], kind=kind, **attributes).results[0]
            for x, init, type, kind in zip(inputs, inits, types, kinds, strict=True)
        ]
    kind = next((kind for kind in custom_kinds if kind is not None), "custom")
    new = b.op(name, [*inputs, *inits], types, kind=kind, **attributes)
    if kind == "custom":
        b.move_region(op.regions[0], new.regions[0])
    return list(new.results)


@rule("stablehlo.reduce")
def _reduce(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    extremum = arg_extremum(op.regions[0])
    return _build_all(op, b, "reduce", [extremum], {"dimensions": op.attributes["dimensions"]})


@rule("stablehlo.reduce_window")
def _reduce_window(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    scan = _cumulative(op, b)
    if scan is not None:
        return [scan]
    window = list(op.attributes["window_dimensions"])
    ones = [1] * len(window)
    attributes = {
        "window_dimensions": window,
        "window_strides": integers(op, "window_strides", ones),
        "base_dilations": integers(op, "base_dilations", ones),
        "window_dilations": integers(op, "window_dilations", ones),
        "padding": integers(op, "padding", [0] * (2 * len(window))),
    }
    return _build_all(op, b, "reduce_window", [], attributes)


# --- cumulative operations ---------------------------------------------------------------------------------------


def _identity(kind: str, element: ir.Type) -> Any:
    """The value that a combiner leaves everything else unchanged with."""
    if kind in ("add", "or", "xor"):
        return 0
    if kind in ("multiply", "and"):
        return 1
    dtype = elements.dtype_of(element)
    least = kind in ("maximum", "logaddexp")
    if isinstance(element, ir.IntegerType):
        limits = ml_dtypes.iinfo(dtype)
        return limits.min if least else limits.max
    return -np.inf if least else np.inf


_CUMULATIVE = ("add", "multiply", "maximum", "minimum")


def _cumulative(op: ir.Operation, b: Importer) -> ir.Value | None:
    """The scan that a window reduction over everything before (or after) each element is, if it is one."""
    if len(list(op.results)) != 1:
        return None
    operand, init = op.operands
    type = operand.type
    window = list(op.attributes["window_dimensions"])
    long = [d for d, size in enumerate(window) if size != 1]
    if len(long) != 1 or window[long[0]] != type.shape[long[0]] or op.results[0].type != type:
        return None
    (dimension,) = long
    for name in ("window_strides", "base_dilations", "window_dilations"):
        if any(size != 1 for size in integers(op, name)):
            return None
    padding = integers(op, "padding", [0] * (2 * len(window)))
    before, after = padding[2 * dimension], padding[2 * dimension + 1]
    others = [p for i, p in enumerate(padding) if i // 2 != dimension]
    if any(others) or sorted((before, after)) != [0, window[dimension] - 1]:
        return None
    element = type.element_type
    if isinstance(element, ir.ComplexType) or op.regions[0].blocks[0].arguments[0].type.element_type != element:
        return None
    kinds = binary_kinds(op.regions[0])
    kind = "logaddexp" if is_logaddexp(op.regions[0]) else kinds[0] if kinds else None
    value = b.constant_of(init)
    if kind not in (*_CUMULATIVE, "logaddexp") or value is None or value.item() != _identity(kind, element):
        return None
    return b.emit("cumulative", [operand], type, dimension=dimension, reverse=before == 0, kind=kind)


# --- select_and_scatter ------------------------------------------------------------------------------------------


@rule("stablehlo.select_and_scatter")
def _select_and_scatter(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, source, init = op.operands
    type = op.results[0].type
    select, scatter = op.regions
    computed = scatter.blocks[0].arguments[0].type.element_type
    source, init = b.element_convert([source, init], [computed, computed])
    if operand.type.element_type != type.element_type:
        operand = b.emit("convert", [operand], with_element(operand.type, type.element_type))
    select_kind = next((kind for kind in _SELECTS if expressions(select) == [_SELECTS[kind](select)]), "custom")
    scatter_kind = "add" if binary_kinds(scatter) == ["add"] else "custom"
    window = integers(op, "window_dimensions", [1] * operand.type.rank)
    new = b.op(
        "select_and_scatter",
        [operand, source, init],
        [type],
        window_dimensions=window,
        window_strides=integers(op, "window_strides", [1] * len(window)),
        padding=integers(op, "padding", [0] * (2 * len(window))),
        select_kind=select_kind,
        scatter_kind=scatter_kind,
    )
    for kind, source_region, target in ((select_kind, select, new.regions[0]), (scatter_kind, scatter, new.regions[1])):
        if kind == "custom":
            b.move_region(source_region, target)
    return new.results


def _ordered(direction: str, swapped: bool) -> Callable[[ir.Region], tuple[Any, ...]]:
    def expression(region: ir.Region) -> tuple[Any, ...]:
        element = region.blocks[0].arguments[0].type.element_type
        how = "FLOAT"
        if isinstance(element, ir.IntegerType):
            how = "UNSIGNED" if element.is_unsigned or element.width == 1 else "SIGNED"
        operands = (("arg", 1), ("arg", 0)) if swapped else (("arg", 0), ("arg", 1))
        return (f"compare.{direction}.{how}", *operands)

    return expression


_SELECTS = {
    "GE": _ordered("LE", True),
    "GT": _ordered("LT", True),
    "LE": _ordered("LE", False),
    "LT": _ordered("LT", False),
}
