"""Export rules, one module per family of Astra operations; importing this package registers them all."""

from __future__ import annotations

from astra_mlir.passes.export_rules import (
    collectives,
    contraction,
    control,
    elementwise,
    indexing,
    linear_algebra,
    reduction,
    shape,
    sorting,
    transforms,
)

__all__ = [
    "collectives", "contraction", "control", "elementwise", "indexing", "linear_algebra", "reduction", "shape",
    "sorting", "transforms",
]  # fmt: skip
