"""Arrays in a GPU's memory: results of compiled functions, and those of other frameworks by DLPack, without copies.

Used by ``gpu/executable.py``.  DLPack's structures are declared here with ctypes.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.errors import AstraError, DTypeError, ShapeError
from astra_mlir.gpu.runtime import WITHIN, DeviceMemory, order, stream_of
from astra_mlir.gpu.runtime import copy as copy_memory
from astra_mlir.signature import ArraySpec

__all__ = ["DeviceArray", "callers_stream", "device_pointer", "is_device_array", "pointer_and_type", "shape_and_type"]

_CUDA = 2  # kDLCUDA
_LEGACY = 1  # the legacy default stream
_CODES = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}


class _DLDevice(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("id", ctypes.c_int)]


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _DLDevice),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _DLManagedTensor(ctypes.Structure):
    pass


_DELETER = ctypes.CFUNCTYPE(None, ctypes.POINTER(_DLManagedTensor))
_DLManagedTensor._fields_ = [("tensor", _DLTensor), ("context", ctypes.c_void_p), ("deleter", _DELETER)]

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype, _get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def is_device_array(value: Any) -> bool:
    """Whether a value is an array in the memory of an NVIDIA GPU."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack_device__"):
        return False
    return int(value.__dlpack_device__()[0]) == _CUDA


def shape_and_type(value: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and element type of a device array of any framework."""
    name = str(value.dtype).removeprefix("torch.")
    return tuple(value.shape), np.dtype(getattr(ml_dtypes, name, name))


def pointer_and_type(value: Any) -> tuple[int, int, int, int]:
    """The address of a device array's first element, DLPack's code and bits of its type, and its device.

    What its maker has put into the legacy default stream is done before what comes there next.
    """
    if isinstance(value, DeviceArray):
        return value.memory.address, value.type_code, 8 * value.dtype.itemsize, value.memory.device
    capsule = value.__dlpack__(stream=1)
    tensor = _DLManagedTensor.from_address(_get_pointer(capsule, b"dltensor")).tensor
    return (tensor.data or 0) + tensor.byte_offset, tensor.code, tensor.bits, tensor.device.id


def device_pointer(value: Any, spec: ArraySpec, device: int) -> tuple[int, Any]:
    """The address of a device array's elements, and what keeps them.

    Raises :class:`ShapeError` or :class:`DTypeError` where it does not fit, :class:`AstraError` for another device or
    layout.
    """
    if isinstance(value, DeviceArray):
        _check(spec, value.shape, value.dtype.name)
        return value.memory.address, value.memory
    capsule = value.__dlpack__(stream=stream_of(device))  # what its maker does now is done before ours begins
    tensor = _DLManagedTensor.from_address(_get_pointer(capsule, b"dltensor")).tensor
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    name = f"{_CODES.get(tensor.code, 'unknown')}{tensor.bits}"
    _check(spec, shape, {"bfloat16": "bfloat16", "bool8": "bool"}.get(name, name))
    if tensor.device.id != device:
        raise AstraError(f"{spec.path}: the array is on device {tensor.device.id}, the function runs on {device}")
    if tensor.strides and any(
        size > 1 and tensor.strides[i] != math.prod(shape[i + 1 :]) for i, size in enumerate(shape)
    ):
        raise AstraError(f"{spec.path}: expected a row-major array; make the device array contiguous first")
    return (tensor.data or 0) + tensor.byte_offset, capsule


def callers_stream(values: Sequence[Any], device: int) -> int:
    """The stream that callers go on in, which has to wait for what reads these arrays; 0 where they are Astra's own."""
    foreign = [value for value in values if is_device_array(value) and not isinstance(value, DeviceArray)]
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(value, torch.Tensor) for value in foreign) and torch.cuda.is_available():
        return int(torch.cuda.current_stream(device).cuda_stream) or _LEGACY
    for value in foreign:
        interface = getattr(value, "__cuda_array_interface__", None) or {}
        if interface.get("stream") is not None:
            return int(interface["stream"])
    return _LEGACY if foreign else 0


def _check(spec: ArraySpec, shape: tuple[int, ...], name: str) -> None:
    if shape != spec.shape:
        raise ShapeError(f"{spec.path}: expected shape {spec.shape} ({spec}), got {shape}")
    if name != spec.dtype.name:
        raise DTypeError(f"{spec.path}: expected element type {spec.dtype.name}, got {name}")


_exported: dict[int, Any] = {}  # what keeps exported tensors until their taker is done with them


def _forget(pointer: Any) -> None:
    _, _, memory, taker = _exported.pop(ctypes.addressof(pointer.contents))
    with contextlib.suppress(AstraError):  # the memory is used again when its taker is done with it
        order(taker, stream_of(memory.device), memory.device)


_delete = _DELETER(_forget)


class DeviceArray:
    """An array in device memory; ``numpy.asarray`` copies it to the host, ``__dlpack__`` shares it."""

    def __init__(self, memory: DeviceMemory, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.memory, self.shape, self.dtype = memory, tuple(shape), np.dtype(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def copy(self) -> DeviceArray:
        """Another array with the same elements."""
        memory = DeviceMemory(self.memory.size, self.memory.device)
        copy_memory(memory.address, self.memory.address, self.memory.size, WITHIN, self.memory.device)
        return DeviceArray(memory, self.shape, self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("an array on a device cannot be a NumPy array without a copy")
        array = np.empty(self.shape, self.dtype)
        self.memory.to_host(array)
        return array if dtype is None else array.astype(dtype)

    @property
    def type_code(self) -> int:
        """DLPack's code of the element type; raises :class:`DTypeError` where it has none."""
        kind = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}.get(self.dtype.kind)
        code = {"bfloat16": 4, "float8_e4m3fn": 10, "float8_e5m2": 12}.get(self.dtype.name, kind)
        if code is None:
            raise DTypeError(f"DLPack has no elements of {self.dtype.name}")
        return code

    @cached_property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """For CuPy, Numba and others; of element types that NumPy itself has."""
        if self.dtype.kind not in "iufcb":
            raise AttributeError(f"the CUDA array interface has no elements of {self.dtype.name}")
        return {
            "shape": self.shape, "typestr": self.dtype.str, "data": (self.memory.address, False), "version": 3,
            "strides": None, "stream": stream_of(self.memory.device),
        }  # fmt: skip

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CUDA, self.memory.device

    def __dlpack__(self, stream: Any = None, **_: Any) -> Any:
        """A capsule that shares the memory; the taker's stream waits for the work that makes it."""
        taker = _LEGACY if stream in (None, -1) else int(stream)
        if stream != -1:
            order(stream_of(self.memory.device), taker, self.memory.device)
        shape = (ctypes.c_int64 * max(1, self.ndim))(*self.shape)
        place = _DLDevice(_CUDA, self.memory.device)
        bits = 8 * self.dtype.itemsize
        tensor = _DLTensor(self.memory.address, place, self.ndim, self.type_code, bits, 1, shape, None, 0)
        managed = _DLManagedTensor(tensor, None, _delete)
        _exported[ctypes.addressof(managed)] = (managed, shape, self.memory, taker)
        return _new_capsule(ctypes.addressof(managed), b"dltensor", None)

    def __repr__(self) -> str:
        return f"DeviceArray({np.asarray(self)!r}, device={self.memory.device})"
