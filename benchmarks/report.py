"""The results of a benchmark run as text, JSON and a documentation page."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from benchmarks.measure import CompileMeasurement, Measurement

__all__ = ["geometric_mean", "machine", "to_json", "to_markdown", "verdict"]

FLOOR = 0.25  # no case may be slower than a quarter of XLA's speed
MEAN = 0.8  # the geometric mean must reach this
COMPILE = 4.0  # the model may take this many times XLA's compile time


def machine() -> dict[str, str]:
    """What the numbers were taken on."""
    cpu, flags = platform.processor(), set()
    kernel = ".".join(platform.release().split(".")[:2])
    information = Path("/proc/cpuinfo")
    if information.exists():
        entries = [line.split(":", 1) for line in information.read_text().splitlines() if ":" in line]
        values = {key.strip(): value.strip() for key, value in entries}
        cpu, flags = values.get("model name", cpu), set(values.get("flags", "").split())
    vector = [name for name in ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni") if name in flags]
    packages = ("astra-mlir", "jax", "jaxlib", "torch-mlir", "llvmlite", "numpy")
    versions = [f"{name} {metadata.version(name)}" for name in packages if _installed(name)]
    return {
        "processor": f"{cpu}, {len(os.sched_getaffinity(0))} cores used ({', '.join(vector)})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {kernel}, Python {platform.python_version()}",
        "packages": ", ".join(versions),
        "load of the machine when asked": f"{os.getloadavg()[0]:.1f} (the benchmark itself adds up to 2)",
    }


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive numbers (NaN of none)."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def _met(condition: bool) -> str:
    return "met" if condition else "**missed**"


def verdict(results: Sequence[Measurement], compiled: Sequence[CompileMeasurement]) -> list[str]:
    """One line for each mark: what was asked, what was measured."""
    lines = []
    if results:
        mean = geometric_mean([r.speed for r in results])
        slowest = min(results, key=lambda r: r.speed)
        wrong = [r.name for r in results if not r.agrees]
        lines += [
            f"geometric mean of the speeds {mean:.2f}x, mark {MEAN}x: {_met(mean >= MEAN)}",
            f"slowest case {slowest.name} at {slowest.speed:.2f}x, mark {FLOOR}x: {_met(slowest.speed >= FLOOR)}",
            f"results agree with XLA's: {_met(not wrong)}{': not ' + ', '.join(wrong) if wrong else ''}",
        ]
    for c in compiled:
        ratio = c.astra_seconds / c.xla_seconds
        lines.append(f"compile time of {c.name} {ratio:.2f} times XLA's, mark {COMPILE}: {_met(ratio <= COMPILE)}")
    return lines


def to_json(results: Sequence[Measurement], compiled: Sequence[CompileMeasurement]) -> str:
    """Everything measured, as JSON."""
    cases = [{**asdict(r), "speed": r.speed, "agrees": r.agrees} for r in results]
    document = {
        "machine": machine(),
        "geometric_mean": geometric_mean([r.speed for r in results]),
        "cases": cases,
        "compile": [asdict(c) for c in compiled],
    }
    return json.dumps(document, indent=2)


def to_markdown(results: Sequence[Measurement], compiled: Sequence[CompileMeasurement]) -> str:
    """The documentation page."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `python -m benchmarks.run --markdown docs/benchmarks.md`; do not edit. Astra and XLA's CPU backend",
        "(through `jax.jit`) ran in turn in one process on the same f32 arrays; a time is the median of many blocks",
        "of calls, first calls left out. *Speed* is XLA's time by Astra's: above 1, Astra is faster. The times depend",
        "on the machine and on what else it does; the ratios much less. *Error* is the largest difference of the",
        "results relative to the largest magnitude. *Compile* is the first call, from Python function to result.",
        "*Scratch* is the memory that a call needs beside its arguments and results.",
        "",
        *(f"- {key}: {value}" for key, value in machine().items()),
        "",
        "| case | Astra ms | XLA ms | speed | error | compile ms, Astra | XLA | scratch MiB, Astra | XLA |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in results:
        error = f"{r.error:.0e}" if r.error else "0"
        lines.append(
            f"| {r.name} | {r.astra_ms:.3f} | {r.xla_ms:.3f} | {r.speed:.2f}x | {error}{'' if r.agrees else ' (!)'} "
            f"| {r.astra_compile_ms:.0f} | {r.xla_compile_ms:.0f} "
            f"| {r.astra_scratch / 2**20:.1f} | {r.xla_scratch / 2**20:.1f} |"
        )
    lines += ["", "## Marks", "", *(f"- {line}" for line in verdict(results, compiled))]
    for c in compiled:
        lines += [
            "",
            f"## Compile time: {c.name}",
            "",
            f"Astra {c.astra_seconds:.2f} s, XLA {c.xla_seconds:.2f} s, both from the Python function to machine code.",
            "",
            "| Astra's stage | seconds |",
            "|---|---:|",
            *(f"| {stage} | {seconds:.2f} |" for stage, seconds in c.stages.items()),
            f"| rest (tracing by JAX) | {c.astra_seconds - sum(c.stages.values()):.2f} |",
        ]
    return "\n".join(lines) + "\n"
