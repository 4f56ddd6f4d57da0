"""What a compiled function takes and gives: shapes and element types, and how arguments are checked against them.

Used by ``executable.py`` for each call, so the accepting path is short; everything slow happens on the way to an error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir.errors import AstraError, DTypeError, InvalidProgramError, ShapeError, UnsupportedError, source_place

# MLIR is imported where it is used: a program whose code is in the cache is compiled and called without it.
if TYPE_CHECKING:
    from astra_mlir.bindings import ir

__all__ = ["ArraySpec", "Signature", "numpy_dtype", "refuse_masked", "signature_of"]


def numpy_dtype(element_type: ir.Type) -> np.dtype[Any]:
    """The numpy type of elements of an MLIR type; raises :class:`UnsupportedError` for one that has none."""
    from astra_mlir.dialects.elements import dtype_of

    try:
        return dtype_of(element_type)
    except DTypeError:
        raise UnsupportedError(
            f"arrays of element type {element_type} cannot be passed in or out; convert them inside of the program"
        ) from None


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
        array = value if type(value) is np.ndarray and value.dtype != object else self._as_array(value)
        if array.shape != self.shape:
            raise ShapeError(f"{self.path}: expected shape {self.shape} ({self}), got {array.shape}")
        if array.dtype != self.dtype:
            if array.dtype.newbyteorder("=") == self.dtype:
                raise DTypeError(
                    f"{self.path}: the {array.dtype.name} array has the other byte order ({array.dtype.str}); "
                    f"convert it with .astype({self.dtype.name!r})"
                )
            raise DTypeError(
                f"{self.path}: expected element type {self.dtype.name}, got {array.dtype.name}; "
                f"convert it with .astype({self.dtype.name!r}) or compile for that type"
            )
        if not (array.flags.c_contiguous and array.dtype.isnative):
            return np.ascontiguousarray(array, self.dtype)
        return array

    def _as_array(self, value: Any) -> np.ndarray[Any, Any]:
        refuse_masked(value, self.path)
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


def refuse_masked(value: Any, path: str) -> None:
    """Raise :class:`AstraError` for an array of ``numpy.ma``: compiled code would take what the mask hides."""
    if isinstance(value, np.ma.MaskedArray):
        raise AstraError(f"{path}: masked arrays are not supported; fill in what is masked (x.filled(0)) first")


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
    from astra_mlir.bindings import ir

    if str(tensor_type).startswith("tuple<"):
        raise UnsupportedError(
            f"{path} has type {tensor_type}: tuples in signatures are not supported; "
            "give the function one argument and one result an element"
        )
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
    from astra_mlir.bindings import ir

    functions = {}
    for op in module.body.operations:
        if op.operation.name == "func.func":
            functions[ir.StringAttr(op.operation.attributes["sym_name"]).value] = op.operation
    if entry not in functions:
        known = ", ".join(f"@{name}" for name in functions) or "none"
        raise InvalidProgramError(f"the program has no function @{entry} (functions: {known})")
    attributes = functions[entry].attributes
    if "sym_visibility" in attributes and ir.StringAttr(attributes["sym_visibility"]).value == "private":
        place = source_place(functions[entry].location)
        raise InvalidProgramError(f"{place}: function @{entry} is private, so nothing can call it; make it public")
    function_type = ir.FunctionType(ir.TypeAttr(functions[entry].attributes["function_type"]).value)
    paths = list(input_paths or [f"argument {i}" for i in range(len(function_type.inputs))])
    inputs = tuple(_spec(t, path) for t, path in zip(function_type.inputs, paths, strict=True))
    outputs = tuple(_spec(t, f"result {i}") for i, t in enumerate(function_type.results))
    return Signature(inputs, outputs)
