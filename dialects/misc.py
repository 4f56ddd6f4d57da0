"""Operations of the Astra dialect that belong to no other family."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import compatible_types
from astra_mlir.dialects.core import Attr, define, require, value_of


def _verify_custom_call(op: ir.Operation) -> None:
    require(value_of(op, "call_target_name") != "", "attribute 'call_target_name' must not be empty")


def _verify_optimization_barrier(op: ir.Operation) -> None:
    types, found = [value.type for value in op.operands], [result.type for result in op.results]
    require(len(found) == len(types), f"has {len(types)} operands, but {len(found)} results (C1)")
    for i, (expected, result) in enumerate(zip(types, found, strict=True)):
        require(
            compatible_types(expected, result), f"result {i} must be {expected}, as its operand, but is {result} (C1)"
        )


define(
    "custom_call",
    family="misc",
    operands=("*operands",),
    results=("*results",),
    attributes={"call_target_name": Attr.STRING, "has_side_effect": Attr.BOOL},
    optional_attributes={"backend_config": Attr.ANY},
    pure=False,
    doc="""Call a function that the program names and the implementation knows.

```mlir
%result = "astra.custom_call"(%a) {call_target_name = "Qr", has_side_effect = false}
    : (tensor<4x4xf32>) -> tensor<4x4xf32>
```

`backend_config` is any attribute that the function takes. Calls to unknown functions are refused when the program is
compiled.
""",
    verify=_verify_custom_call,
)
define(
    "optimization_barrier",
    family="misc",
    operands=("*operands",),
    results=("*results",),
    doc="""The operands, which no pass may compute from later or together with what comes after.

```mlir
%x, %y = "astra.optimization_barrier"(%a, %b) : (tensor<4xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<i32>)
```

Operations that the operands depend on run before those that use the results.
""",
    verify=_verify_optimization_barrier,
)
