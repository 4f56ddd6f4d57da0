"""Contractions of the Astra dialect: the generalized dot product and convolution."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

PRECISIONS = ("DEFAULT", "HIGH", "HIGHEST")

define(
    "dot_general",
    family="contraction",
    operands=("lhs", "rhs"),
    attributes={
        "lhs_batching_dimensions": Attr.I64_ARRAY,
        "rhs_batching_dimensions": Attr.I64_ARRAY,
        "lhs_contracting_dimensions": Attr.I64_ARRAY,
        "rhs_contracting_dimensions": Attr.I64_ARRAY,
    },
    optional_attributes={"precision": Attr.STRING},
)
define(
    "convolution",
    family="contraction",
    operands=("lhs", "rhs", "*dynamic_padding"),
    attributes={
        "window_strides": Attr.I64_ARRAY,
        "lhs_dilation": Attr.I64_ARRAY,
        "rhs_dilation": Attr.I64_ARRAY,
        "window_reversal": Attr.BOOL_ARRAY,
        "input_batch_dimension": Attr.I64,
        "input_feature_dimension": Attr.I64,
        "input_spatial_dimensions": Attr.I64_ARRAY,
        "kernel_input_feature_dimension": Attr.I64,
        "kernel_output_feature_dimension": Attr.I64,
        "kernel_spatial_dimensions": Attr.I64_ARRAY,
        "output_batch_dimension": Attr.I64,
        "output_feature_dimension": Attr.I64,
        "output_spatial_dimensions": Attr.I64_ARRAY,
        "feature_group_count": Attr.I64,
        "batch_group_count": Attr.I64,
    },
    optional_attributes={"padding": Attr.I64_ARRAY, "precision": Attr.STRING},
)
