"""Sorting operations of the Astra dialect."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

SORT_KINDS = ("ascending", "descending", "custom")

define(
    "sort",
    family="sorting",
    operands=("*operands",),
    results=("*results",),
    attributes={"dimension": Attr.I64, "is_stable": Attr.BOOL, "kind": Attr.STRING},
    optional_attributes={"num_keys": Attr.I64},
    regions=1,
)
define(
    "top_k",
    family="sorting",
    operands=("operand",),
    results=("values", "indices"),
    attributes={"k": Attr.I64, "largest": Attr.BOOL},
)
