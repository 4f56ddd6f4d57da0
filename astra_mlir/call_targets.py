"""The functions that compiled programs may call by name, and the element types in what they are told.

Below ``ffi.py`` and ``jax_callbacks.py``, which register functions, and the kernels of custom calls, which are compiled
for those there are.  Without MLIR: a program that was found in the cache is registered for, too.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

__all__ = ["CALLBACK", "ELEMENT_TYPES", "TARGETS", "dtype_of_number", "names_this_process"]

TARGETS: set[str] = set()
"""The names that were registered."""

CALLBACK = "astra callback "
"""How the names of Python functions begin, which mean nothing in another process."""


def names_this_process(program: bytes) -> bool:
    """Whether a program (as bytecode or an artifact) calls functions that are known in this process alone."""
    return CALLBACK.encode() in program


# XLA's FFI numbers of element types.
ELEMENT_TYPES = {
    np.dtype(dtype): number
    for dtype, number in {
        np.bool_: 1, np.int8: 2, np.int16: 3, np.int32: 4, np.int64: 5, np.uint8: 6, np.uint16: 7, np.uint32: 8,
        np.uint64: 9, np.float16: 10, np.float32: 11, np.float64: 12, np.complex64: 15, ml_dtypes.bfloat16: 16,
        np.complex128: 18, ml_dtypes.float8_e5m2: 19, ml_dtypes.float8_e4m3fn: 20, ml_dtypes.int4: 21,
        ml_dtypes.uint4: 22, ml_dtypes.float8_e4m3b11fnuz: 23, ml_dtypes.float8_e5m2fnuz: 24,
        ml_dtypes.float8_e4m3fnuz: 25, ml_dtypes.int2: 26, ml_dtypes.uint2: 27, ml_dtypes.float8_e4m3: 28,
        ml_dtypes.float8_e3m4: 29, ml_dtypes.float4_e2m1fn: 32, ml_dtypes.float8_e8m0fnu: 33,
    }.items()
}  # fmt: skip


def dtype_of_number(number: int) -> np.dtype[Any]:
    """The NumPy type of one of XLA's FFI numbers of element types."""
    return _DTYPES[number]


_DTYPES = {number: dtype for dtype, number in ELEMENT_TYPES.items()}
