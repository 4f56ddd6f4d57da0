"""The GPUs that tile functions are compiled for: what the choice of layouts, instructions and schedules depends on.

A target is named, so that tests and stored artifacts do not depend on a machine.  The target of a module is its
attribute ``astra.target`` (``cuda:sm_90a``).
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError

__all__ = ["GPU_TARGETS", "GpuTarget", "gpu_target_named", "gpu_target_of"]


@dataclass(frozen=True)
class GpuTarget:
    """Resources of one multiprocessor, limits of one block, and the instructions there are.

    Throughputs are per multiprocessor and clock; ``clock_mhz`` and ``bandwidth_gbs`` are those of the data sheet's part
    (A100 SXM 80 GB, L40S, H100 SXM) and serve the roofline alone.
    """

    name: str
    capability: int
    multiprocessors: int
    warps: int  # resident on one multiprocessor
    blocks: int  # resident on one multiprocessor
    shared_bytes: int  # of one multiprocessor, for blocks
    shared_bytes_block: int  # the most that one block may ask for
    f16_tensor_flops: int  # multiply and add count as two
    f32_flops: int
    f64_flops: int
    clock_mhz: int
    bandwidth_gbs: int
    registers: int = 65536
    registers_thread: int = 255
    register_granule: int = 256  # a warp's registers are allocated in such pieces
    shared_granule: int = 1024  # what the system takes of shared memory for each block
    warp_size: int = 32
    access_bits: int = 128

    @property
    def wgmma(self) -> bool:
        """Products of warpgroups from shared memory, TMA and barriers of transactions."""
        return self.capability == 90

    @property
    def tensor_f8(self) -> bool:
        return self.capability >= 89


GPU_TARGETS = {
    target.name: target
    for target in (
        GpuTarget("sm_80", 80, 108, 64, 32, 164 << 10, 163 << 10, 2048, 128, 64, 1410, 2039),
        GpuTarget("sm_86", 86, 84, 48, 16, 100 << 10, 99 << 10, 512, 256, 4, 1740, 768),
        GpuTarget("sm_89", 89, 142, 48, 24, 100 << 10, 99 << 10, 1024, 256, 4, 2520, 864),
        GpuTarget("sm_90a", 90, 132, 64, 32, 228 << 10, 227 << 10, 4096, 256, 128, 1830, 3350),
    )
}


def gpu_target_named(name: str) -> GpuTarget:
    """The target of that name, with or without ``cuda:`` before it.

    >>> gpu_target_named("cuda:sm_90a").wgmma
    True
    """
    short = name.removeprefix("cuda:")
    if short not in GPU_TARGETS:
        raise UnsupportedError(f"no GPU target is named '{name}'; there are: {', '.join(GPU_TARGETS)}")
    return GPU_TARGETS[short]


def gpu_target_of(op: ir.Operation) -> GpuTarget:
    """The target of the module that ``op`` is in (attribute ``astra.target``); Hopper without one."""
    while op.parent is not None:
        op = op.parent.operation
    if "astra.target" in op.attributes:
        return gpu_target_named(ir.StringAttr(op.attributes["astra.target"]).value)
    return GPU_TARGETS["sm_90a"]
