"""The language of kernels, Triton's in kind: ``import astra_mlir.language as al`` inside ``@astra.kernel`` functions.

``types`` and ``values`` are what variables hold, ``semantic`` the typing rules, ``core`` the operations, ``math`` the
elementary functions, ``standard`` what is written in the language itself, ``frontend`` the compiler of Python's syntax
trees to tile functions.  docs/kernels.md is the tutorial.
"""

from __future__ import annotations

from astra_mlir.language import core as _core
from astra_mlir.language import math as math
from astra_mlir.language import standard as _standard
from astra_mlir.language.core import *  # noqa: F403
from astra_mlir.language.math import *  # noqa: F403
from astra_mlir.language.standard import *  # noqa: F403
from astra_mlir.language.types import (
    DTYPES,
    DType,
    PointerType,
    bfloat16,
    float8e4nv,
    float8e5,
    float16,
    float32,
    float64,
    int1,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from astra_mlir.language.values import Pointer, Value
from astra_mlir.language.values import Value as tensor

__all__ = [
    *_core.__all__, *math.__all__, *_standard.__all__, "DTYPES", "METHODS", "DType", "Pointer", "PointerType", "Value",
    "bfloat16", "float8e4nv", "float8e5", "float16", "float32", "float64", "int1", "int8", "int16", "int32", "int64",
    "math", "tensor", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip

# What may be written x.f(...) for f(x, ...).
METHODS = frozenset((
    "sum", "max", "min", "argmax", "argmin", "xor_sum", "cumsum", "cumprod", "reshape", "view", "trans", "permute",
    "expand_dims", "broadcast_to", "split", "softmax", "sigmoid", "ravel", "flip", "exp", "exp2", "log", "log2", "sin",
    "cos", "sqrt", "rsqrt", "abs", "tanh", "erf", "floor", "ceil",
))  # fmt: skip
