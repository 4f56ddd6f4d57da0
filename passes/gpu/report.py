"""What a kernel takes of a GPU, how many of its blocks fit on a multiprocessor, what bounds its time (a roofline).

Functions for others to call: ``occupancy`` from the resources that ``ptxas`` reports, ``roofline`` from counts of work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from astra_mlir.passes.gpu.target import GpuTarget

__all__ = ["KernelReport", "Occupancy", "Roofline", "kernel_report", "occupancy", "roofline"]


class _Resources(Protocol):
    """What is used of ``astra_mlir.gpu.machine.Resources``."""

    @property
    def registers(self) -> int: ...
    @property
    def shared_bytes(self) -> int: ...
    @property
    def spill_store_bytes(self) -> int: ...
    @property
    def spill_load_bytes(self) -> int: ...


@dataclass(frozen=True)
class Occupancy:
    """Blocks on one multiprocessor, the part of its warps that they are, and what there could not be more of."""

    blocks: int
    fraction: float
    limit: str


@dataclass(frozen=True)
class Roofline:
    """The least time, in microseconds, that arithmetic and memory each take at the data sheet's rates."""

    compute_us: float
    memory_us: float

    @property
    def bound(self) -> str:
        return "compute" if self.compute_us > self.memory_us else "memory"

    @property
    def microseconds(self) -> float:
        return max(self.compute_us, self.memory_us)


@dataclass(frozen=True)
class KernelReport:
    """One kernel: what ptxas says and what follows from it."""

    name: str
    registers: int
    spill_bytes: int
    shared_bytes: int  # of a block, static and dynamic
    threads: int
    occupancy: Occupancy

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.registers} registers, {self.spill_bytes} bytes spilled, {self.shared_bytes} bytes of "
            f"shared memory, {self.threads} threads, {self.occupancy.blocks} blocks a multiprocessor "
            f"({self.occupancy.fraction:.0%} of its warps, limited by {self.occupancy.limit})"
        )


def _up(value: int, granule: int) -> int:
    return -(-value // granule) * granule


def occupancy(target: GpuTarget, registers: int, shared_bytes: int, threads: int) -> Occupancy:
    """How many blocks a multiprocessor holds, by the allocation rules of CUDA's occupancy calculator.

    >>> from astra_mlir.passes.gpu.target import GPU_TARGETS
    >>> occupancy(GPU_TARGETS["sm_90a"], registers=168, shared_bytes=98304, threads=128)
    Occupancy(blocks=2, fraction=0.125, limit='shared memory')
    """
    warps = -(-threads // target.warp_size)
    of_warp = _up(max(registers, 1) * target.warp_size, target.register_granule)
    # registers are split among four schedulers, so warps come in fours
    by_registers = target.registers // of_warp // 4 * 4 // warps
    limits = {
        "warps": target.warps // warps,
        "blocks": target.blocks,
        "registers": by_registers,
        "shared memory": target.shared_bytes // (_up(shared_bytes, 128) + target.shared_granule),
    }
    limit = min(limits, key=lambda name: limits[name])
    blocks = limits[limit]
    if shared_bytes > target.shared_bytes_block:
        blocks, limit = 0, "shared memory"
    return Occupancy(blocks, blocks * warps / target.warps, limit)


def roofline(target: GpuTarget, flops: float, bytes_moved: float, kind: str = "f16") -> Roofline:
    """Least times for a number of floating-point operations and of bytes moved.

    ``kind``: ``f16`` (tensor cores, bf16 too), ``tf32`` and ``f8`` (half and twice of it), ``f32`` or ``f64`` (without
    tensor cores).

    >>> from astra_mlir.passes.gpu.target import GPU_TARGETS
    >>> line = roofline(GPU_TARGETS["sm_90a"], flops=2 * 8192**3, bytes_moved=3 * 2 * 8192**2)
    >>> line.bound, round(line.microseconds)
    ('compute', 1111)
    """
    rate = {
        "f8": 2 * target.f16_tensor_flops,
        "f16": target.f16_tensor_flops,
        "tf32": target.f16_tensor_flops // 2,
        "f32": target.f32_flops,
        "f64": target.f64_flops,
    }[kind]
    per_microsecond = rate * target.multiprocessors * target.clock_mhz
    return Roofline(flops / per_microsecond, bytes_moved / (target.bandwidth_gbs * 1e3))


def kernel_report(
    target: GpuTarget, name: str, resources: _Resources, threads: int, dynamic_shared_bytes: int = 0
) -> KernelReport:
    """All of it for one kernel; ``threads`` and the dynamic shared memory are the kernel's attributes ``astra.threads``
    and ``astra.shared_bytes``."""
    shared = resources.shared_bytes + dynamic_shared_bytes
    spilled = resources.spill_store_bytes + resources.spill_load_bytes
    found = occupancy(target, resources.registers, shared, threads)
    return KernelReport(name, resources.registers, spilled, shared, threads, found)
