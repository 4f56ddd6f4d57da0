"""Tile operations of the GPU path alone: changes of layout.  `astra-tile-layouts` makes them, `astra-tile-to-gpu`
replaces them."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import define, require

__all__ = ["LAYOUTS_ATTRIBUTE"]

LAYOUTS_ATTRIBUTE = "astra.layouts"  # of an operation: one text for each result, empty for scalars


def _verify_convert(op: ir.Operation) -> None:
    operand, result = op.operands[0].type, op.result.type
    require(operand == result, f"result must be {operand} as the operand, but is {result}")


define(
    "tile_convert",
    family="tile",
    operands=("operand",),
    doc="""The same tile, spread over the threads of a block in another way.

```mlir
%result = "astra.tile_convert"(%operand) {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[]"]}
    : (tensor<128xf32>) -> tensor<128xf32>
```

Attribute `astra.layouts` of every operation that gives tiles says how they lie: the element that a place holds is the
XOR of the numbers whose bit is set in the register (r), the lane (l) and the warp (w).
""",
    verify=_verify_convert,
)
