"""Import of gather, scatter and the operations that are gathers in disguise."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.import_rules.core import Importer, flag, integer, integers, is_static, refuse, rule
from astra_mlir.passes.import_rules.matching import binary_kinds, expressions

_GATHER_LISTS = (
    "offset_dims", "collapsed_slice_dims", "operand_batching_dims", "start_indices_batching_dims", "start_index_map",
)  # fmt: skip
_SCATTER_LISTS = {  # Astra attribute -> field of StableHLO's dimension numbers
    "update_window_dims": "update_window_dims",
    "inserted_window_dims": "inserted_window_dims",
    "input_batching_dims": "input_batching_dims",
    "scatter_indices_batching_dims": "scatter_indices_batching_dims",
    "scatter_dims_to_operand_dims": "scattered_dims_to_operand_dims",
}


def _gather_attributes(op: ir.Operation) -> dict[str, object]:
    numbers = stablehlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
    return {
        **{name: list(getattr(numbers, name)) for name in _GATHER_LISTS},
        "index_vector_dim": numbers.index_vector_dim,
        "indices_are_sorted": flag(op, "indices_are_sorted"),
    }


@rule("stablehlo.gather")
def _gather(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(
        "gather",
        list(op.operands),
        [op.results[0].type],
        slice_sizes=integers(op, "slice_sizes"),
        **_gather_attributes(op),
    ).results


@rule("stablehlo.dynamic_gather")
def _dynamic_gather(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, indices, sizes = op.operands
    known = b.constant_integers(sizes)
    if known is not None:
        operands, slice_sizes = [operand, indices], known[0]
    else:
        operands, slice_sizes = [operand, indices, sizes], None
    return b.op("gather", operands, [op.results[0].type], slice_sizes=slice_sizes, **_gather_attributes(op)).results


_SCATTER_KINDS = ("add", "multiply", "maximum", "minimum")
# For i1 the region's combiner is recognised as a logical one: these are the arithmetic names scatter has for them.
_SCATTER_BOOLEAN = {"or": "maximum", "and": "minimum"}


def _scatter_kinds(op: ir.Operation, count: int) -> list[str] | None:
    """The kind of each of the n scatters, if each has one."""
    region = op.regions[0]
    if expressions(region) == [("arg", count + i) for i in range(count)]:
        return ["update"] * count
    kinds = binary_kinds(region)
    if kinds is None:
        return None
    arguments = region.blocks[0].arguments
    for i, kind in enumerate(kinds):
        element = arguments[i].type.element_type
        if isinstance(element, ir.IntegerType) and element.width == 1:
            kinds[i] = _SCATTER_BOOLEAN.get(kind, kind)
    return kinds if all(kind in _SCATTER_KINDS for kind in kinds) else None


@rule("stablehlo.scatter")
def _scatter(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    types = [result.type for result in op.results]
    count = len(types)
    operands = list(op.operands)
    computed = [argument.type.element_type for argument in list(op.regions[0].blocks[0].arguments)[:count]]
    inputs = b.element_convert(operands[:count], computed)
    indices = operands[count]
    updates = b.element_convert(operands[count + 1 :], computed)
    numbers = stablehlo.ScatterDimensionNumbers(op.attributes["scatter_dimension_numbers"])
    attributes = {
        **{name: list(getattr(numbers, field)) for name, field in _SCATTER_LISTS.items()},
        "index_vector_dim": numbers.index_vector_dim,
        "indices_are_sorted": flag(op, "indices_are_sorted"),
        "unique_indices": flag(op, "unique_indices"),
    }
    kinds = _scatter_kinds(op, count)
    if kinds is not None:
        return [
            b.op("scatter", [x, indices, update], [type], kind=kind, **attributes).results[0]
            for x, update, type, kind in zip(inputs, updates, types, kinds, strict=True)
        ]
    new = b.op("scatter", [*inputs, indices, *updates], types, kind="custom", **attributes)
    b.move_region(op.regions[0], new.regions[0])
    return new.results


@rule("stablehlo.torch_index_select")
def _torch_index_select(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    """Whole slices along ``dim``, one for each index, after ``batch_dims`` dimensions that both operands share."""
    operand, index = op.operands
    dimension, batch = integer(op, "dim"), integer(op, "batch_dims")
    shape = list(operand.type.shape)
    if not is_static(operand.type):
        refuse(op, "the operand must have a static shape; use stablehlo.dynamic_gather for dynamic ones")
    dimension %= len(shape)
    index_rank = index.type.rank
    sizes = [1 if d < batch or d == dimension else size for d, size in enumerate(shape)]
    before = range(batch, dimension)
    after = range(dimension + index_rank - batch, dimension + index_rank - batch + len(shape) - dimension - 1)
    return [
        b.emit(
            "gather",
            [operand, index],
            op.results[0].type,
            offset_dims=[*before, *after],
            collapsed_slice_dims=[dimension],
            operand_batching_dims=range(batch),
            start_indices_batching_dims=range(batch),
            start_index_map=[dimension],
            index_vector_dim=index_rank,
            slice_sizes=sizes,
            indices_are_sorted=False,
        )
    ]
