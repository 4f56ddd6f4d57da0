"""Launches of kernels on device arrays, for processes whose CUDA driver is the fake one (``runtime/gpu_driver.py``).

The arrays stand in for those of CuPy, Numba, JAX and PyTorch: their memory is the fake driver's.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al
from astra_mlir import native
from astra_mlir.gpu import runtime as gpu_runtime
from astra_mlir.gpu.arrays import DeviceArray
from astra_mlir.gpu.runtime import DeviceMemory


@astra.kernel
def add(x, y, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(out + i, al.load(x + i, i < n) + al.load(y + i, i < n), i < n)


FACTOR = 3


@astra.kernel
def scaled(x, out, n, scale, shift=None, BLOCK: al.constexpr = 16):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    v = al.load(x + i, i < n) * scale * FACTOR
    if shift is not None:
        v = v + shift
    al.store(out + i, v, i < n)


@astra.kernel
def extremes(x, flags, least, most, columns, BLOCK: al.constexpr):
    row, j = al.program_id(0), al.arange(0, BLOCK)
    v = al.load(x + row * columns + j, j < columns, other=0)
    chosen = al.load(flags + row)
    al.store(least + row, al.min(v, 0), chosen)
    al.store(most + row, al.max(v, 0), chosen)


@astra.kernel
def swish(x, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(out + i, al.silu(al.load(x + i, i < n)), i < n)


@astra.heuristics({"BLOCK": lambda given: 32 if given["n"] > 10 else 16})
@astra.kernel
def ruled(x, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(out + i, al.load(x + i, i < n) + 1, i < n)


@astra.autotune([astra.Config({"BLOCK": 16}), astra.Config({"BLOCK": 64}, num_warps=2)], key=["n"])
@astra.kernel
def tuned(x, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(x + i, al.load(x + i, i < n) * 2, i < n)


def blocks(meta: Any) -> tuple[int]:
    return (-(-meta["n"] // meta["BLOCK"]),)


class Array:
    """What CuPy's arrays are to others: ``__cuda_array_interface__``, with its stream."""

    def __init__(self, array: np.ndarray, device: int = 0, stream: int | None = None, **changed: Any) -> None:
        self.memory, self.shape, self.dtype = DeviceMemory.of(array, device), array.shape, array.dtype
        self.__cuda_array_interface__ = {
            "shape": array.shape, "typestr": array.dtype.str, "data": (self.memory.address, False), "version": 3,
            "strides": None, "stream": stream, **changed,
        }  # fmt: skip

    def copy(self) -> Array:
        return Array(self.numpy())

    def numpy(self) -> np.ndarray:
        host = np.empty(self.shape, self.dtype)
        self.memory.to_host(host)
        return host


class Exchanged(DeviceArray):
    """An array that others know by DLPack alone."""

    __cuda_array_interface__ = None  # type: ignore[assignment]

    @property
    def __class__(self) -> type:  # not one of Astra's own
        return object


class _View(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int32) for name in ("device_type", "device", "rank")),
        *((name, ctypes.c_uint8) for name in ("code", "bits")),
        ("lanes", ctypes.c_uint16),
        *((name, ctypes.c_void_p) for name in ("shape", "strides")),
        ("offset", ctypes.c_uint64),
    ]


class Tensor:
    """What PyTorch's tensors are to the native call path: read by a table of functions."""

    def __init__(self, array: np.ndarray) -> None:
        self.memory, self.shape, self.dtype = DeviceMemory.of(array), array.shape, array.dtype

    numpy = Array.numpy


_kept: list[Any] = []


def use_tensors(stream: int) -> None:
    """Make :class:`Tensor` what the native path takes for PyTorch's tensors, with a current stream."""
    codes = {"f": 2, "i": 0, "V": 4}

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_View))
    def view_of(tensor: Any, view: Any) -> int:
        kind = tensor.dtype
        view[0] = _View(tensor.memory.address, 2, 0, 1, codes[kind.kind], 8 * kind.itemsize, 1, None, None, 0)
        return 0

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p))
    def current(device_type: int, device: int, found: Any) -> int:
        found[0] = stream
        return 0

    address = [ctypes.cast(f, ctypes.c_void_p).value or 0 for f in (view_of, current)]
    table = (ctypes.c_uint64 * 7)(1, 0, 0, 0, 1, address[0], address[1])
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule = new(ctypes.addressof(table), b"dlpack_exchange_api", None)
    _kept.extend([view_of, current, table])
    native.use_torch(Tensor, Tensor, capsule, None)


def new_stream(driver: Any) -> int:
    made = ctypes.c_void_p()
    gpu_runtime.stream_of()  # the device's context is current
    driver.cuStreamCreate(ctypes.byref(made), 0)
    return made.value or 0


def last_stream(driver: Any) -> int:
    return ctypes.c_void_p.in_dll(driver, "fake_cuda_stream").value or 0


def data(kind: Any = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = np.arange(100).astype(kind), np.arange(100)[::-1].astype(kind) * 2
    return x, y.copy(), np.zeros(100, kind)


def message(launch: Callable[[], Any]) -> str:
    try:
        launch()
    except astra.AstraError as error:
        return str(error)
    raise AssertionError("nothing was raised")


def check(make: Callable[[np.ndarray], Any], kind: Any = np.float32) -> None:
    x, y, out = data(kind)
    given = [make(array) for array in (x, y, out)]
    add[blocks](*given, 100, BLOCK=32)
    add[(4,)](*given, n=100, BLOCK=32, num_warps=2)
    result = given[2].numpy() if hasattr(given[2], "numpy") else np.asarray(given[2])
    assert (result == x + y).all(), result


def nanoseconds(call: Callable[[], Any], count: int = 20000) -> float:
    """The least time of a call of several runs."""
    times = []
    for _ in range(5):
        start = time.perf_counter_ns()
        for _ in range(count):
            call()
        times.append((time.perf_counter_ns() - start) / count)
    return min(times)


def overhead(make: Callable[[np.ndarray], Any]) -> float:
    """Microseconds of one launch of a kernel that does nothing, the fake driver's part included."""
    x, y, out = (make(array) for array in data())
    add[(4,)](x, y, out, 100, BLOCK=32)
    return nanoseconds(lambda: add[(4,)](x, y, out, 100, BLOCK=32)) / 1e3
