"""Kernels written for Triton, to compare with: imported where Triton is installed."""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

__all__ = ["CONFIGS", "add", "matmul"]

# Blocks of m, n and k, warps, stages: what does well on Hopper.
CONFIGS = ((128, 256, 64, 8, 3), (128, 128, 64, 8, 4), (128, 128, 64, 4, 4), (256, 128, 64, 8, 3))
_GROUP = 8  # rows of blocks that share columns of the second operand in the cache


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, tl.load(x + i, i < n) + tl.load(y + i, i < n), i < n)


@triton.jit
def _product(a, b, out, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    rows, columns = tl.cdiv(M, BM), tl.cdiv(N, BN)
    program = tl.program_id(0)
    first = program // (GROUP * columns) * GROUP
    height = min(rows - first, GROUP)
    inside = program % (GROUP * columns)
    m = (first + inside % height) * BM + tl.arange(0, BM)
    n = (inside // height) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    left, right = a + m[:, None] * K + k[None, :], b + k[:, None] * N + n[None, :]
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for _ in range(tl.cdiv(K, BK)):
        total = tl.dot(tl.load(left), tl.load(right), total)
        left += BK
        right += BK * N
    tl.store(out + m[:, None] * N + n[None, :], total.to(out.dtype.element_ty))


def matmul(a: Any, b: Any, out: Any, config: tuple[int, int, int, int, int]) -> None:
    """``out = a @ b`` for sizes that are multiples of the blocks."""
    (m, k), n = a.shape, b.shape[1]
    bm, bn, bk, warps, stages = config
    grid = (triton.cdiv(m, bm) * triton.cdiv(n, bn),)
    _product[grid](a, b, out, m, n, k, BM=bm, BN=bn, BK=bk, GROUP=_GROUP, num_warps=warps, num_stages=stages)
