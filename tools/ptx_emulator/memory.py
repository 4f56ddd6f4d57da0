"""State spaces (section 5.1): arguments in global memory, shared memory of each block, local memory, parameters.

Every address that a kernel sees is a number of 64 bits; which space it is in follows from its high bits, so generic
addresses need no table.  Reads and writes outside of what is there, or at an address that its access may not have,
are errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "LOCAL",
    "PARAMETERS",
    "SHARED",
    "SHARED_BLOCK_SHIFT",
    "AddressError",
    "Globals",
    "TensorMap",
    "gather",
    "scatter",
]

# Windows of generic addresses.  Shared memory of block i of a cluster begins at (i + 1) << SHARED_BLOCK_SHIFT in the
# window shared::cluster; addresses below that are a block's own.
SHARED, LOCAL, PARAMETERS = 1 << 56, 2 << 56, 3 << 56
SHARED_BLOCK_SHIFT = 24
_SEGMENT_SHIFT = 36  # each global array has an address range of its own, so that no overrun lands in another
_FIRST_SEGMENT = 1 << 8


class AddressError(Exception):
    """An access outside of memory, or one that is not aligned."""


@dataclass(frozen=True)
class TensorMap:
    """What ``cuTensorMapEncodeTiled`` makes: a tensor in global memory and the box that one copy takes of it.

    ``sizes`` and ``box`` have the innermost dimension first, in elements; ``strides`` are in bytes, of all dimensions
    but the innermost.  ``swizzle`` is 0, 32, 64 or 128 bytes.
    """

    array: np.ndarray[Any, Any]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]
    swizzle: int = 0

    def __post_init__(self) -> None:
        inner = self.box[0] * self.array.itemsize
        if any(stride % 16 for stride in self.strides):
            raise ValueError(f"strides {self.strides}: each must be a multiple of 16 bytes")
        if any(not 1 <= side <= 256 for side in self.box):
            raise ValueError(f"box {self.box}: each side must be from 1 to 256")
        if inner % 16 or (self.swizzle and inner > self.swizzle):
            raise ValueError(
                f"the box has rows of {inner} bytes: a multiple of 16, at most the swizzle's {self.swizzle}"
            )
        if not len(self.sizes) == len(self.box) == len(self.strides) + 1 <= 5:
            raise ValueError("sizes and box have one entry a dimension, strides one less; at most 5 dimensions")


class Globals:
    """Arrays in global memory by address."""

    def __init__(self) -> None:
        self._arrays: list[np.ndarray[Any, Any]] = []

    def place(self, array: np.ndarray[Any, Any]) -> int:
        """The address of an array, which the kernel then reads and writes in place."""
        if not array.flags.c_contiguous:
            raise ValueError("arguments in global memory must be contiguous")
        data = array.reshape(-1).view(np.uint8)
        for i, known in enumerate(self._arrays):
            if known.ctypes.data == data.ctypes.data and known.nbytes == data.nbytes:
                return (_FIRST_SEGMENT + i) << _SEGMENT_SHIFT
        self._arrays.append(data)
        return (_FIRST_SEGMENT + len(self._arrays) - 1) << _SEGMENT_SHIFT

    def resolve(
        self, addresses: np.ndarray[Any, Any]
    ) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """(positions in ``addresses``, the bytes of an array, offsets into it) for each array that is meant."""
        segments = (addresses >> np.uint64(_SEGMENT_SHIFT)).astype(np.int64) - _FIRST_SEGMENT
        offsets = (addresses & np.uint64((1 << _SEGMENT_SHIFT) - 1)).astype(np.int64)
        found = []
        for segment in np.unique(segments):
            if not 0 <= segment < len(self._arrays):
                address = int(addresses[segments == segment][0])
                raise AddressError(f"address {address:#x} is in no array")
            here = np.flatnonzero(segments == segment)
            found.append((here, self._arrays[segment], offsets[here]))
        return found


def _checked(offsets: np.ndarray[Any, Any], size: int, width: int) -> None:
    if offsets.size == 0:
        return
    if np.any(offsets % width):
        raise AddressError(f"offset {int(offsets[offsets % width != 0][0])} is not a multiple of {width}")
    if int(offsets.min()) < 0 or int(offsets.max()) + width > size:
        bad = offsets[(offsets < 0) | (offsets + width > size)][0]
        raise AddressError(f"{width} bytes at offset {bad} of {size} bytes")


def gather(
    data: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any], dtype: Any, count: int = 1
) -> list[np.ndarray[Any, Any]]:
    """``count`` neighbouring elements at each byte offset, as arrays of ``dtype``."""
    width = np.dtype(dtype).itemsize
    _checked(offsets, data.size, width * count)
    whole = data[: data.size // width * width].view(dtype)
    first = offsets // width
    return [whole[first + i] for i in range(count)]


def scatter(data: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any], values: list[np.ndarray[Any, Any]]) -> None:
    """Write the arrays of ``values`` to neighbouring elements at each byte offset."""
    width = values[0].dtype.itemsize
    _checked(offsets, data.size, width * len(values))
    whole = data[: data.size // width * width].view(values[0].dtype)
    first = offsets // width
    for i, value in enumerate(values):
        whole[first + i] = value
