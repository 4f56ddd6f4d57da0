"""Operations of the dialect that have no CPU code on purpose, and what ``astra-to-linalg`` says of them."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS, value_of

__all__ = ["REFUSED", "why_not"]

# By operation; {names} are attributes of it.
REFUSED: dict[str, str] = {
    "astra.custom_call": "there is no CPU code for custom call '{call_target_name}'; express it with other operations",
    "astra.set_dimension_size": (
        "a size set at run time makes the shape dynamic; compile for fixed shapes and mask instead"
    ),
}


def why_not(op: ir.Operation) -> str:
    """Why an operation without a rule is not lowered."""
    if op.name.startswith(("stablehlo.", "chlo.")):
        return "this is not in the Astra dialect yet: run astra-import first"
    if not op.name.startswith("astra."):
        return "this is below the Astra dialect already: the program has been lowered before"
    if op.name not in REFUSED:
        return "no lowering to linalg; `astra-to-kernels` has to run before if it has a kernel"
    return REFUSED[op.name].format(**{name: value_of(op, name) for name in OPS[op.name].attributes})
