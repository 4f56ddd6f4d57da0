"""Quantized product: int8 operands, a scale for each row and column.

``al.dot`` of int8 tiles accumulates exactly in int32; the scales are applied once, to the block that is stored.
``quantize`` is a kernel too: a program finds the largest magnitude of a row and rounds the row to 8 bits.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def quantize_kernel(x, out, scales, columns, BLOCK: al.constexpr):
    row = al.program_id(0)
    j = al.arange(0, BLOCK)
    v = al.load(x + row * columns + j, j < columns)
    scale = al.maximum(al.max(al.abs(v), 0), 1e-30) / 127
    al.store(out + row * columns + j, al.rint(v / scale).to(al.int8), j < columns)
    al.store(scales + row, scale)


@astra.kernel
def matmul_kernel(a, b, scale_a, scale_b, c, M, N, K, BM: al.constexpr, BN: al.constexpr, BK: al.constexpr):
    m, n = al.program_id(0) * BM + al.arange(0, BM), al.program_id(1) * BN + al.arange(0, BN)
    acc = al.zeros((BM, BN), al.int32)
    for start in range(0, K, BK):
        k = start + al.arange(0, BK)
        x = al.load(a + m[:, None] * K + k[None, :], (m < M)[:, None] & (k < K)[None, :], other=0)
        y = al.load(b + n[:, None] * K + k[None, :], (n < N)[:, None] & (k < K)[None, :], other=0)
        acc = al.dot(x, y.T, acc)
    scales = al.load(scale_a + m, m < M)[:, None] * al.load(scale_b + n, n < N)[None, :]
    al.store(c + m[:, None] * N + n[None, :], acc.to(al.float32) * scales, (m < M)[:, None] & (n < N)[None, :])


def quantize(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows rounded to int8, and the scale of each."""
    rows, columns = x.shape
    out, scales = np.empty((rows, columns), np.int8), np.empty(rows, np.float32)
    quantize_kernel[(rows,)](x, out, scales, columns, BLOCK=al.next_power_of_2(columns))
    return out, scales


def quantized_matmul(a: np.ndarray, scale_a: np.ndarray, b: np.ndarray, scale_b: np.ndarray) -> np.ndarray:
    """``(a * scale_a[:, None]) @ (b * scale_b[:, None]).T`` of int8 matrices."""
    (m, k), n = a.shape, b.shape[0]
    c = np.empty((m, n), np.float32)
    matmul_kernel[(-(-m // 32), -(-n // 32))](a, b, scale_a, scale_b, c, m, n, k, BM=32, BN=32, BK=32)
    return c


if __name__ == "__main__":
    x, y = np.random.default_rng(0).standard_normal((2, 64, 128)).astype(np.float32)
    print("error", abs(quantized_matmul(*quantize(x), *quantize(y)) - x @ y.T).max(), "of", abs(x @ y.T).max())
