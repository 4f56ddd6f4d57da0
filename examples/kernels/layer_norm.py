"""Layer norm, forward and backward.

Forward, a program normalises a row and keeps its mean and inverse deviation for the way back. Backward, the
gradient of a row's input needs two sums over the row; those of the weight and bias are sums over all rows. A
program of the first backward kernel takes a block of rows and adds up its part of them; a second kernel sums the
parts. No atomics are needed, so the gradients have the same bits in every run.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def forward_kernel(x, weight, bias, out, means, deviations, columns, eps, BLOCK: al.constexpr):
    row = al.program_id(0)
    j = al.arange(0, BLOCK)
    mask = j < columns
    v = al.load(x + row * columns + j, mask).to(al.float32)
    mean = al.sum(v, 0) / columns
    centered = al.where(mask, v - mean, 0.0)
    inverse = al.rsqrt(al.sum(centered * centered, 0) / columns + eps)
    al.store(means + row, mean)
    al.store(deviations + row, inverse)
    result = centered * inverse * al.load(weight + j, mask) + al.load(bias + j, mask)
    al.store(out + row * columns + j, result, mask)


@astra.kernel
def backward_kernel(
    dy, x, weight, means, deviations, dx, dw_parts, db_parts, rows, columns, ROWS: al.constexpr, BLOCK: al.constexpr
):
    part = al.program_id(0)
    j = al.arange(0, BLOCK)
    mask = j < columns
    w = al.load(weight + j, mask).to(al.float32)
    dw = al.zeros((BLOCK,), al.float32)
    db = al.zeros((BLOCK,), al.float32)
    for row in range(part * ROWS, al.minimum((part + 1) * ROWS, rows)):
        at = row * columns + j
        inverse = al.load(deviations + row)
        normal = al.where(mask, (al.load(x + at, mask) - al.load(means + row)) * inverse, 0.0)
        g = al.load(dy + at, mask).to(al.float32)
        dw += g * normal
        db += g
        scaled = g * w
        first = al.sum(scaled * normal, 0) / columns
        second = al.sum(scaled, 0) / columns
        al.store(dx + at, (scaled - normal * first - second) * inverse, mask)
    al.store(dw_parts + part * columns + j, dw, mask)
    al.store(db_parts + part * columns + j, db, mask)


@astra.kernel
def sum_parts_kernel(parts, out, count, columns, PARTS: al.constexpr, BLOCK: al.constexpr):
    i = al.arange(0, PARTS)[:, None]
    j = (al.program_id(0) * BLOCK + al.arange(0, BLOCK))[None, :]
    v = al.load(parts + i * columns + j, (i < count) & (j < columns))
    al.store(out + j.reshape(BLOCK), al.sum(v, 0), j.reshape(BLOCK) < columns)


def layer_norm(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The normalised rows, their means and inverse deviations."""
    rows, columns = x.shape
    out, means, deviations = np.empty_like(x), np.empty(rows, np.float32), np.empty(rows, np.float32)
    block = al.next_power_of_2(columns)
    forward_kernel[(rows,)](x, weight, bias, out, means, deviations, columns, eps, BLOCK=block)
    return out, means, deviations


def layer_norm_backward(
    dy: np.ndarray, x: np.ndarray, weight: np.ndarray, means: np.ndarray, deviations: np.ndarray, rows_a_part: int = 16
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of the input, weight and bias."""
    rows, columns = x.shape
    parts = -(-rows // rows_a_part)
    dx, dw, db = np.empty_like(x), np.empty_like(weight), np.empty_like(weight)
    dw_parts, db_parts = np.empty((2, parts, columns), np.float32)
    backward_kernel[(parts,)](
        dy, x, weight, means, deviations, dx, dw_parts, db_parts, rows, columns, ROWS=rows_a_part,
        BLOCK=al.next_power_of_2(columns),
    )  # fmt: skip
    for source, target in ((dw_parts, dw), (db_parts, db)):
        grid = (-(-columns // 64),)
        sum_parts_kernel[grid](source, target, parts, columns, PARTS=al.next_power_of_2(parts), BLOCK=64)
    return dx, dw, db


if __name__ == "__main__":
    a = np.random.default_rng(0).standard_normal((8, 100)).astype(np.float32)
    y, _, _ = layer_norm(a, np.ones(100, np.float32), np.zeros(100, np.float32))
    print("means", abs(y.mean(1)).max(), "variances", y.var(1).min(), "..", y.var(1).max())
