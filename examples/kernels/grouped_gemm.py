"""Grouped products: many matrices of different sizes in one launch.

A fixed number of programs walks over the blocks of all products, as experts of a mixture need them. The sizes and
where each matrix begins in the packed operands are read from memory; blocks are dealt out in turn, so that programs
finish at about the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def grouped_kernel(
    a, b, c, sizes, starts, groups, PROGRAMS: al.constexpr, BM: al.constexpr, BN: al.constexpr, BK: al.constexpr
):
    tile = al.program_id(0)
    before = 0
    for g in range(groups):
        M, N, K = al.load(sizes + 3 * g), al.load(sizes + 3 * g + 1), al.load(sizes + 3 * g + 2)
        pa, pb, pc = (
            a + al.load(starts + 3 * g), b + al.load(starts + 3 * g + 1), c + al.load(starts + 3 * g + 2)
        )  # fmt: skip
        across = al.cdiv(N, BN)
        count = al.cdiv(M, BM) * across
        while tile < before + count:
            block = tile - before
            m, n = block // across * BM + al.arange(0, BM), block % across * BN + al.arange(0, BN)
            acc = al.zeros((BM, BN), al.float32)
            for start in range(0, K, BK):
                k = start + al.arange(0, BK)
                x = al.load(pa + m[:, None] * K + k[None, :], (m < M)[:, None] & (k < K)[None, :], other=0)
                y = al.load(pb + k[:, None] * N + n[None, :], (k < K)[:, None] & (n < N)[None, :], other=0)
                acc = al.dot(x, y, acc)
            al.store(pc + m[:, None] * N + n[None, :], acc, (m < M)[:, None] & (n < N)[None, :])
            tile += PROGRAMS
        before += count


def grouped_matmul(pairs: Sequence[tuple[np.ndarray, np.ndarray]], programs: int = 8) -> list[np.ndarray]:
    """The product of each pair of f32 matrices."""
    sizes = np.array([(x.shape[0], y.shape[1], x.shape[1]) for x, y in pairs], np.int32)
    a, b = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    spans = np.stack([sizes[:, 0] * sizes[:, 2], sizes[:, 2] * sizes[:, 1], sizes[:, 0] * sizes[:, 1]], 1)
    ends = spans.cumsum(0).astype(np.int32)
    starts = np.ascontiguousarray(ends - spans).astype(np.int32)
    c = np.empty(ends[-1, 2], np.float32)
    grouped_kernel[(programs,)](a, b, c, sizes, starts, len(pairs), PROGRAMS=programs, BM=32, BN=32, BK=32)
    return [
        c[end - span : end].reshape(m, n) for end, span, (m, n, _) in zip(ends[:, 2], spans[:, 2], sizes, strict=True)
    ]


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    work = [(rng.random((m, 20), np.float32), rng.random((20, 40), np.float32)) for m in (10, 70, 33)]
    print([abs(z - x @ y).max() for z, (x, y) in zip(grouped_matmul(work), work, strict=True)])
