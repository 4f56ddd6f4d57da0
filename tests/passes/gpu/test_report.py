"""Occupancy against CUDA's occupancy calculator, and rooflines against arithmetic by hand."""

from __future__ import annotations

import pytest

from astra_mlir.gpu.machine import Resources
from astra_mlir.passes.gpu.report import kernel_report, occupancy, roofline
from astra_mlir.passes.gpu.target import GPU_TARGETS

# target, registers, shared bytes, threads -> blocks, limit (from the calculator's tables)
CASES = [
    ("sm_80", 32, 0, 256, 8, "warps"),
    ("sm_80", 64, 0, 256, 4, "registers"),
    ("sm_80", 255, 49152, 128, 2, "registers"),
    ("sm_80", 32, 0, 32, 32, "blocks"),
    ("sm_90a", 168, 98304, 128, 2, "shared memory"),
    ("sm_90a", 32, 233472, 128, 0, "shared memory"),
    ("sm_89", 40, 0, 512, 3, "warps"),
]


@pytest.mark.parametrize(("target", "registers", "shared", "threads", "blocks", "limit"), CASES)
def test_occupancy(target: str, registers: int, shared: int, threads: int, blocks: int, limit: str) -> None:
    found = occupancy(GPU_TARGETS[target], registers, shared, threads)
    assert (found.blocks, found.limit) == (blocks, limit)
    assert found.fraction == blocks * threads / 32 / GPU_TARGETS[target].warps


def test_roofline() -> None:
    copy = roofline(GPU_TARGETS["sm_90a"], flops=1e6, bytes_moved=3.35e9, kind="f32")
    assert copy.bound == "memory"
    assert copy.microseconds == pytest.approx(1000)


def test_report_says_it_in_words() -> None:
    resources = Resources(registers=64, shared_bytes=1024, spill_store_bytes=8, spill_load_bytes=4)
    report = kernel_report(GPU_TARGETS["sm_80"], "k", resources, 128, 2048)
    assert report.spill_bytes == 12
    assert report.shared_bytes == 3072
    assert str(report).startswith(
        "k: 64 registers, 12 bytes spilled, 3072 bytes of shared memory, 128 threads, 8 blocks"
    )
