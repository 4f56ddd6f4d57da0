"""Timing one case through Astra and through XLA in turn, with a check that the results agree."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

import astra_mlir as astra
from benchmarks.cases import Case

__all__ = ["CompileMeasurement", "Measurement", "largest_error", "measure", "measure_compile", "seconds_per_call"]

Tree = Any

# A block of calls is timed together, so that the clock does not matter for short ones; blocks of the two compilers
# alternate, so that what else the machine does hits both alike.
_BLOCK_SECONDS = 0.02
_LEAST_BLOCKS = 7


@dataclass(frozen=True)
class Measurement:
    """Median milliseconds of a call, milliseconds of the first (compiling) call, largest relative error, scratch."""

    name: str
    astra_ms: float
    xla_ms: float
    astra_compile_ms: float
    xla_compile_ms: float
    error: float
    tolerance: float
    astra_scratch: int = 0  # bytes beside arguments and results
    xla_scratch: int = 0

    @property
    def speed(self) -> float:
        """Astra's speed relative to XLA's: above 1 is faster."""
        return self.xla_ms / self.astra_ms

    @property
    def agrees(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True)
class CompileMeasurement:
    """Seconds to compile a program that is only compiled, and where Astra's go."""

    name: str
    astra_seconds: float
    xla_seconds: float
    stages: dict[str, float] = field(default_factory=dict)


def largest_error(actual: Tree, expected: Tree) -> float:
    """The largest difference, relative to the largest magnitude that is expected of each array."""
    worst = 0.0
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape:
            return float("inf")
        difference = np.abs(a - b)
        worst = max(worst, float(np.max(difference, initial=0) / max(np.max(np.abs(b), initial=0), 1e-30)))
        if np.isnan(difference).any():
            return float("inf")
    return worst


def seconds_per_call(
    function: Callable[..., Tree],
    arguments: tuple[Tree, ...],
    calls: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one call by ``clock``, timed over a block of ``calls`` of them."""
    start = clock()
    for _ in range(calls):
        result = function(*arguments)
    jax.block_until_ready(result)
    return (clock() - start) / calls


def measure(case: Case, seconds: float) -> Measurement:
    """Time a case for about ``seconds`` seconds."""
    arguments = case.arguments()
    jax.block_until_ready(arguments)
    functions = {"astra": astra.jit(case.function), "xla": jax.jit(case.function)}
    compile_seconds, results, calls, scratch = {}, {}, {}, {}
    for name, function in functions.items():
        start = time.perf_counter()
        results[name] = jax.block_until_ready(function(*arguments))
        compile_seconds[name] = time.perf_counter() - start
    error = largest_error(results["astra"], results["xla"])
    del results
    scratch["astra"] = functions["astra"].compile(*arguments).memory().arena_bytes
    scratch["xla"] = functions["xla"].lower(*arguments).compile().memory_analysis().temp_size_in_bytes
    for name, function in functions.items():
        once = min(seconds_per_call(function, arguments, 1) for _ in range(2))
        calls[name] = max(1, round(_BLOCK_SECONDS / max(once, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    start = time.perf_counter()
    while len(times["xla"]) < _LEAST_BLOCKS or time.perf_counter() - start < seconds:
        for name, function in functions.items():
            times[name].append(seconds_per_call(function, arguments, calls[name]))
    milliseconds = {name: 1e3 * statistics.median(blocks) for name, blocks in times.items()}
    return Measurement(
        case.name,
        milliseconds["astra"],
        milliseconds["xla"],
        1e3 * compile_seconds["astra"],
        1e3 * compile_seconds["xla"],
        error,
        case.tolerance,
        scratch["astra"],
        scratch["xla"],
    )


def measure_compile(name: str, function: Callable[..., Tree], arguments: tuple[Tree, ...]) -> CompileMeasurement:
    """Compile ``function`` for arguments of these shapes through both, from Python function to machine code."""
    start = time.perf_counter()
    executable = astra.compile(function, *arguments)
    astra_seconds = time.perf_counter() - start
    start = time.perf_counter()
    jax.jit(function).lower(*arguments).compile()
    return CompileMeasurement(name, astra_seconds, time.perf_counter() - start, dict(executable.compile_times))
