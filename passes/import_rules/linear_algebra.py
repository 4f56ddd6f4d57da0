"""Import of linear algebra, Fourier transforms and random numbers."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.import_rules.core import Importer, enumeration, flag, rule


@rule("stablehlo.cholesky")
def _cholesky(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op("cholesky", list(op.operands), [op.results[0].type], lower=flag(op, "lower")).results


@rule("stablehlo.triangular_solve")
def _triangular_solve(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(
        "triangular_solve",
        list(op.operands),
        [op.results[0].type],
        left_side=flag(op, "left_side"),
        lower=flag(op, "lower"),
        unit_diagonal=flag(op, "unit_diagonal"),
        transpose_a=enumeration(op, "transpose_a"),
    ).results


@rule("stablehlo.fft")
def _fft(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op(
        "fft",
        list(op.operands),
        [op.results[0].type],
        fft_type=enumeration(op, "fft_type"),
        fft_length=op.attributes["fft_length"],
    ).results


@rule("stablehlo.rng")
def _rng(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    distribution = enumeration(op, "rng_distribution")
    return b.op("rng", list(op.operands), [op.results[0].type], distribution=distribution).results


@rule("stablehlo.rng_bit_generator")
def _rng_bit_generator(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    types = [result.type for result in op.results]
    algorithm = enumeration(op, "rng_algorithm")
    return b.op("rng_bit_generator", list(op.operands), types, algorithm=algorithm).results
