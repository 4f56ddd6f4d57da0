"""Export of gather and scatter."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.export_rules.combiners import combiner
from astra_mlir.passes.export_rules.core import Exporter, rule, scalar_type, value_of


@rule("astra.gather")
def _gather(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    numbers = stablehlo.GatherDimensionNumbers.get(
        offset_dims=list(value_of(op, "offset_dims")),
        collapsed_slice_dims=list(value_of(op, "collapsed_slice_dims")),
        operand_batching_dims=list(value_of(op, "operand_batching_dims")),
        start_indices_batching_dims=list(value_of(op, "start_indices_batching_dims")),
        start_index_map=list(value_of(op, "start_index_map")),
        index_vector_dim=value_of(op, "index_vector_dim"),
    )
    operands = list(op.operands)
    dynamic = len(operands) == 3
    return [
        b.emit(
            "dynamic_gather" if dynamic else "gather",
            operands,
            op.results[0].type,
            dimension_numbers=numbers,
            slice_sizes=None if dynamic else op.attributes["slice_sizes"],
            indices_are_sorted=value_of(op, "indices_are_sorted", False),
        )
    ]


@rule("astra.scatter")
def _scatter(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    numbers = stablehlo.ScatterDimensionNumbers.get(
        update_window_dims=list(value_of(op, "update_window_dims")),
        inserted_window_dims=list(value_of(op, "inserted_window_dims")),
        input_batching_dims=list(value_of(op, "input_batching_dims")),
        scatter_indices_batching_dims=list(value_of(op, "scatter_indices_batching_dims")),
        scattered_dims_to_operand_dims=list(value_of(op, "scatter_dims_to_operand_dims")),
        index_vector_dim=value_of(op, "index_vector_dim"),
    )
    types = [result.type for result in op.results]
    new = b.op(
        "scatter",
        list(op.operands),
        types,
        1,
        scatter_dimension_numbers=numbers,
        indices_are_sorted=value_of(op, "indices_are_sorted", False),
        unique_indices=value_of(op, "unique_indices", False),
    )
    kind = value_of(op, "kind")
    if kind == "custom":
        b.move_region(op.regions[0], new.regions[0])
    else:
        scalars = [scalar_type(type.element_type) for type in types]
        b.region(new.regions[0], [*scalars, *scalars], combiner(kind, len(types), b))
    return new.results
