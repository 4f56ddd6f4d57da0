"""The functions that compiled programs may call by name, and the element types in what they are told.

Below ``ffi.py`` and ``jax_frontend/callbacks.py``, which register functions, and the kernels of custom calls, which are
compiled for those there are.  Without MLIR: a program that was found in the cache is registered for, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

__all__ = [
    "CALLBACK",
    "FFI_TYPES",
    "PJRT_TYPES",
    "TARGETS",
    "asks_this_process",
    "dtype_of_number",
    "find_with",
    "is_known",
    "names_this_process",
]

TARGETS: set[str] = set()
"""The names that were registered."""

_finders: list[Callable[[str], None]] = []


def find_with(finder: Callable[[str], None]) -> None:
    """Ask for names that were not registered: ``finder`` registers what it knows."""
    _finders.append(finder)


def is_known(name: str) -> bool:
    """Whether there is a function of this name, once those who may know it were asked."""
    for finder in _finders:
        if name not in TARGETS:
            finder(name)
    return name in TARGETS


CALLBACK = "astra callback "
"""How the names of Python functions begin, which mean nothing in another process."""


ASKING = (b"CustomSPMDPartitioning", b"InspectSharding")
"""Calls that ask functions of this process how to partition a program, or tell them how it was."""


def asks_this_process(program: bytes) -> bool:
    """Whether functions that are known in this process alone are asked when a program is partitioned."""
    return any(name in program for name in ASKING)


def names_this_process(program: bytes) -> bool:
    """Whether a program (as bytecode or an artifact) calls functions that are known in this process alone."""
    return CALLBACK.encode() in program or asks_this_process(program)


# The foreign function interface numbers a type as XLA's shapes do, PJRT in its own way: dtype, FFI, PJRT.
_NUMBERS = (
    (np.bool_, 1, 1), (np.int8, 2, 2), (np.int16, 3, 3), (np.int32, 4, 4), (np.int64, 5, 5), (np.uint8, 6, 6),
    (np.uint16, 7, 7), (np.uint32, 8, 8), (np.uint64, 9, 9), (np.float16, 10, 10), (np.float32, 11, 11),
    (np.float64, 12, 12), (ml_dtypes.bfloat16, 16, 13), (np.complex64, 15, 14), (np.complex128, 18, 15),
    (ml_dtypes.float8_e5m2, 19, 16), (ml_dtypes.float8_e4m3fn, 20, 17), (ml_dtypes.float8_e4m3b11fnuz, 23, 18),
    (ml_dtypes.float8_e5m2fnuz, 24, 19), (ml_dtypes.float8_e4m3fnuz, 25, 20), (ml_dtypes.int4, 21, 21),
    (ml_dtypes.uint4, 22, 22), (ml_dtypes.int2, 26, 24), (ml_dtypes.uint2, 27, 25), (ml_dtypes.float8_e4m3, 28, 26),
    (ml_dtypes.float8_e3m4, 29, 27), (ml_dtypes.float8_e8m0fnu, 33, 28), (ml_dtypes.float4_e2m1fn, 32, 29),
)  # fmt: skip
FFI_TYPES: dict[np.dtype[Any], int] = {np.dtype(dtype): ffi for dtype, ffi, _ in _NUMBERS}
PJRT_TYPES: dict[np.dtype[Any], int] = {np.dtype(dtype): pjrt for dtype, _, pjrt in _NUMBERS}


def dtype_of_number(number: int) -> np.dtype[Any]:
    """The NumPy type of one of XLA's FFI numbers of element types."""
    return _DTYPES[number]


_DTYPES = {number: dtype for dtype, number in FFI_TYPES.items()}
