"""Export of linear algebra, Fourier transforms and random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.export_rules.core import Exporter, rule, value_of

# Astra operation -> {StableHLO attribute: (Astra attribute, how its value becomes the attribute)}
_ATTRIBUTES: dict[str, dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "cholesky": {"lower": ("lower", ir.BoolAttr.get)},
    "triangular_solve": {
        "left_side": ("left_side", ir.BoolAttr.get),
        "lower": ("lower", ir.BoolAttr.get),
        "unit_diagonal": ("unit_diagonal", ir.BoolAttr.get),
        "transpose_a": ("transpose_a", stablehlo.TransposeAttr.get),
    },
    "fft": {
        "fft_type": ("fft_type", stablehlo.FftTypeAttr.get),
        "fft_length": ("fft_length", ir.DenseI64ArrayAttr.get),
    },
    "rng": {"rng_distribution": ("distribution", stablehlo.RngDistributionAttr.get)},
    "rng_bit_generator": {"rng_algorithm": ("algorithm", stablehlo.RngAlgorithmAttr.get)},
}


def _converted(name: str, attributes: dict[str, tuple[str, Callable[[Any], Any]]]) -> Rule:
    def convert(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
        given = {target: make(value_of(op, source)) for target, (source, make) in attributes.items()}
        return b.op(name, list(op.operands), [result.type for result in op.results], **given).results

    return convert


for _name, _attributes in _ATTRIBUTES.items():
    rule(f"astra.{_name}")(_converted(_name, _attributes))
