"""Import of operations that make, move or re-arrange elements, and of their dynamic forms."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.import_rules.core import Importer, is_static, rule

# StableHLO operation -> (Astra operation, {Astra attribute: StableHLO attribute}); attributes are taken as they are.
_RENAMED = {
    "iota": ("iota", {"dimension": "iota_dimension"}),
    "broadcast_in_dim": ("broadcast", {"dimensions": "broadcast_dimensions"}),
    "reshape": ("reshape", {}),
    "transpose": ("transpose", {"permutation": "permutation"}),
    "slice": (
        "slice",
        {"start_indices": "start_indices", "limit_indices": "limit_indices", "strides": "strides"},
    ),
    "pad": (
        "pad",
        {"low": "edge_padding_low", "high": "edge_padding_high", "interior": "interior_padding"},
    ),
    "concatenate": ("concatenate", {"dimension": "dimension"}),
    "reverse": ("reverse", {"dimensions": "dimensions"}),
    "get_dimension_size": ("get_dimension_size", {"dimension": "dimension"}),
    "set_dimension_size": ("set_dimension_size", {"dimension": "dimension"}),
    "dynamic_slice": ("dynamic_slice", {"slice_sizes": "slice_sizes"}),
    "dynamic_update_slice": ("dynamic_update_slice", {}),
}


def _renamed(name: str, attributes: dict[str, str]) -> Rule:
    def convert(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
        given = op.attributes
        return b.op(
            name,
            list(op.operands),
            [op.results[0].type],
            **{target: given[source] for target, source in attributes.items()},
        ).results

    return convert


for _source, (_target, _attributes) in _RENAMED.items():
    rule(f"stablehlo.{_source}")(_renamed(_target, _attributes))


@rule("stablehlo.constant")
def _constant(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return [b.constant(op.attributes["value"])]


@rule("stablehlo.broadcast")
def _old_broadcast(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    """The deprecated form that puts new dimensions in front."""
    type = op.results[0].type
    added = len(op.attributes["broadcast_sizes"])
    dimensions = range(added, type.rank)
    if is_static(type):
        return [b.emit("broadcast", [op.operands[0]], type, dimensions=dimensions)]
    i32 = ir.IntegerType.get_signless(32)
    one = ir.RankedTensorType.get([1], i32)
    sizes = [b.scalar(size, i32) for size in op.attributes["broadcast_sizes"]]
    sizes += [b.size_of(op.operands[0], d) for d in range(type.rank - added)]
    shape = b.emit(
        "concatenate",
        [b.emit("reshape", [size], one) for size in sizes],
        ir.RankedTensorType.get([type.rank], i32),
        dimension=0,
    )
    return [b.emit("broadcast", [op.operands[0], shape], type, dimensions=dimensions)]


# --- operations whose shape or bounds are operands ---------------------------------------------------------------


@rule("stablehlo.dynamic_iota")
def _dynamic_iota(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    type = op.results[0].type
    shape = [] if is_static(type) else list(op.operands)
    return [b.emit("iota", shape, type, dimension=op.attributes["iota_dimension"])]


@rule("stablehlo.dynamic_broadcast_in_dim")
def _dynamic_broadcast(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, shape = op.operands
    type = op.results[0].type
    operands = [operand] if is_static(type) else [operand, shape]
    return [b.emit("broadcast", operands, type, dimensions=op.attributes["broadcast_dimensions"])]


@rule("stablehlo.dynamic_reshape")
def _dynamic_reshape(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, shape = op.operands
    type = op.results[0].type
    return [b.emit("reshape", [operand] if is_static(type) else [operand, shape], type)]


@rule("stablehlo.real_dynamic_slice")
def _real_dynamic_slice(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, *bounds = op.operands
    type = op.results[0].type
    known = b.constant_integers(*bounds)
    if known is None:
        return [b.emit("slice", [operand, *bounds], type)]
    start, limit, strides = known
    return [b.emit("slice", [operand], type, start_indices=start, limit_indices=limit, strides=strides)]


@rule("stablehlo.dynamic_pad")
def _dynamic_pad(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, value, *amounts = op.operands
    type = op.results[0].type
    known = b.constant_integers(*amounts)
    if known is None:
        return [b.emit("pad", [operand, value, *amounts], type)]
    low, high, interior = known
    return [b.emit("pad", [operand, value], type, low=low, high=high, interior=interior)]
