"""GPU programs measured in one call of under ten minutes: Astra beside JAX on CUDA and PyTorch where they are there.

    python -m benchmarks.gpu                     # on a machine with an NVIDIA GPU
    python -m benchmarks.gpu --dry-run           # compiles everything, runs small sizes by the emulated driver if set

Times are of the device, by events around a number of calls on device arrays, the median of several such runs.  Each
result is checked against float64 (or, for large products, a part of it) in the same run.  A line that cannot be taken
says why; the exit status is 1 if a number is wrong.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

BUDGET_SECONDS = 540.0


@dataclass
class Case:
    """A function of jax.numpy, its arguments, and what it costs: floating-point operations, bytes moved at least."""

    name: str
    make: Callable[[], tuple[Callable[..., Any], list[np.ndarray[Any, Any]]]]
    flops: float = 0.0
    bytes: float = 0.0
    tolerance: float = 1e-2


@dataclass
class Line:
    """What was measured, in milliseconds."""

    name: str
    astra_ms: float | None = None
    peers_ms: dict[str, float] = field(default_factory=dict)
    error: float | None = None
    registers: int = 0
    spill_bytes: int = 0
    kernels: int = 0
    note: str = ""


def _random(*shape: int, kind: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).standard_normal(shape).astype(kind)


def cases(small: bool) -> list[Case]:
    """The cases; ``small`` sizes are for a run without a GPU."""
    import jax
    import jax.numpy as jnp

    bf16 = ml_dtypes.bfloat16
    n = 64 if small else 4096
    rows, columns = (64, 128) if small else (8192, 4096)
    heads, length = (2, 64) if small else (16, 4096)

    def gemm(size: int, kind: Any) -> Case:
        return Case(
            f"gemm {size} {np.dtype(kind).name}",
            lambda: (jnp.matmul, [_random(size, size, kind=kind), _random(size, size, kind=kind)]),
            flops=2.0 * size**3,
        )

    def flat(name: str, function: Callable[..., Any], passes: float = 2.0) -> Case:
        return Case(name, lambda: (function, [_random(rows, columns)]), bytes=passes * rows * columns * 4)

    def norm(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)

    def attention(q: Any, k: Any, v: Any) -> Any:
        scores = jnp.einsum("hqd,hkd->hqk", q, k, preferred_element_type=jnp.float32) / 128**0.5
        return (jax.nn.softmax(scores, -1).astype(v.dtype) @ v).astype(q.dtype)

    def layer(x: Any, w: Any, b: Any, v: Any) -> Any:
        return jax.nn.gelu(x @ w + b) @ v

    qkv = (heads, length, 128)
    return [
        gemm(n, bf16),
        *([] if small else [gemm(8192, bf16)]),
        gemm(n, np.float16),
        gemm(n, np.float32),
        flat("softmax", lambda x: jax.nn.softmax(x, -1)),
        flat("layer norm", norm),
        flat("gelu", jax.nn.gelu),
        flat("transpose", lambda x: x.T + 0),
        flat("row sums", lambda x: x.sum(1), passes=1.0),
        flat("column sums", lambda x: x.sum(0), passes=1.0),
        Case(
            "attention",
            lambda: (attention, [_random(*qkv, kind=bf16) for _ in range(3)]),
            4.0 * heads * length**2 * 128,
        ),
        Case("mlp layer", lambda: (layer, [_random(rows, 768), _random(768, 3072), _random(3072), _random(3072, 768)])),
    ]


def _measure(call: Callable[[], Any], wait: Callable[[], None], seconds: float) -> float:
    """The median time of a call in milliseconds."""
    call()
    wait()
    start = time.perf_counter()
    call()
    wait()
    count = max(1, min(200, int(0.05 / max(1e-6, time.perf_counter() - start))))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        for _ in range(count):
            call()
        wait()
        times.append(1e3 * (time.perf_counter() - start) / count)
    return statistics.median(times)


def _astra(case: Case, target: str, run: bool, seconds: float) -> Line:
    import astra_mlir as astra
    from astra_mlir import gpu_runtime
    from astra_mlir.gpu_arrays import DeviceArray

    function, arguments = case.make()
    executable = astra.compile(function, *arguments, target=target)
    reports = executable.kernels()
    line = Line(
        case.name, kernels=len(reports), registers=max((r.registers for r in reports), default=0),
        spill_bytes=sum(r.spill_bytes for r in reports),
    )  # fmt: skip
    if not run:
        line.note = "compiled"
        return line
    given = [DeviceArray(gpu_runtime.DeviceMemory.of(a), a.shape, a.dtype) for a in arguments]
    line.error = _error(function, arguments, np.asarray(executable(*given)))
    line.astra_ms = _measure(lambda: executable(*given), gpu_runtime.synchronize, seconds)
    return line


def _error(
    function: Callable[..., Any], arguments: Sequence[np.ndarray[Any, Any]], result: np.ndarray[Any, Any]
) -> float:
    """The largest error relative to the largest value; of large products, of their first rows."""
    import jax

    if function is jax.numpy.matmul:
        rows = arguments[0][:16].astype(np.float64)
        expected, result = rows @ arguments[1].astype(np.float64), result[:16]
    else:
        with jax.default_device(jax.devices("cpu")[0]):
            expected = np.asarray(jax.jit(function)(*arguments)).astype(np.float64)
    return float(np.max(np.abs(result.astype(np.float64) - expected)) / max(1e-30, np.max(np.abs(expected))))


def _jax(case: Case, seconds: float) -> float | None:
    """JAX on the same GPU, where its CUDA plugin is installed."""
    import jax

    try:
        device = jax.devices("cuda")[0]
    except RuntimeError:
        return None
    function, arguments = case.make()
    compiled = jax.jit(function)
    given = [jax.device_put(a, device) for a in arguments]
    result: list[Any] = [None]

    def call() -> None:
        result[0] = compiled(*given)

    return _measure(call, lambda: jax.block_until_ready(result[0]), seconds)


def _torch(case: Case, seconds: float) -> float | None:
    """cuBLAS through PyTorch, for the products."""
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available() or not case.name.startswith("gemm"):
        return None
    _, arguments = case.make()
    kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    a, b = (torch.from_numpy(x.astype(np.float32)).to("cuda", kinds[x.dtype.name]) for x in arguments)
    return _measure(lambda: torch.matmul(a, b), torch.cuda.synchronize, seconds)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--target", default="cuda:sm_90a")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--dry-run", action="store_true", help="small sizes; runs only if a driver is there")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    options = parser.parse_args(argv)
    from astra_mlir.gpu_runtime import device_info, why_no_device

    why = why_no_device()
    small = options.dry_run or why is not None
    if why is not None:
        print(f"nothing is timed: {why}")
    elif device_info().is_emulated:
        print("the device is emulated: results are checked, times say nothing of a GPU")
    end = time.monotonic() + BUDGET_SECONDS
    lines, wrong = [], False
    print(f"{'case':24}{'astra ms':>10}{'TFLOP/s':>9}{'GB/s':>8}  {'error':>8}  registers spills  peers")
    for case in cases(small):
        if time.monotonic() > end:
            lines.append(Line(case.name, note="no time left"))
            continue
        line = _astra(case, options.target, why is None, options.seconds if not small else 0.0)
        if why is None and not small:
            for name, peer in (("jax", _jax), ("torch", _torch)):
                found = peer(case, options.seconds)
                if found is not None:
                    line.peers_ms[name] = found
        wrong = wrong or (line.error is not None and not line.error <= case.tolerance)
        lines.append(line)
        print(_described(case, line), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=1))
    return int(wrong)


def _described(case: Case, line: Line) -> str:
    timed = line.astra_ms
    per_second = 1e3 / timed if timed else 0.0
    figures = (
        f"{timed:10.4f}{case.flops * per_second / 1e12:9.1f}{case.bytes * per_second / 1e9:8.0f}"
        if timed
        else f"{line.note:>27}"
    )
    peers = ", ".join(f"{name} {ms:.4f} ({ms / timed:.2f}x)" for name, ms in line.peers_ms.items()) if timed else ""
    error = f"{line.error:8.1e}" if line.error is not None else f"{'':8}"
    return f"{line.name:24}{figures}  {error}  {line.registers:9}{line.spill_bytes:7}  {peers}"


if __name__ == "__main__":
    sys.exit(main())
