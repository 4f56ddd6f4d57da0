"""Programs batched by ``astra.vmap`` and by hand, timed in turn: ``python -m benchmarks.batching [--cases scan]``.

``astra.vmap`` of a function of one example, and the same function written for batches with ``jax.numpy``, both compiled
by Astra: medians of milliseconds, and whether they have become the same program after the stage "astra", where
``astra.vmap`` is gone.  Exit code 1 when results disagree.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

import astra_mlir as astra
from benchmarks.case import arrays
from benchmarks.measure import largest_error, times_in_turn
from benchmarks.operations import convolution

__all__ = ["PROGRAMS", "BatchedProgram", "BatchingMeasurement", "measure_batching"]


@dataclass(frozen=True)
class BatchedProgram:
    """A function of one example and the same for a batch of them; ``axes`` are vmap's of the arguments."""

    name: str
    one: Callable[..., jax.Array]
    batched: Callable[..., jax.Array]
    arguments: Callable[[], tuple[jax.Array, ...]]
    axes: tuple[int | None, ...]
    tolerance: float = 2e-6


@dataclass(frozen=True)
class BatchingMeasurement:
    """Median milliseconds of a call, the relative error of vmap's result, and whether both are the same program."""

    name: str
    vmap_ms: float
    hand_ms: float
    error: float
    tolerance: float
    same_ir: bool

    @property
    def speed(self) -> float:
        """The speed of ``astra.vmap`` relative to the program written for batches: above 1 is faster."""
        return self.hand_ms / self.vmap_ms

    @property
    def agrees(self) -> bool:
        return self.error <= self.tolerance


# --- programs -------------------------------------------------------------------------------------------------------


def _recurrence(xs: jax.Array, h: jax.Array, w: jax.Array) -> jax.Array:
    """A recurrent layer: ``xs`` has time in front; its other dimensions are those of ``h``."""

    def step(h: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
        return jnp.tanh(h @ w + x), None

    return lax.scan(step, h, xs)[0]


def _factor(a: jax.Array) -> jax.Array:
    """The Cholesky factor of ``a @ a.T`` made well conditioned, over the last two dimensions."""
    n = a.shape[-1]
    return jnp.linalg.cholesky(a @ jnp.swapaxes(a, -1, -2) + n * jnp.eye(n, dtype=a.dtype))


PROGRAMS = (
    BatchedProgram("matmul 32 x 128x256, shared 256x128", jnp.matmul, jnp.matmul,
                   arrays((32, 128, 256), (256, 128)), (0, None)),
    BatchedProgram("matmul 32 x 128x256, 32 x 256x128", jnp.matmul, jnp.matmul,
                   arrays((32, 128, 256), (32, 256, 128)), (0, 0)),
    BatchedProgram("convolution 16 x 32x32x32, 3x3, shared", lambda x, k: convolution()(x[None], k)[0], convolution(),
                   arrays((16, 32, 32, 32), (3, 3, 32, 32), scale=0.1), (0, None)),
    BatchedProgram("scan 64 steps, 32 x 128, shared 128x128", _recurrence, _recurrence,
                   arrays((64, 32, 128), (32, 128), (128, 128), scale=0.1), (1, 0, None), 1e-5),
    BatchedProgram("Cholesky 32 x 64x64", _factor, _factor, arrays((32, 64, 64)), (0,), 1e-5),
)  # fmt: skip


# --- measuring ------------------------------------------------------------------------------------------------------


def measure_batching(program: BatchedProgram, seconds: float) -> BatchingMeasurement:
    """Compile a program both ways and time the calls in turn, for about ``seconds`` seconds."""
    arguments = program.arguments()
    jax.block_until_ready(arguments)
    ways = {"vmap": astra.jit(astra.vmap(program.one, program.axes)), "hand": astra.jit(program.batched)}
    results = {way: jax.block_until_ready(function(*arguments)) for way, function in ways.items()}
    texts = {way: function.compile(*arguments).executable.ir("astra") for way, function in ways.items()}
    times = times_in_turn({way: (function, arguments) for way, function in ways.items()}, seconds)
    return BatchingMeasurement(
        program.name,
        statistics.median(times["vmap"]),
        statistics.median(times["hand"]),
        largest_error(results["vmap"], results["hand"]),
        program.tolerance,
        texts["vmap"] == texts["hand"],
    )


def _line(r: BatchingMeasurement) -> str:
    ir = "same IR" if r.same_ir else "other IR"
    error = f"error {r.error:.0e}{'' if r.agrees else ' (!)'}"
    return f"{r.name:42}  vmap {r.vmap_ms:.3f} ms  by hand {r.hand_ms:.3f} ms  {r.speed:.2f}x  {ir}  {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="", help="only those whose names contain one of these comma-separated words")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to time each program (default: 2)")
    options = parser.parse_args()
    os.environ["ASTRA_CACHE"] = "0"  # what earlier runs compiled is not to be found
    results = []
    for program in PROGRAMS:
        if any(part in program.name.lower() for part in options.cases.lower().split(",")):
            results.append(measure_batching(program, options.seconds))
            print(_line(results[-1]), flush=True)
    return 0 if all(r.agrees for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
