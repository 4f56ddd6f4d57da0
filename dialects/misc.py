"""Operations of the Astra dialect that belong to no other family."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

define(
    "custom_call",
    family="misc",
    operands=("*operands",),
    results=("*results",),
    attributes={"call_target_name": Attr.STRING, "has_side_effect": Attr.BOOL},
    optional_attributes={"backend_config": Attr.ANY},
    pure=False,
)
define("optimization_barrier", family="misc", operands=("*operands",), results=("*results",))
