"""Export of operations that make, move or re-arrange elements."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.export_rules.core import Exporter, rule

# Astra operation -> (StableHLO operation, {StableHLO attribute: Astra attribute}, number of operands,
# the operation for its form with further operands, the attributes that form keeps).
_RENAMED: dict[str, tuple[str, dict[str, str], int, str, tuple[str, ...]]] = {
    "iota": ("iota", {"iota_dimension": "dimension"}, 0, "dynamic_iota", ("iota_dimension",)),
    "broadcast": (
        "broadcast_in_dim", {"broadcast_dimensions": "dimensions"}, 1, "dynamic_broadcast_in_dim",
        ("broadcast_dimensions",),
    ),
    "reshape": ("reshape", {}, 1, "dynamic_reshape", ()),
    "transpose": ("transpose", {"permutation": "permutation"}, 1, "", ()),
    "slice": (
        "slice", {"start_indices": "start_indices", "limit_indices": "limit_indices", "strides": "strides"}, 1,
        "real_dynamic_slice", (),
    ),
    "pad": (
        "pad", {"edge_padding_low": "low", "edge_padding_high": "high", "interior_padding": "interior"}, 2,
        "dynamic_pad", (),
    ),
    "reverse": ("reverse", {"dimensions": "dimensions"}, 1, "", ()),
    "get_dimension_size": ("get_dimension_size", {"dimension": "dimension"}, 1, "", ()),
    "set_dimension_size": ("set_dimension_size", {"dimension": "dimension"}, 2, "", ()),
}  # fmt: skip


def _renamed(row: tuple[str, dict[str, str], int, str, tuple[str, ...]]) -> Rule:
    name, attributes, count, dynamic_name, dynamic_attributes = row

    def convert(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
        given = op.attributes
        operands = list(op.operands)
        dynamic = len(operands) > count
        kept = dynamic_attributes if dynamic else attributes
        return [
            b.emit(
                dynamic_name if dynamic else name,
                operands,
                op.results[0].type,
                **{target: given[attributes[target]] for target in kept},
            )
        ]

    return convert


for _source, _row in _RENAMED.items():
    rule(f"astra.{_source}")(_renamed(_row))


def _variadic(name: str, attributes: Sequence[str]) -> Rule:
    def convert(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
        given = op.attributes
        return [b.emit(name, list(op.operands), op.results[0].type, **{key: given[key] for key in attributes})]

    return convert


rule("astra.concatenate")(_variadic("concatenate", ["dimension"]))
rule("astra.dynamic_slice")(_variadic("dynamic_slice", ["slice_sizes"]))
rule("astra.dynamic_update_slice")(_variadic("dynamic_update_slice", []))


@rule("astra.constant")
def _constant(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    value = op.attributes["value"]
    if not isinstance(value, ir.DenseElementsAttr):  # portable artifacts hold no resources
        value = elements.dense(elements.to_numpy(value), value.type)
    return [b.emit("constant", [], op.results[0].type, value=value)]
