"""Element types of kernels: names, signedness, the MLIR type of each, and how two of them promote.

The bottom of the kernel language: ``core.py`` builds values of these types.  MLIR's integers have no sign in tile
functions, so the sign lives here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

__all__ = [
    "DTYPES", "DType", "PointerType", "bfloat16", "dtype_of", "float8e4nv", "float8e5", "float16", "float32", "float64",
    "int1", "int8", "int16", "int32", "int64", "promoted", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


@dataclass(frozen=True)
class DType:
    """An element type: its name, ``kind`` (``b`` boolean, ``i`` signed, ``u`` unsigned, ``f`` float) and bits."""

    name: str
    kind: str
    width: int
    text: str  # the MLIR type

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.kind != "f"

    def is_floating(self) -> bool:
        return self.is_float

    def is_int(self) -> bool:
        return self.is_integer

    @property
    def primitive_bitwidth(self) -> int:
        return self.width

    @property
    def stored(self) -> DType:
        """The type that it has in memory: booleans are bytes there."""
        return int8 if self.kind == "b" else self

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class PointerType:
    """The type of a pointer to elements of ``element_ty``."""

    element_ty: DType

    def __repr__(self) -> str:
        return f"pointer<{self.element_ty}>"


int1 = DType("int1", "b", 1, "i1")
int8 = DType("int8", "i", 8, "i8")
int16 = DType("int16", "i", 16, "i16")
int32 = DType("int32", "i", 32, "i32")
int64 = DType("int64", "i", 64, "i64")
uint8 = DType("uint8", "u", 8, "i8")
uint16 = DType("uint16", "u", 16, "i16")
uint32 = DType("uint32", "u", 32, "i32")
uint64 = DType("uint64", "u", 64, "i64")
float8e4nv = DType("float8e4nv", "f", 8, "f8E4M3FN")
float8e5 = DType("float8e5", "f", 8, "f8E5M2")
float16 = DType("float16", "f", 16, "f16")
bfloat16 = DType("bfloat16", "f", 16, "bf16")
float32 = DType("float32", "f", 32, "f32")
float64 = DType("float64", "f", 64, "f64")

DTYPES = {
    kind.name: kind
    for kind in (
        int1, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float8e4nv, float8e5, float16, bfloat16,
        float32, float64,
    )
}  # fmt: skip

_NUMPY: dict[Any, DType] = {np.dtype(bool): int1}
_NUMPY.update({np.dtype(name): kind for name, kind in DTYPES.items() if name[-1].isdigit() and "8e" not in name
               and name not in ("int1", "bfloat16")})  # fmt: skip
_NUMPY[np.dtype(ml_dtypes.bfloat16)] = bfloat16
_NUMPY[np.dtype(ml_dtypes.float8_e4m3fn)] = float8e4nv
_NUMPY[np.dtype(ml_dtypes.float8_e5m2)] = float8e5


def dtype_of(dtype: Any) -> DType:
    """The element type of a NumPy dtype (or its name); raises ``KeyError`` where kernels have none.

    >>> dtype_of("uint8"), dtype_of(bool)
    (uint8, int1)
    """
    return _NUMPY[np.dtype(dtype)]


def promoted(lhs: DType, rhs: DType) -> DType:
    """The type in which two values are combined: floats over integers, the wider one, f32 for two kinds of 16 bits.

    >>> promoted(int32, float16), promoted(float16, bfloat16), promoted(int32, uint32), promoted(int8, int64)
    (float16, float32, uint32, int64)
    """
    if lhs == rhs:
        return lhs
    if lhs.is_float or rhs.is_float:
        if not (lhs.is_float and rhs.is_float):
            return lhs if lhs.is_float else rhs
        if lhs.width == rhs.width:
            return float32
        return lhs if lhs.width > rhs.width else rhs
    if lhs.width != rhs.width:
        return lhs if lhs.width > rhs.width else rhs
    return lhs if lhs.kind == "u" else rhs
