"""Export of sort and top_k."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.export_rules.combiners import lexicographic
from astra_mlir.passes.export_rules.core import Exporter, rule, scalar_type, value_of, with_shape


def _sort(
    operands: Sequence[ir.Value], dimension: int, stable: bool, kind: str, keys: int, b: Exporter
) -> Sequence[ir.Value]:
    types = [x.type for x in operands]
    new = b.op("sort", operands, types, 1, dimension=dimension, is_stable=stable)
    scalars = [scalar_type(type.element_type) for type in types for _ in range(2)]
    b.region(new.regions[0], scalars, lexicographic(kind, keys, b))
    return new.results


@rule("astra.sort")
def _sort_rule(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    dimension, stable, kind = (value_of(op, name) for name in ("dimension", "is_stable", "kind"))
    operands = list(op.operands)
    if kind != "custom":
        return _sort(operands, dimension, stable, kind, value_of(op, "num_keys", 1), b)
    new = b.op("sort", operands, [x.type for x in operands], 1, dimension=dimension, is_stable=stable)
    b.move_region(op.regions[0], new.regions[0])
    return new.results


@rule("astra.top_k")
def _top_k(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    (operand,) = op.operands
    types = [result.type for result in op.results]
    k, largest = value_of(op, "k"), value_of(op, "largest")
    if largest and not b.pure_stablehlo:
        return b.op("chlo.top_k", [operand], types, k=k).results
    last = operand.type.rank - 1
    indices_type = ir.RankedTensorType.get(list(operand.type.shape), types[1].element_type)
    indices = b.emit("iota", [], indices_type, iota_dimension=last)
    sorted_values = _sort([operand, indices], last, True, "descending" if largest else "ascending", 1, b)
    limits = [*operand.type.shape[:-1], k]
    return [
        b.emit(
            "slice",
            [value],
            with_shape(type, limits),
            start_indices=[0] * (last + 1),
            limit_indices=limits,
            strides=[1] * (last + 1),
        )
        for value, type in zip(sorted_values, types, strict=True)
    ]
