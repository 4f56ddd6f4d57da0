"""Import rules, one module per family of StableHLO operations; importing this package registers them all."""

from __future__ import annotations

from astra_mlir.passes.import_rules import (
    broadcasting,
    collectives,
    contraction,
    control,
    elementwise,
    indexing,
    linear_algebra,
    mapping,
    misc,
    normalization,
    reduction,
    rejected,
    shape,
    sorting,
)

__all__ = [
    "broadcasting", "collectives", "contraction", "control", "elementwise", "indexing", "linear_algebra", "mapping",
    "misc", "normalization", "reduction", "rejected", "shape", "sorting",
]  # fmt: skip
