"""Dropout with seeds.

The mask is not kept: it is drawn again from the seed where it is needed, here by Philox (``al.rand``), whose number
for an element depends on the seed and the element's offset alone. So the backward pass, any grid and any machine
see the same mask, and it costs no memory.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def dropout_kernel(x, out, n, p, seed, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    keep = al.rand(seed, i) > p
    v = al.load(x + i, i < n)
    al.store(out + i, al.where(keep, v / (1 - p), 0.0), i < n)


def dropout(x: np.ndarray, p: float, seed: int) -> np.ndarray:
    """Elements are 0 with probability ``p``, the others divided by ``1 - p``; its gradient is the same."""
    out = np.empty_like(x)
    dropout_kernel[(-(-x.size // 1024),)](x, out, x.size, p, seed, BLOCK=1024)
    return out


if __name__ == "__main__":
    print(dropout(np.ones(16, np.float32), 0.5, seed=123))
