"""How soon a second process has its first result, with the caches on disk of Astra and of JAX filled by a first.

``python -m benchmarks.warm_start Astra|XLA|tracing CASE`` is such a process; it prints its times as JSON.  The third
way is what both others begin with, JAX's tracing of the Python function: no cache can be asked before.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

__all__ = ["TRACING", "WARM_CASES", "WarmStart", "measure_warm_start"]

WARM_CASES = ("MLP train step 256x768x3072", "GPT block 768, 256 tokens", "ResNet-18 train step, batch 8 of 32x32")
_RUNS = 3
TRACING = "tracing"


@dataclass
class WarmStart:
    """Medians of seconds by way: from the function and its arguments to the first result, and with the imports."""

    name: str
    first_seconds: dict[str, float] = field(default_factory=dict)
    import_seconds: dict[str, float] = field(default_factory=dict)


def measure_warm_start(name: str) -> WarmStart:
    """Run a case in new processes, the ways in turn, after one of each has filled its cache."""
    result = WarmStart(name)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "ASTRA_CACHE": "1",
            "ASTRA_CACHE_DIR": folder,
            "JAX_COMPILATION_CACHE_DIR": folder,
            "PYTHONPYCACHEPREFIX": folder,
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        runs: dict[str, list[dict[str, float]]] = {"Astra": [], "XLA": [], TRACING: []}
        for _ in range(1 + _RUNS):
            for way, times in runs.items():
                command = [sys.executable, "-m", "benchmarks.warm_start", way, name]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                times.append(json.loads(done.stdout.splitlines()[-1]))
    for way, times in runs.items():
        result.first_seconds[way] = statistics.median(t["first"] for t in times[1:])
        result.import_seconds[way] = statistics.median(t["import"] for t in times[1:])
    return result


def main() -> None:
    way, name = sys.argv[1:]
    start = time.perf_counter()
    import jax

    if way == "Astra":
        import astra_mlir as astra

        compile_ = astra.jit
    else:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        compile_ = jax.jit
    imported = time.perf_counter()
    from benchmarks.cases import CASES

    (case,) = (case for case in CASES if case.name == name)
    arguments = jax.block_until_ready(case.arguments())
    began = time.perf_counter()
    if way == TRACING:
        jax.jit(case.function).trace(*arguments)
    else:
        jax.block_until_ready(compile_(case.function)(*arguments))
    print(json.dumps({"import": imported - start, "first": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
