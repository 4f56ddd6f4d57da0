"""Import of elementwise operations: most only change their name."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.dialects.elementwise import FUNCTIONS
from astra_mlir.passes.import_rules.core import IMPORT, Importer, enumeration, integer, rule

for _name in FUNCTIONS:
    if _name != "erf":  # which only CHLO has
        IMPORT.rename(f"stablehlo.{_name}", f"astra.{_name}")
for _name in ("select", "clamp", "convert", "bitcast_convert"):
    IMPORT.rename(f"stablehlo.{_name}", f"astra.{_name}")
IMPORT.rename("chlo.erf", "astra.erf")
IMPORT.rename("chlo.tan", "astra.tan")


def compare_type(op: ir.Operation) -> str:
    """How a comparison compares: its attribute, or what StableHLO takes for the element type where it has none."""
    given = enumeration(op, "compare_type") if op.name == "stablehlo.compare" else None
    if given not in (None, "NOTYPE"):
        return given
    element = op.operands[0].type.element_type
    if isinstance(element, ir.IntegerType):
        return "UNSIGNED" if element.is_unsigned or element.width == 1 else "SIGNED"
    return "FLOAT"


@rule("stablehlo.compare")
def _compare(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(
        "compare",
        list(op.operands),
        [op.results[0].type],
        direction=enumeration(op, "comparison_direction"),
        compare_type=compare_type(op),
    ).results


@rule("stablehlo.reduce_precision")
def _reduce_precision(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(
        "reduce_precision",
        list(op.operands),
        [op.results[0].type],
        exponent_bits=integer(op, "exponent_bits"),
        mantissa_bits=integer(op, "mantissa_bits"),
    ).results


@rule("chlo.square")
def _square(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op("multiply", [op.operands[0], op.operands[0]], [op.results[0].type]).results


@rule("chlo.constant")
def _constant(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return [b.constant(op.attributes["value"])]


@rule("chlo.constant_like")
def _constant_like(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    scalar = ir.DenseElementsAttr.get(
        [op.attributes["value"]], type=ir.RankedTensorType.get([], op.attributes["value"].type)
    )
    return [b.full(elements.splat_value(scalar), op.results[0].type, op.operands[0])]
