"""GPU programs measured in one call of under ten minutes, beside PyTorch, Triton and JAX on CUDA where they are there.

    python -m benchmarks.gpu                     # on a machine with an NVIDIA GPU: writes docs/gpu-benchmarks.md
    python -m benchmarks.gpu --dry-run           # compiles everything, runs small sizes by the emulated driver if set

Times are of the device, the median of several runs of many calls on device arrays.  Each result is checked in the same
run: whole against JAX on the CPU, products and attention against some rows in float64.  A line that cannot be taken
says why; the exit status is 1 if a number is wrong.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from benchmarks.gpu_peers import PEERS, launch_overhead, measure, versions

BUDGET_SECONDS = 540.0
PAGE = Path(__file__).parents[1] / "docs/gpu-benchmarks.md"
BARS = {  # by the kind of a case: peers, the least part of their speed that is asked for, one by one or in the mean
    "gemm": ({"cublas": 0.95, "triton": 1.0}, "each"),
    "attention": ({"flash": 0.9}, "each"),
    "memory": ({"copy": 0.92}, "each"),
    "program": ({"jax": 1.0}, "mean"),
    "launch": ({"triton": 1.0}, "each"),
}
LAUNCH = "launch of a kernel"


@dataclass
class Case:
    """A function of jax.numpy, its arguments, and what it costs: floating-point operations, bytes moved at least."""

    name: str
    kind: str  # what it is compared with: see BARS
    make: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]
    flops: float = 0.0
    bytes: float = 0.0
    tolerance: float = 1e-2
    causal: bool = False


@dataclass
class Line:
    """What was measured, in milliseconds."""

    name: str
    kind: str = ""
    astra_ms: float | None = None
    peers_ms: dict[str, float] = field(default_factory=dict)
    error: float | None = None
    registers: int = 0
    spill_bytes: int = 0
    kernels: int = 0
    note: str = ""


def _random(*shape: int, kind: Any = np.float32, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape, np.float32).astype(kind)


def _attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    """On (heads, length, features), scores and their softmax in f32."""
    import jax
    import jax.numpy as jnp

    scores = jnp.einsum("hqd,hkd->hqk", q, k, preferred_element_type=jnp.float32) / np.float32(math.sqrt(q.shape[-1]))
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -jnp.inf)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores, -1).astype(v.dtype), v)


def _attention_case(length: int, causal: bool, small: bool) -> Case:
    heads, size = (2, 128) if small else (16 * 16384 // length, length)
    shape = (heads, size, 128)
    return Case(
        f"attention {length}{' causal' if causal else ''}", "attention",
        lambda: (
            functools.partial(_attention, causal=causal),
            tuple(_random(*shape, kind=ml_dtypes.bfloat16, seed=i) for i in range(3)),
        ),
        flops=4.0 * heads * size**2 * 128 / (2 if causal else 1), causal=causal,
    )  # fmt: skip


def cases(small: bool) -> list[Case]:
    """The cases; ``small`` sizes are for a run without a GPU."""
    import jax
    import jax.numpy as jnp

    from benchmarks import models

    rows, columns = (64, 128) if small else (8192, 8192)

    def gemm(size: int, kind: Any) -> Case:
        n = 64 if small else size
        return Case(
            f"gemm {size} {np.dtype(kind).name}", "gemm",
            lambda: (jnp.matmul, (_random(n, n, kind=kind), _random(n, n, kind=kind, seed=1))), flops=2.0 * n**3,
        )  # fmt: skip

    def flat(name: str, function: Callable[..., Any]) -> Case:
        moved = 2.0 * rows * columns * 4
        return Case(name, "memory", lambda: (function, (_random(rows, columns),)), bytes=moved, tolerance=1e-4)

    def norm(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)

    def program(given: Any) -> Case:
        case = given.smaller() if small else given
        return Case(given.name, "program", lambda: (case.function, case.arguments()), tolerance=1e-3)

    programs = [c for c in models.MODELS if c.name.startswith(("MLP", "GPT block", "ResNet-18 forward", "LSTM"))]
    return [
        gemm(8192, ml_dtypes.bfloat16),
        gemm(4096, ml_dtypes.bfloat16),
        gemm(4096, np.float16),
        gemm(4096, np.float32),
        *(_attention_case(length, causal, small) for length in (4096, 8192, 16384) for causal in (False, True)),
        flat("softmax", lambda x: jax.nn.softmax(x, -1)),
        flat("layer norm", norm),
        flat("gelu", jax.nn.gelu),
        flat("transpose", lambda x: x.T + 0),
        *map(program, programs),
    ]


def _on_device(tree: Any) -> Any:
    import jax

    from astra_mlir.gpu import runtime as gpu_runtime
    from astra_mlir.gpu.arrays import DeviceArray

    def moved(leaf: Any) -> DeviceArray:
        array = np.asarray(leaf)
        return DeviceArray(gpu_runtime.DeviceMemory.of(array), array.shape, array.dtype)

    return jax.tree.map(moved, tree)


def _astra(case: Case, target: str, run: bool, seconds: float) -> Line:
    import astra_mlir as astra
    from astra_mlir.gpu import runtime as gpu_runtime

    function, arguments = case.make()
    executable: Any = astra.compile(function, *arguments, target=target)
    reports = executable.kernels()
    line = Line(
        case.name, case.kind, kernels=len(reports), registers=max((r.registers for r in reports), default=0),
        spill_bytes=sum(r.spill_bytes for r in reports),
    )  # fmt: skip
    if not run:
        line.note = "compiled"
        return line
    given = _on_device(arguments)
    line.error = _error(case, function, arguments, executable(*given))
    line.astra_ms = measure(lambda: executable(*given), gpu_runtime.synchronize, seconds)
    return line


def _error(case: Case, function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> float:
    """The largest error relative to the largest value of each result; of products and attention, of some rows."""
    import jax

    if case.kind in ("gemm", "attention"):
        found, wanted = _ROWS[case.kind](case, arguments, np.asarray(result))
        pairs = [(found, wanted)]
    else:
        with jax.default_device(jax.devices("cpu")[0]):
            expected = jax.jit(function)(*arguments)
        pairs = list(zip(jax.tree.leaves(result), jax.tree.leaves(expected), strict=True))
    errors = [0.0]
    for found, wanted in pairs:
        a, b = np.asarray(found).astype(np.float64), np.asarray(wanted).astype(np.float64)
        errors.append(float(np.max(np.abs(a - b)) / max(1e-30, np.max(np.abs(b)))))
    return math.nan if any(math.isnan(e) for e in errors) else max(errors)


def _product_rows(case: Case, arguments: tuple[Any, ...], result: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    del case
    rows = np.r_[:8, len(result) - 8 : len(result)]
    return result[rows], arguments[0][rows].astype(np.float64) @ arguments[1].astype(np.float64)


def _attention_rows(case: Case, arguments: tuple[Any, ...], result: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    q, k, v = (a[-1].astype(np.float64) for a in arguments)
    rows = np.r_[:8, len(q) // 2, len(q) - 8 : len(q)]
    scores = q[rows] @ k.T / math.sqrt(q.shape[-1])
    if case.causal:
        scores[np.arange(len(q)) > rows[:, None]] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return result[-1][rows], weights / weights.sum(-1, keepdims=True) @ v


_ROWS = {"gemm": _product_rows, "attention": _attention_rows}


def _launches(run: bool, seconds: float) -> Line:
    line = Line(LAUNCH, "launch", note="" if run else "needs a driver")
    if run:
        found = launch_overhead(seconds)
        line.astra_ms = found.pop("astra")
        line.peers_ms = found
    return line


# --- what is said of it ----------------------------------------------------------------------------------------------


def summary(lines: Sequence[Line]) -> list[str]:
    """Of each bar, whether it is met."""
    found = []
    for kind, (peers, how) in BARS.items():
        for peer, least in peers.items():
            ratios = {
                x.name: x.peers_ms[peer] / x.astra_ms
                for x in lines
                if x.kind == kind and peer in x.peers_ms and x.astra_ms
            }
            if not ratios:
                found.append(f"{kind} beside {peer}: not measured")
                continue
            worst = min(ratios, key=lambda name: ratios[name])
            mean = statistics.geometric_mean(ratios.values())
            reached = mean if how == "mean" else ratios[worst]
            said = f"{mean:.2f} in the geometric mean, {ratios[worst]:.2f} at worst ({worst})"
            verdict = "met" if reached >= least else "**missed**"
            found.append(f"{kind} beside {peer}: {said}; at least {least:.2f} asked: {verdict}")
    return found


def _described(case: Case | None, line: Line) -> str:
    timed = line.astra_ms
    per_second = 1e3 / timed if timed else 0.0
    rates = f"{case.flops * per_second / 1e12:9.1f}{case.bytes * per_second / 1e9:8.0f}" if case else f"{'':17}"
    figures = f"{timed:10.4f}{rates}" if timed else f"{line.note:>27}"
    peers = ", ".join(f"{name} {ms:.4f} ({ms / timed:.2f}x)" for name, ms in line.peers_ms.items()) if timed else ""
    error = f"{line.error:8.1e}" if line.error is not None else f"{'':8}"
    return f"{line.name:40}{figures}  {error}  {line.registers:9}{line.spill_bytes:7}  {peers}"


def page(device: str, known: Sequence[Case], lines: Sequence[Line]) -> str:
    """``docs/gpu-benchmarks.md``."""
    costs = {case.name: case for case in known}
    table = []
    for line in lines:
        case, timed = costs.get(line.name), line.astra_ms
        rate = ""
        if timed and case is not None and case.flops:
            rate = f"{case.flops / timed / 1e9:.0f} TFLOP/s"
        elif timed and case is not None and case.bytes:
            rate = f"{case.bytes / timed / 1e6:.0f} GB/s"
        cells = [f"{line.peers_ms[name] / timed:.2f}" if timed and name in line.peers_ms else "" for name in PEERS]
        error = "" if line.error is None else f"{line.error:.0e}"
        shown = f"{timed:.4f}" if timed else line.note
        row = [line.name, shown, rate, *cells, error, str(line.kernels or ""), str(line.spill_bytes)]
        table.append(f"| {' | '.join(row)} |")
    heads = " | ".join(PEERS)
    return "\n".join([
        "# Benchmarks on GPUs", "",
        f"Written by `python -m benchmarks.gpu`, which checks every number in the same run, on {device}. Beside it:"
        f" {versions()}.", "",
        "Columns of others are their time over Astra's: above 1, Astra is faster. `copy` moves as many bytes",
        "on the device; `flash` is the fastest of FlashAttention and cuDNN in PyTorch.", "",
        *(f"- {text}" for text in summary(lines)), "",
        f"| case | ms | rate | {heads} | error | kernels | spilled bytes |",
        f"|---|---|---|{'---|' * len(PEERS)}---|---|---|", *table, "",
    ])  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--target", default="cuda:sm_90a")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--dry-run", action="store_true", help="small sizes; runs only if a driver is there")
    parser.add_argument("--only", default="", help="cases whose names have this in them")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--page", type=Path, help=f"write the page here; on a GPU {PAGE} without saying")
    options = parser.parse_args(argv)
    from astra_mlir.gpu.runtime import device_info, why_no_device

    why = why_no_device()
    emulated = why is None and device_info().is_emulated
    small = options.dry_run or why is not None or emulated
    device = "no device" if why is not None else device_info().name
    if why is not None:
        print(f"nothing is timed: {why}")
    elif emulated:
        print("the device is emulated: results are checked, times say nothing of a GPU")
    end = time.monotonic() + BUDGET_SECONDS
    lines: list[Line] = []
    print(f"{'case':40}{'astra ms':>10}{'TFLOP/s':>9}{'GB/s':>8}  {'error':>8}  registers spills  peers")
    known = [case for case in cases(small) if options.only in case.name]
    seconds = 0.0 if small else options.seconds
    if options.only in LAUNCH:
        lines.append(_launches(why is None, seconds))
        print(_described(None, lines[-1]), flush=True)
    wrong = False
    for case in known:
        if time.monotonic() > end:
            lines.append(Line(case.name, case.kind, note="no time left"))
            continue
        line = _astra(case, options.target, why is None, seconds)
        if why is None and not small:
            for name in BARS[case.kind][0]:
                found = PEERS[name](case, options.seconds)
                if found is not None:
                    line.peers_ms[name] = found
        wrong = wrong or (line.error is not None and not line.error <= case.tolerance)
        lines.append(line)
        print(_described(case, line), flush=True)
    print("\n".join(summary(lines)))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=1))
    place = options.page or (PAGE if not small and not options.only else None)
    if place is not None:
        place.write_text(page(device, known, lines))
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
