"""What this machine can do at most, measured: bytes moved and multiply-adds done each second.

The table of the benchmarks sets beside each case the least time that its bytes and operations take at these rates.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import astra_mlir as astra
from astra_mlir.target_machine import TargetMachine, load, object_code

__all__ = ["Roofline", "measure_roofline"]

# Bytes read and written: what large caches hold, hardly hold, and do not hold.  A program that touches less is taken to
# run at the rate of the first: the call itself would be what is measured.
_SIZES = (1 << 23, 1 << 25, 1 << 28)


@dataclass(frozen=True)
class Roofline:
    """``gigabytes`` per second by the number of bytes a program touches, ``gigaflops`` of f32 and f64 on all cores."""

    copy: dict[int, float] = field(default_factory=dict)
    read: dict[int, float] = field(default_factory=dict)
    gigaflops: dict[str, float] = field(default_factory=dict)

    def gigabytes(self, size: int) -> float:
        """The faster of reading and copying at the largest measured size that is not above ``size``."""
        near = max((s for s in self.copy if s <= size), default=min(self.copy))
        return max(self.copy[near], self.read[near])

    def least_ms(self, flops: int, size: int, type_: str = "f32") -> float:
        """The least milliseconds that so many operations and bytes take."""
        return max(flops / self.gigaflops[type_], size / self.gigabytes(size)) / 1e6

    def lines(self) -> list[str]:
        """For the head of a report."""

        def rates(values: dict[int, float]) -> str:
            return ", ".join(f"{rate:.0f} GB/s at {_size(size)}" for size, rate in values.items())

        peaks = " and ".join(f"{rate:.0f} GFLOP/s {type_}" for type_, rate in self.gigaflops.items())
        return [f"copy {rates(self.copy)}", f"read {rates(self.read)}", f"multiply-adds {peaks}"]


def _size(size: int) -> str:
    return f"{size >> 20} MiB"


def _rate(call: Callable[[], Any], work: float, seconds: float = 0.15) -> float:
    """The most work per second that a call did, within some time."""
    best, start, calls = float("inf"), time.perf_counter(), 0
    while time.perf_counter() - start < seconds or calls < 5:
        calls += 1
        before = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - before)
    return work / best


def _memory() -> tuple[dict[int, float], dict[int, float]]:
    """Gigabytes per second of a copy (half of the bytes are written) and of a sum, compiled by Astra."""
    import jax
    import jax.numpy as jnp

    copy, read = {}, {}
    for size in _SIZES:
        x = jnp.ones(size // 8, jnp.float32)
        both = jnp.ones(size // 4, jnp.float32)
        for results, function, argument in ((copy, jnp.negative, x), (read, jnp.sum, both)):
            compiled = astra.jit(function)
            compiled(argument)
            results[size] = _rate(lambda c=compiled, a=argument: jax.block_until_ready(c(a)), size / 1e9)  # type: ignore[misc]
    return copy, read


_CHAINS = 16  # independent accumulators: more than latency times throughput of any processor, no more than registers


def _multiply_adds(type_: str, lanes: int) -> str:
    """LLVM IR of a function that does ``count`` times as many multiply-adds as there are chains and lanes."""
    vector, chains = f"<{lanes} x {type_}>", range(_CHAINS)
    suffix = {"float": "f32", "double": "f64"}[type_]
    phis = "\n".join(f"  %a{i} = phi {vector} [ %x, %entry ], [ %b{i}, %loop ]" for i in chains)
    steps = "\n".join(
        f"  %b{i} = call {vector} @llvm.fma.v{lanes}{suffix}({vector} %a{i}, {vector} %x, {vector} %y)" for i in chains
    )
    stores = "\n".join(
        f"  %p{i} = getelementptr {vector}, ptr %p, i64 {i}\n  store {vector} %b{i}, ptr %p{i}, align 8" for i in chains
    )
    return f"""declare {vector} @llvm.fma.v{lanes}{suffix}({vector}, {vector}, {vector})
define void @multiply_adds(ptr %p, i64 %count) {{
entry:
  %x = load {vector}, ptr %p, align 8
  %q = getelementptr {vector}, ptr %p, i64 1
  %y = load {vector}, ptr %q, align 8
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{steps}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %exit
exit:
{stores}
  ret void
}}
"""


def _peak(type_: str) -> float:
    """Billions of operations (two for each multiply-add) per second on all cores that the process may use."""
    machine, count = TargetMachine.host(), 200_000
    lanes = machine.vector_bits // {"float": 32, "double": 64}[type_]
    code = load(object_code(_multiply_adds(type_, lanes), machine, whole=True))
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code.address("multiply_adds"))
    threads = len(os.sched_getaffinity(0))
    buffers = [ctypes.create_string_buffer(_CHAINS * machine.vector_bits // 8) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return _rate(
            lambda: list(pool.map(lambda b: function(ctypes.addressof(b), count), buffers)),
            2 * count * _CHAINS * lanes * threads / 1e9,
        )


def measure_roofline() -> Roofline:
    """Measure this machine (about two seconds)."""
    copy, read = _memory()
    return Roofline(copy, read, {"f32": _peak("float"), "f64": _peak("double")})
