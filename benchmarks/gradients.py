"""Gradients taken three ways, timed in turn: ``python -m benchmarks.gradients [--cases lstm] [--json out.json]``.

For each program of ``gradient_programs.py``: (a) ``jax.jit(jax.grad(f))`` on XLA's CPU backend, (b)
``astra.jit(jax.grad(f))``, (c) ``astra.jit(astra.grad(f))``, with the memory a call needs beside its arguments, the
compile times, and the share of Astra's compile time that differentiation takes.  Exit code 1 when results disagree.

``--one-core`` keeps the process on one processor and takes processor time instead of wall time, which says little about
threads and much about the code, on a machine that has other work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax

import astra_mlir as astra
from astra_mlir.bindings import make_context
from astra_mlir.executable import Executable
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.core import expand_pipeline
from astra_mlir.passes.pipelines import stage_pipeline
from benchmarks.case import Case
from benchmarks.gradient_programs import PROGRAMS
from benchmarks.measure import largest_error, times_in_turn
from benchmarks.report import machine

__all__ = ["WAYS", "GradientMeasurement", "measure_gradient", "to_markdown", "verdict"]

Tree = Any

XLA, TRACED, ASTRA = WAYS = ("XLA, jax.grad", "Astra, jax.grad", "Astra, astra.grad")
EXPANSION = "astra-expand-transforms"  # the pass that differentiates

_MARK_TRACED = 1.05  # astra.grad may take this many times what jax.grad takes, both compiled by Astra
_MARK_SHARE = 0.2  # differentiation may take this share of the compile time


@dataclass
class GradientMeasurement:
    """Medians and minima of milliseconds, compile seconds and bytes beside the arguments, by way."""

    name: str
    median_ms: dict[str, float] = field(default_factory=dict)
    least_ms: dict[str, float] = field(default_factory=dict)
    compile_seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)  # relative to XLA's result
    tolerance: float = 0.0
    autodiff_share: float | None = None

    @property
    def agrees(self) -> bool:
        return all(error <= self.tolerance for error in self.errors.values())

    def speed(self, way: str, by: str = XLA) -> float | None:
        """How many times as fast as ``by`` a way is, by the medians."""
        return self.median_ms[by] / self.median_ms[way] if {way, by} <= self.median_ms.keys() else None


def _ways(function: Callable[..., Tree], letters: str) -> dict[str, Callable[..., Tree]]:
    """The compiled gradient functions that are asked for, the first in any case."""
    ways = {XLA: jax.jit(jax.grad(function))}
    if "b" in letters:
        ways[TRACED] = astra.jit(jax.grad(function))
    if "c" in letters:
        ways[ASTRA] = astra.jit(astra.grad(function))
    return ways


def _memory(way: str, function: Any, arguments: tuple[Tree, ...]) -> int:
    """Bytes of temporaries and results of one call."""
    if way == XLA:
        analysis = function.lower(*arguments).compile().memory_analysis()
        return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)
    memory = function.compile(*arguments).memory()
    return int(memory.arena_bytes + memory.output_bytes)


def _expansion_seconds(executable: Executable, clock: Callable[[], float]) -> float:
    """How long the pass that differentiates takes, measured by running the passes before it one by one."""
    module = executable.program.parse(make_context())
    spent = 0.0
    for element in expand_pipeline(stage_pipeline("astra")):
        start = clock()
        run_pipeline(module, element)
        spent += clock() - start if element.startswith(EXPANSION) else 0.0
    return spent


def measure_gradient(
    case: Case, seconds: float, letters: str = "abc", clock: Callable[[], float] = time.perf_counter
) -> GradientMeasurement:
    """Compile a program's gradient each way and time the calls in turn, for about ``seconds`` seconds, by ``clock``."""
    arguments = case.arguments()
    jax.block_until_ready(arguments)
    result = GradientMeasurement(case.name, tolerance=case.tolerance)
    ways = _ways(case.function, letters)
    expected: Tree = None
    for way, function in ways.items():
        start = clock()
        actual = jax.block_until_ready(function(*arguments))
        result.compile_seconds[way] = clock() - start
        if way == XLA:
            expected = actual
        else:
            result.errors[way] = largest_error(actual, expected)
        result.memory[way] = _memory(way, function, arguments)
    if ASTRA in ways:
        executable = ways[ASTRA].compile(*arguments).executable  # type: ignore[attr-defined]
        result.autodiff_share = _expansion_seconds(executable, clock) / result.compile_seconds[ASTRA]
    times = times_in_turn({way: (function, arguments) for way, function in ways.items()}, seconds, clock)
    result.median_ms = {way: statistics.median(blocks) for way, blocks in times.items()}
    result.least_ms = {way: min(blocks) for way, blocks in times.items()}
    return result


# --- reports --------------------------------------------------------------------------------------------------------


def verdict(results: list[GradientMeasurement]) -> list[str]:
    """One line for each mark, with the programs that miss it."""

    def line(mark: str, missed: list[str]) -> str:
        return f"{mark}: " + (f"**missed** by {'; '.join(missed)}" if missed else "met")

    def slower(way: str, by: str, factor: float) -> list[str]:
        speeds = [(r.name, r.speed(way, by)) for r in results]
        return [f"{name} ({speed:.2f}x)" for name, speed in speeds if speed is not None and speed < 1 / factor]

    def larger(way: str) -> list[str]:
        sizes = [(r.name, r.memory.get(way, 0) / r.memory[XLA]) for r in results]
        return [f"{name} ({ratio:.2f} times)" for name, ratio in sizes if ratio > 1]

    lines = []
    for way in [way for way in WAYS[1:] if any(way in r.median_ms for r in results)]:
        lines.append(line(f"{way}: at least as fast as XLA", slower(way, XLA, 1.0)))
        lines.append(line(f"{way}: no more memory than XLA", larger(way)))
    if any(ASTRA in r.median_ms for r in results):
        lines.append(
            line(f"{ASTRA}: at most {_MARK_TRACED} times as long as {TRACED}", slower(ASTRA, TRACED, _MARK_TRACED))
        )
        shares = [f"{r.name} ({r.autodiff_share:.0%})" for r in results if (r.autodiff_share or 0) > _MARK_SHARE]
        lines.append(line(f"differentiation at most {_MARK_SHARE:.0%} of the compile time", shares))
    lines.append(line("results agree with XLA's", [r.name for r in results if not r.agrees]))
    return lines


