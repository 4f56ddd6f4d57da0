"""Export of reductions, window reductions and cumulative operations: kinds become regions again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.export_rules.combiners import arg_extremum, combiner, identity
from astra_mlir.passes.export_rules.core import Exporter, rule, scalar_type, value_of


def pairs(values: Sequence[int]) -> ir.DenseElementsAttr:
    """A flat list of low, high, low, high, ... as the n x 2 elements of StableHLO's padding attributes."""
    i64 = ir.IntegerType.get_signless(64)
    return elements.dense(np.asarray(values, np.int64), ir.RankedTensorType.get([len(values) // 2, 2], i64))


def _fill(op: ir.Operation, new: ir.Operation, kind: str, b: Exporter) -> None:
    """Give a reduction its region: the custom one, or what its kind stands for."""
    if kind == "custom":
        b.move_region(op.regions[0], new.regions[0])
        return
    types = [scalar_type(result.type.element_type) for result in new.results]
    body = arg_extremum(kind, b) if kind.startswith("arg") else combiner(kind, len(types), b)
    b.region(new.regions[0], [*types, *types], body)


@rule("astra.reduce")
def _reduce(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    types = [result.type for result in op.results]
    new = b.op("reduce", list(op.operands), types, 1, dimensions=op.attributes["dimensions"])
    _fill(op, new, value_of(op, "kind"), b)
    return new.results


_WINDOW = ("window_dimensions", "window_strides", "base_dilations", "window_dilations")


@rule("astra.reduce_window")
def _reduce_window(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    types = [result.type for result in op.results]
    attributes = {name: op.attributes[name] for name in _WINDOW}
    new = b.op("reduce_window", list(op.operands), types, 1, padding=pairs(value_of(op, "padding")), **attributes)
    _fill(op, new, value_of(op, "kind"), b)
    return new.results


@rule("astra.cumulative")
def _cumulative(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    (operand,) = op.operands
    type = operand.type
    dimension, kind = value_of(op, "dimension"), value_of(op, "kind")
    size = type.shape[dimension]
    if size == 0:
        return [operand]
    ones = [1] * type.rank
    window, padding = list(ones), [0] * (2 * type.rank)
    window[dimension] = size
    padding[2 * dimension + int(value_of(op, "reverse"))] = size - 1
    init = b.scalar(identity(kind, type.element_type), type.element_type)
    new = b.op(
        "reduce_window",
        [operand, init],
        [type],
        1,
        window_dimensions=window,
        window_strides=ones,
        base_dilations=ones,
        window_dilations=ones,
        padding=pairs(padding),
    )
    _fill(op, new, kind, b)
    return new.results


@rule("astra.select_and_scatter")
def _select_and_scatter(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    type = op.results[0].type
    new = b.op(
        "select_and_scatter",
        list(op.operands),
        [type],
        2,
        window_dimensions=op.attributes["window_dimensions"],
        window_strides=op.attributes["window_strides"],
        padding=pairs(value_of(op, "padding")),
    )
    select, scatter = value_of(op, "select_kind"), value_of(op, "scatter_kind")
    scalars = [scalar_type(type.element_type)] * 2
    if select == "custom":
        b.move_region(op.regions[0], new.regions[0])
    else:
        b.region(new.regions[0], scalars, lambda arguments: [b.compare(select, *arguments)])
    if scatter == "custom":
        b.move_region(op.regions[1], new.regions[1])
    else:
        b.region(new.regions[1], scalars, combiner(scatter, 1, b))
    return new.results
