"""Reductions, window reductions and cumulative operations of the Astra dialect."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

COMBINER_KINDS = ("add", "multiply", "maximum", "minimum", "and", "or", "xor", "custom")
REDUCE_KINDS = (*COMBINER_KINDS, "argmax", "argmin")
CUMULATIVE_KINDS = ("add", "multiply", "maximum", "minimum", "logaddexp")
SELECT_KINDS = ("GE", "GT", "LE", "LT", "custom")
SELECT_SCATTER_KINDS = ("add", "custom")

define(
    "reduce",
    family="reduction",
    operands=("*operands",),
    results=("*results",),
    attributes={"dimensions": Attr.I64_ARRAY, "kind": Attr.STRING},
    regions=1,
)
define(
    "reduce_window",
    family="reduction",
    operands=("*operands",),
    results=("*results",),
    attributes={
        "window_dimensions": Attr.I64_ARRAY,
        "window_strides": Attr.I64_ARRAY,
        "base_dilations": Attr.I64_ARRAY,
        "window_dilations": Attr.I64_ARRAY,
        "padding": Attr.I64_ARRAY,
        "kind": Attr.STRING,
    },
    regions=1,
)
define(
    "cumulative",
    family="reduction",
    operands=("operand",),
    attributes={"dimension": Attr.I64, "reverse": Attr.BOOL, "kind": Attr.STRING},
)
define(
    "select_and_scatter",
    family="reduction",
    operands=("operand", "source", "init_value"),
    attributes={
        "window_dimensions": Attr.I64_ARRAY,
        "window_strides": Attr.I64_ARRAY,
        "padding": Attr.I64_ARRAY,
        "select_kind": Attr.STRING,
        "scatter_kind": Attr.STRING,
    },
    regions=2,
)