def _cells(values: dict[str, Any], form: Callable[[Any], str]) -> list[str]:
    return [form(values[way]) if way in values else "" for way in WAYS]


def _row(r: GradientMeasurement) -> list[str]:
    speeds = [r.speed(TRACED), r.speed(ASTRA), r.speed(ASTRA, TRACED)]
    return [
        r.name,
        *_cells(r.median_ms, lambda ms: f"{ms:.2f}"),
        *("" if speed is None else f"{speed:.2f}x" for speed in speeds),
        *_cells(r.memory, lambda size: f"{size / 2**20:.1f}"),
        *_cells(r.compile_seconds, lambda s: f"{s:.2f}"),
        "" if r.autodiff_share is None else f"{r.autodiff_share:.0%}",
        f"{max(r.errors.values()):.0e}{'' if r.agrees else ' (!)'}",
    ]


_HEADER = [
    "program", "(a) ms", "(b) ms", "(c) ms", "b by a", "c by a", "c by b", "(a) MiB", "(b) MiB", "(c) MiB",
    "compile (a) s", "(b) s", "(c) s", "autodiff", "error",
]  # fmt: skip


def _table(results: list[GradientMeasurement]) -> list[str]:
    rows = [_HEADER, ["---", *["---:"] * (len(_HEADER) - 1)], *map(_row, results)]
    return [f"| {' | '.join(row)} |" for row in rows]


def to_markdown(results: list[GradientMeasurement], one_core: list[GradientMeasurement]) -> str:
    """The documentation page, of wall times with all processors and of processor times on one."""
    lines = [
        "# Gradients, measured",
        "",
        "Made by `python -m benchmarks.gradients --markdown docs/benchmarks-gradients.md`; do not edit. The gradient",
        "of each program of `benchmarks/gradient_programs.py` with respect to its parameters, f32: (a)",
        "`jax.jit(jax.grad(f))` on XLA's CPU backend, (b) `astra.jit(jax.grad(f))`, (c) `astra.jit(astra.grad(f))`,",
        "in turn in one process; a time is the median of many blocks of calls. *b by a* is (a)'s time by (b)'s:",
        "above 1, (b) is faster. *MiB* are the temporaries and results of one call. *Compile* is the first call,",
        "from Python function to result; *autodiff* the share of it that the differentiating pass takes. *Error* is",
        "the largest difference from (a) relative to the largest magnitude.",
        "",
        *(f"- {key}: {value}" for key, value in machine().items()),
        "",
        "## All cores, wall time",
        "",
        *_table(results),
        "",
        *(f"- {line}" for line in verdict(results)),
        "",
        "## One core, processor time",
        "",
        "What other programs do on the machine hardly shows here; nor do threads.",
        "",
        *_table(one_core),
        "",
        *(f"- {line}" for line in verdict(one_core)),
    ]
    return "\n".join(lines) + "\n"


def to_json(results: list[GradientMeasurement]) -> str:
    """Everything measured, as JSON."""
    return json.dumps({"machine": machine(), "programs": [asdict(r) for r in results]}, indent=2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="", help="only those whose names contain one of these comma-separated words")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to time each program (default: 4)")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--markdown", type=Path, help="write the documentation page here")
    parser.add_argument("--ways", default="abc", help="letters of the ways to be measured beside (a) (default: abc)")
    parser.add_argument("--one-core", action="store_true", help="processor time on one core instead of wall time")
    options = parser.parse_args()
    os.environ["ASTRA_CACHE"] = "0"  # what earlier runs compiled is not to be found
    if options.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    results = []
    for case in PROGRAMS:
        if any(part in case.name.lower() for part in options.cases.lower().split(",")):
            clock = time.process_time if options.one_core else time.perf_counter
            results.append(measure_gradient(case, options.seconds, options.ways, clock))
            cells = zip(_HEADER, _row(results[-1]), strict=True)
            print(
                "  ".join(f"{name} {cell}" if i else f"{cell:34}" for i, (name, cell) in enumerate(cells)), flush=True
            )
    print("\n".join(verdict(results)))
    if options.json:
        options.json.write_text(to_json(results) + "\n")
    if options.markdown:
        options.markdown.write_text(to_markdown(results, _one_core(options)))
    return 0 if all(r.agrees for r in results) else 1


def _one_core(options: argparse.Namespace) -> list[GradientMeasurement]:
    """The same programs on one core: in a process of its own, as the compilers count processors when they start."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one-core.json"
        given = ["--cases", options.cases, "--seconds", str(options.seconds), "--ways", options.ways]
        subprocess.run(
            [sys.executable, "-m", "benchmarks.gradients", "--one-core", "--json", str(path), *given], check=False
        )
        return [GradientMeasurement(**program) for program in json.loads(path.read_text())["programs"]]


if __name__ == "__main__":
    sys.exit(main())
