"""Export of elementwise operations: most only change their name."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.elementwise import FUNCTIONS
from astra_mlir.passes.export_rules.core import EXPORT, Exporter, rule, value_of

for _name in (*FUNCTIONS, "select", "clamp", "convert", "bitcast_convert"):
    EXPORT.rename(f"astra.{_name}", "chlo.erf" if _name == "erf" else f"stablehlo.{_name}")


@rule("astra.compare")
def _compare(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    lhs, rhs = op.operands
    return [b.compare(value_of(op, "direction"), lhs, rhs, value_of(op, "compare_type"))]


@rule("astra.reduce_precision")
def _reduce_precision(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    i32 = ir.IntegerType.get_signless(32)
    bits = {name: ir.IntegerAttr.get(i32, value_of(op, name)) for name in ("exponent_bits", "mantissa_bits")}
    return [b.emit("reduce_precision", list(op.operands), op.results[0].type, **bits)]
