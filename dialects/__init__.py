"""The Astra dialect: one module per family of operations; see docs/dialect.md for the reference."""

from __future__ import annotations

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
)

__all__ = ["Attr", "OPS", "OpDef", "build", "define", "int_list", "load_dialect", "require", "to_attribute", "value_of"]
