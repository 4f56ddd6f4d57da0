"""Vector add: the smallest kernel.

A launch runs a grid of *programs*; each is told its number by ``al.program_id`` and works on a *tile*: here 1024
elements, made of the offsets ``al.arange`` gives. The mask keeps the last program from touching what is behind the
end of the arrays. Loads, the addition and the store are of whole tiles: on the CPU they become vector instructions,
on a GPU each thread of the program's warps takes some elements.

Run it: ``python examples/kernels/vector_add.py``.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def add_kernel(x, y, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    mask = i < n
    al.store(out + i, al.load(x + i, mask) + al.load(y + i, mask), mask)


def add(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``x + y`` of contiguous arrays of one shape."""
    out = np.empty_like(x)
    add_kernel[lambda meta: (-(-x.size // meta["BLOCK"]),)](x, y, out, x.size, BLOCK=1024)
    return out


if __name__ == "__main__":
    a, b = np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    print("largest error:", abs(add(a, b) - (a + b)).max())
