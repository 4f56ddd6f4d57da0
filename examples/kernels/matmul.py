"""Matrix product with epilogues.

A program makes a BM x BN block of the result: in steps of BK it loads a block of each operand and adds their
product to an accumulator (``al.dot``), which stays in registers. Programs are numbered so that those that run at
the same time share rows and columns in the cache (``al.swizzle2d``). What comes behind the product, a bias and an
activation, is done on the accumulator before it is stored; the activation is a kernel function given as a constant,
inlined where it is called.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def identity(x):
    return x


@astra.kernel
def relu(x):
    return al.maximum(x, 0)


@astra.kernel
def gelu(x):
    return 0.5 * x * (1 + al.erf(x * 0.7071067811865476))


@astra.kernel
def matmul_kernel(
    a, b, bias, c, M, N, K, sam, sak, sbk, sbn, scm, scn, ACTIVATION: al.constexpr, BM: al.constexpr, BN: al.constexpr,
    BK: al.constexpr, GROUP: al.constexpr,
):  # fmt: skip
    pid = al.program_id(0)
    blocks_m, blocks_n = al.cdiv(M, BM), al.cdiv(N, BN)
    pm, pn = al.swizzle2d(pid // blocks_n, pid % blocks_n, blocks_m, blocks_n, GROUP)
    m, n, k = pm * BM + al.arange(0, BM), pn * BN + al.arange(0, BN), al.arange(0, BK)
    pa = a + m[:, None] * sam + k[None, :] * sak
    pb = b + k[:, None] * sbk + n[None, :] * sbn
    acc = al.zeros((BM, BN), al.float32)
    for start in al.range(0, K, BK, num_stages=3):
        left = k < K - start
        x = al.load(pa, (m < M)[:, None] & left[None, :], other=0)
        y = al.load(pb, left[:, None] & (n < N)[None, :], other=0)
        acc = al.dot(x, y, acc)
        pa += BK * sak
        pb += BK * sbk
    if bias is not None:
        acc += al.load(bias + n, n < N)[None, :]
    acc = ACTIVATION(acc)
    al.store(c + m[:, None] * scm + n[None, :] * scn, acc, (m < M)[:, None] & (n < N)[None, :])


def matmul(
    a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None, activation=identity, blocks=(64, 64, 32)
) -> np.ndarray:
    """``activation(a @ b + bias)``; the operands may be transposed views."""
    (m, k), n = a.shape, b.shape[1]
    c = np.empty((m, n), np.float32 if a.dtype.itemsize < 4 else a.dtype)
    bm, bn, bk = blocks
    strides = [s // x.itemsize for x in (a, b, c) for s in x.strides]
    grid = (-(-m // bm) * -(-n // bn),)
    matmul_kernel[grid](a, b, bias, c, m, n, k, *strides, ACTIVATION=activation, BM=bm, BN=bn, BK=bk, GROUP=8)
    return c


if __name__ == "__main__":
    x, y = np.random.default_rng(0).standard_normal((2, 256, 256)).astype(np.float32)
    print("largest error:", abs(matmul(x, y, activation=relu) - np.maximum(x @ y, 0)).max())
