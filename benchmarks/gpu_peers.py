"""What GPU figures are compared with: PyTorch (cuBLAS, FlashAttention), Triton, JAX on XLA:GPU, a copy on the device.

Each gives milliseconds for a case of ``gpu.py``, or None where it is not installed or has no such function.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

__all__ = ["PEERS", "launch_overhead", "measure", "versions"]


def measure(call: Callable[[], Any], wait: Callable[[], Any], seconds: float) -> float:
    """The median time of a call in milliseconds, of many calls one after the other."""
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


@cache
def _torch() -> Any:
    """PyTorch with CUDA; None where there is none."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    return torch if torch.cuda.is_available() else None


def _tensors(arguments: Any) -> list[Any]:
    torch = _torch()
    return [torch.from_numpy(np.asarray(a, np.float32)).to("cuda", getattr(torch, a.dtype.name)) for a in arguments]


def _cublas(case: Any, seconds: float) -> float | None:
    torch = _torch()
    if torch is None or case.kind != "gemm":
        return None
    a, b = _tensors(case.make()[1])
    torch.backends.cuda.matmul.allow_tf32 = False
    return measure(lambda: torch.matmul(a, b), torch.cuda.synchronize, seconds)


def _flash(case: Any, seconds: float) -> float | None:
    """The fastest of PyTorch's implementations of attention that take the case."""
    torch = _torch()
    if torch is None or case.kind != "attention":
        return None
    from torch.nn.attention import SDPBackend, sdpa_kernel

    q, k, v = (t[None] for t in _tensors(case.make()[1]))
    attend = torch.nn.functional.scaled_dot_product_attention
    found = []
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
        try:
            with sdpa_kernel(backend):
                call = partial(attend, q, k, v, is_causal=case.causal)
                found.append(measure(call, torch.cuda.synchronize, seconds / 2))
        except RuntimeError:  # it does not take the case
            continue
    return min(found, default=None)


def _triton(case: Any, seconds: float) -> float | None:
    if _torch() is None or importlib.util.find_spec("triton") is None or case.kind != "gemm":
        return None
    from benchmarks import triton_kernels

    a, b = _tensors(case.make()[1])
    if a.element_size() != 2:
        return None
    out = a.new_empty(a.shape[0], b.shape[1])
    calls = [partial(triton_kernels.matmul, a, b, out, config) for config in triton_kernels.CONFIGS]
    return min(measure(call, _torch().cuda.synchronize, seconds / 3) for call in calls)


def _jax(case: Any, seconds: float) -> float | None:
    """JAX on the same GPU, where its CUDA plugin is installed."""
    import jax

    try:
        device = jax.devices("cuda")[0]
    except RuntimeError:
        return None
    if case.kind == "attention":
        return None  # it would keep the scores: 16 GB and more
    function, arguments = case.make()
    compiled, given = jax.jit(function), jax.device_put(arguments, device)
    result: list[Any] = [None]

    def call() -> None:
        result[0] = compiled(*given)

    return measure(call, lambda: jax.block_until_ready(result[0]), seconds)


def _copy(case: Any, seconds: float) -> float | None:
    """A copy on the device that moves as many bytes."""
    if case.kind != "memory":
        return None
    from astra_mlir.gpu import runtime as gpu_runtime

    size = int(case.bytes / 2)
    source, target = gpu_runtime.DeviceMemory(size), gpu_runtime.DeviceMemory(size)
    return measure(
        lambda: gpu_runtime.copy(target.address, source.address, size, gpu_runtime.WITHIN),
        gpu_runtime.synchronize,
        seconds,
    )


PEERS: dict[str, Callable[[Any, float], float | None]] = {
    "cublas": _cublas, "triton": _triton, "flash": _flash, "copy": _copy, "jax": _jax,
}  # fmt: skip


def launch_overhead(seconds: float) -> dict[str, float]:
    """Milliseconds of Python for one launch of a vector addition, of Astra's kernels and of Triton's."""
    from astra_mlir.gpu import runtime as gpu_runtime
    from astra_mlir.gpu.arrays import DeviceArray
    from examples.kernels.vector_add import add_kernel

    torch = _torch()
    if torch is not None:
        arrays = [torch.zeros(1024, device="cuda") for _ in range(3)]
    else:
        zeros = np.zeros(1024, np.float32)
        arrays = [DeviceArray(gpu_runtime.DeviceMemory.of(zeros), zeros.shape, zeros.dtype) for _ in range(3)]
    grid = (1,)
    calls = {"astra": lambda: add_kernel[grid](*arrays, 1024, BLOCK=1024)}
    if torch is not None and importlib.util.find_spec("triton") is not None:
        from benchmarks import triton_kernels

        calls["triton"] = lambda: triton_kernels.add[grid](*arrays, 1024, BLOCK=1024)
    found = {}
    for name, call in calls.items():
        call()
        gpu_runtime.synchronize_all()
        times = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            for _ in range(200):  # fewer than the driver keeps without waiting
                call()
            times.append(1e3 * (time.perf_counter() - start) / 200)
            gpu_runtime.synchronize_all()
        found[name] = statistics.median(times)
    return found


def versions() -> str:
    """The peers that are installed."""
    from importlib import metadata

    names = ("torch", "triton", "jax", "jaxlib")
    return ", ".join(f"{name} {metadata.version(name)}" for name in names if importlib.util.find_spec(name))
