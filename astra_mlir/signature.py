"""What a compiled function takes and gives: shapes and element types, and how arguments are checked against them.

Used by ``executable.py`` for each call, so the accepting path is short; everything slow happens on the way to an error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.errors import AstraError, DTypeError, InvalidProgramError, ShapeError, UnsupportedError

__all__ = ["ArraySpec", "Signature", "numpy_dtype", "signature_of"]

# MLIR's spelling of an element type -> the type of its elements in host memory (one byte for i1 and 2- to 4-bit ints).
_DTYPES: dict[str, np.dtype[Any]] = {
    "i1": np.dtype(np.bool_),
    **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"{u}i{bits}": np.dtype(getattr(ml_dtypes, f"{u and 'u'}int{bits}")) for u in ("", "u") for bits in (2, 4)},
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "complex<f32>": np.dtype(np.complex64),
    "complex<f64>": np.dtype(np.complex128),
    "f8E3M4": np.dtype(ml_dtypes.float8_e3m4),
    "f8E4M3": np.dtype(ml_dtypes.float8_e4m3),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
    "f8E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "f8E4M3B11FNUZ": np.dtype(ml_dtypes.float8_e4m3b11fnuz),
    "f8E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "f8E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "f8E8M0FNU": np.dtype(ml_dtypes.float8_e8m0fnu),
    "f4E2M1FN": np.dtype(ml_dtypes.float4_e2m1fn),
}


def numpy_dtype(element_type: ir.Type) -> np.dtype[Any]:
    """The numpy type of elements of an MLIR type; raises :class:`UnsupportedError` for one that has none."""
    dtype = _DTYPES.get(str(element_type))
    if dtype is None:
        raise UnsupportedError(f"arrays of element type {element_type} cannot be passed in or out; convert it inside")
    return dtype


@dataclass(frozen=True)
class ArraySpec:
    """Shape and element type of one argument or result; ``path`` is what a user calls it (``params['w']``)."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    path: str = ""
    nbytes: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nbytes", math.prod(self.shape) * self.dtype.itemsize)

    def __str__(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"

    def accept(self, value: Any) -> np.ndarray[Any, Any]:
        """``value`` as a C-contiguous array of this shape and type; copies only to change the layout.

        Raises :class:`ShapeError`, :class:`DTypeError` or, for what is no array, :class:`AstraError`, naming the path.
        Python numbers are taken for rank-0 arguments when they have the kind of the element type.
        """
        array = value if type(value) is np.ndarray else self._as_array(value)
        if array.shape != self.shape:
            raise ShapeError(f"{self.path}: expected shape {self.shape} ({self}), got {array.shape}")
        if array.dtype != self.dtype:
            raise DTypeError(
                f"{self.path}: expected element type {self.dtype.name}, got {array.dtype.name}; "
                f"convert it with .astype({self.dtype.name!r}) or compile for that type"
            )
        if not (array.flags.c_contiguous and array.dtype.isnative):
            return np.ascontiguousarray(array, self.dtype)
        return array

    def _as_array(self, value: Any) -> np.ndarray[Any, Any]:
        if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
            return self._from_number(value)
        if not hasattr(value, "__array__") and not hasattr(value, "__dlpack__"):
            raise AstraError(
                f"{self.path}: expected an array {self}, got {type(value).__name__} ({_excerpt(value)}); "
                "convert it with numpy.asarray first"
            )
        array = np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
        if array.dtype == object:
            raise AstraError(f"{self.path}: expected an array {self}, got one of Python objects")
        return array

    def _from_number(self, value: complex) -> np.ndarray[Any, Any]:
        kinds = {"b": (bool,), "c": (bool, int, float, complex)}
        integral = self.dtype.kind in "iu" or self.dtype.name.startswith(("int", "uint"))
        taken = kinds.get(self.dtype.kind, (bool, int) if integral else (bool, int, float))
        if not isinstance(value, taken):
            raise DTypeError(f"{self.path}: expected {self}, got the Python {type(value).__name__} {value!r}")
        try:
            return np.asarray(value, self.dtype)
        except OverflowError:
            raise DTypeError(f"{self.path}: {value!r} does not fit into {self.dtype.name}") from None


def _excerpt(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Signature:
    """Arguments and results of a compiled function, flattened."""

    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.inputs))}) -> ({', '.join(map(str, self.outputs))})"

    def check_count(self, given: int) -> None:
        """Raise :class:`ShapeError` unless ``given`` is the number of arguments."""
        if given != len(self.inputs):
            raise ShapeError(f"expected {len(self.inputs)} argument arrays {self}, got {given}")


def _spec(tensor_type: ir.Type, path: str) -> ArraySpec:
    if not isinstance(tensor_type, ir.RankedTensorType):
        raise UnsupportedError(f"{path}: a value of type {tensor_type} cannot be passed in or out; use ranked tensors")
    if not tensor_type.has_static_shape:
        raise UnsupportedError(
            f"{path}: {tensor_type} has a dynamic dimension, which the CPU path does not compile yet; "
            "give static shapes (astra.jit compiles one version per shape)"
        )
    return ArraySpec(tuple(tensor_type.shape), numpy_dtype(tensor_type.element_type), path)


def signature_of(module: ir.Module, entry: str, input_paths: Sequence[str] | None = None) -> Signature:
    """The signature of function ``entry`` of a module (StableHLO or Astra, before any lowering)."""
    functions = {}
    for op in module.body.operations:
        if op.operation.name == "func.func":
            functions[ir.StringAttr(op.operation.attributes["sym_name"]).value] = op.operation
    if entry not in functions:
        known = ", ".join(f"@{name}" for name in functions) or "none"
        raise InvalidProgramError(f"the program has no function @{entry} (functions: {known})")
    function_type = ir.FunctionType(ir.TypeAttr(functions[entry].attributes["function_type"]).value)
    paths = list(input_paths or [f"argument {i}" for i in range(len(function_type.inputs))])
    inputs = tuple(_spec(t, path) for t, path in zip(function_type.inputs, paths, strict=True))
    outputs = tuple(_spec(t, f"result {i}") for i, t in enumerate(function_type.results))
    return Signature(inputs, outputs)
