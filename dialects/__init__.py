"""The Astra dialect: one module per family of operations; see docs/dialect.md for the reference."""

from __future__ import annotations

from astra_mlir.dialects import (
    codegen,
    contraction,
    control,
    elementwise,
    indexing,
    linear_algebra,
    misc,
    random,
    reduction,
    shape,
    sorting,
    transforms,
)
from astra_mlir.dialects.core import (
    OPS,
    Attr,
    OpDef,
    build,
    define,
    int_list,
    load_dialect,
    require,
    to_attribute,
    value_of,
    verification_errors,
    verify,
)

__all__ = [
    "OPS",
    "Attr",
    "OpDef",
    "build",
    "codegen",
    "contraction",
    "control",
    "define",
    "elementwise",
    "indexing",
    "int_list",
    "linear_algebra",
    "load_dialect",
    "misc",
    "random",
    "reduction",
    "require",
    "shape",
    "sorting",
    "to_attribute",
    "transforms",
    "value_of",
    "verification_errors",
    "verify",
]  # fmt: skip
