"""The rules of ``astra-to-linalg``, one module per family of operations; importing this package registers them all."""

from __future__ import annotations

from astra_mlir.passes.linalg_rules import (
    calls,
    contraction,
    control_flow,
    elementwise,
    indexing,
    reduction,
    shape,
)
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val
from astra_mlir.passes.linalg_rules.refused import REFUSED

__all__ = [
    "REFUSED",
    "RULES",
    "Lowering",
    "Val",
    "calls",
    "contraction",
    "control_flow",
    "elementwise",
    "indexing",
    "reduction",
    "shape",
]  # fmt: skip
