"""Operations of the Astra dialect that read or write at computed positions."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

SCATTER_KINDS = ("update", "add", "multiply", "maximum", "minimum", "custom")

define(
    "dynamic_slice",
    family="indexing",
    operands=("operand", "*start_indices"),
    attributes={"slice_sizes": Attr.I64_ARRAY},
)
define("dynamic_update_slice", family="indexing", operands=("operand", "update", "*start_indices"))
define(
    "gather",
    family="indexing",
    operands=("operand", "start_indices", "*dynamic_slice_sizes"),
    attributes={
        "offset_dims": Attr.I64_ARRAY,
        "collapsed_slice_dims": Attr.I64_ARRAY,
        "operand_batching_dims": Attr.I64_ARRAY,
        "start_indices_batching_dims": Attr.I64_ARRAY,
        "start_index_map": Attr.I64_ARRAY,
        "index_vector_dim": Attr.I64,
    },
    optional_attributes={"slice_sizes": Attr.I64_ARRAY, "indices_are_sorted": Attr.BOOL},
)
define(
    "scatter",
    family="indexing",
    operands=("*operands",),
    results=("*results",),
    attributes={
        "update_window_dims": Attr.I64_ARRAY,
        "inserted_window_dims": Attr.I64_ARRAY,
        "input_batching_dims": Attr.I64_ARRAY,
        "scatter_indices_batching_dims": Attr.I64_ARRAY,
        "scatter_dims_to_operand_dims": Attr.I64_ARRAY,
        "index_vector_dim": Attr.I64,
        "kind": Attr.STRING,
    },
    optional_attributes={"indices_are_sorted": Attr.BOOL, "unique_indices": Attr.BOOL},
    regions=1,
)
