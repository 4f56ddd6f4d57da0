"""Evaluates programs with the StableHLO reference interpreter, before and after passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

from . import round_trip


def evaluate(text: str, inputs: Sequence[np.ndarray], pipeline: str = "") -> list[np.ndarray]:
    """Results of the function ``@main`` of a module in the Astra dialect (or StableHLO), after a pipeline."""
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, ",".join(filter(None, [pipeline, "astra-export"])))
        return round_trip.evaluate(module, [np.asarray(x) for x in inputs])


def transformed(text: str, pipeline: str) -> ir.Module:
    """The module after a pipeline, verified."""
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, pipeline)
        assert module.operation.verify()
        return module


def operations(module: ir.Module) -> list[str]:
    """Names of the Astra operations of all functions in order, without prefix, constants and terminators."""
    names: list[str] = []

    def collect(op: ir.Operation) -> None:
        if op.name.startswith("astra.") and op.name not in ("astra.constant", "astra.yield"):
            names.append(op.name.removeprefix("astra."))
        for region in op.regions:
            for block in region.blocks:
                for nested in block.operations:
                    collect(nested.operation)

    collect(module.operation)
    return names


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are equal bit by bit, any NaN being equal to any other."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind in "biu":
        return bool((a == b).all())
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    nan_a, nan_b = np.isnan(a), np.isnan(b)
    return bool((nan_a == nan_b).all() and (nan_a | ((a == b) & (np.signbit(a) == np.signbit(b)))).all())
