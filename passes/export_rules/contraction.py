"""Export of dot products and convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.export_rules.core import Exporter, rule, value_of
from astra_mlir.passes.export_rules.reduction import pairs


def _precision(op: ir.Operation) -> ir.ArrayAttr | None:
    precision = value_of(op, "precision")
    return None if precision is None else ir.ArrayAttr.get([stablehlo.PrecisionAttr.get(precision)] * 2)


@rule("astra.dot_general")
def _dot_general(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    names = (
        "lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions",
        "rhs_contracting_dimensions",
    )  # fmt: skip
    numbers = stablehlo.DotDimensionNumbers.get(**{name: list(value_of(op, name)) for name in names})
    return [
        b.emit(
            "dot_general",
            list(op.operands),
            op.results[0].type,
            dot_dimension_numbers=numbers,
            precision_config=_precision(op),
        )
    ]


_DIMENSIONS = (
    "input_batch_dimension", "input_feature_dimension", "kernel_input_feature_dimension",
    "kernel_output_feature_dimension", "output_batch_dimension", "output_feature_dimension",
)  # fmt: skip
_SPATIAL_DIMENSIONS = ("input_spatial_dimensions", "kernel_spatial_dimensions", "output_spatial_dimensions")
_KEPT = (
    "window_strides",
    "lhs_dilation",
    "rhs_dilation",
    "window_reversal",
    "feature_group_count",
    "batch_group_count",
)


@rule("astra.convolution")
def _convolution(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    numbers = stablehlo.ConvDimensionNumbers.get(
        **{name: value_of(op, name) for name in _DIMENSIONS},
        **{name: list(value_of(op, name)) for name in _SPATIAL_DIMENSIONS},
    )
    operands = list(op.operands)
    dynamic = len(operands) == 3
    return [
        b.emit(
            "dynamic_conv" if dynamic else "convolution",
            operands,
            op.results[0].type,
            dimension_numbers=numbers,
            padding=None if dynamic else pairs(value_of(op, "padding")),
            precision_config=_precision(op),
            **{name: op.attributes[name] for name in _KEPT},
        )
    ]
