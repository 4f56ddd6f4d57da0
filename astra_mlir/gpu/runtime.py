"""GPUs from Python: devices, memory on them, kernels and events, by the runtime's table.

Beside ``runtime.py``, whose library opens the CUDA driver when the first of these is used; below
``gpu/executable.py``, which runs whole programs.  The structures mirror ``runtime/include/astra/runtime.h``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from astra_mlir.errors import AstraError
from astra_mlir.runtime import runtime

__all__ = [
    "DeviceMemory",
    "Event",
    "GpuModule",
    "Kernel",
    "TensorMap",
    "copy",
    "device_info",
    "elapsed",
    "order",
    "stream_of",
    "synchronize",
    "synchronize_all",
    "why_no_device",
]

MAX_RANK = 5
STRAIGHT_LINE = 1
OVERLAPS = 1
_ALL_STREAMS = (1 << 64) - 1
TO_DEVICE, TO_HOST, WITHIN = range(3)
EMULATED = "Astra emulated device"  # how runtime/tests/fake_cuda.cpp calls its device

_I64 = ctypes.c_int64


class _DeviceInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_char * 128),
        *((name, _I64) for name in ("capability", "multiprocessors", "total_bytes", "shared_bytes", "driver_version")),
    ]


class _TensorMap(ctypes.Structure):
    _fields_ = [
        ("parameter", _I64),
        ("element_type", _I64),
        ("rank", _I64),
        ("sizes", _I64 * MAX_RANK),
        ("strides", _I64 * MAX_RANK),
        ("box", _I64 * MAX_RANK),
        ("swizzle", _I64),
        ("from_parameters", _I64),
        ("element_bytes", _I64),
    ]


class _Kernel(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("threads", _I64),
        ("shared_bytes", _I64),
        ("cluster", _I64 * 3),
        ("flags", _I64),
        ("num_parameters", _I64),
        ("num_tensor_maps", _I64),
        ("tensor_maps", ctypes.POINTER(_TensorMap)),
        ("grid", _I64 * 3),
    ]


class _GpuCall(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("module", ctypes.c_void_p),
        ("entry", ctypes.c_void_p),
        ("num_inputs", _I64),
        ("num_outputs", _I64),
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("arena_bytes", _I64),
        ("flags", _I64),
        ("stream", ctypes.c_void_p),
    ]


class _Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", _I64)]


@dataclass(frozen=True)
class TensorMap:
    """A descriptor of an array for copies of blocks (TMA), encoded at the launch; dimension 0 is the innermost.

    ``sizes`` are elements, ``strides`` bytes; ``parameter`` is which of the kernel's parameters is the address.
    """

    parameter: int
    element_type: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]
    swizzle: int = 0
    from_parameters: int = 0
    element_bytes: int = 0


@dataclass(frozen=True)
class Kernel:
    """A kernel of a module and how it is launched; ``grid`` is that of every launch, unless it is 0.

    >>> Kernel("add", threads=128, parameters=3).shared_bytes
    0
    """

    name: str
    threads: int
    parameters: int
    shared_bytes: int = 0
    cluster: tuple[int, int, int] = (1, 1, 1)
    overlaps: bool = False
    tensor_maps: tuple[TensorMap, ...] = field(default=())
    grid: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class DeviceInfo:
    """What the driver says of a device; ``capability`` is 90 for Hopper."""

    name: str
    capability: int
    multiprocessors: int
    total_bytes: int
    shared_bytes: int
    driver_version: int

    @property
    def is_emulated(self) -> bool:
        """Whether there is no GPU behind it: kernels are compiled for the CPU."""
        return self.name == EMULATED


def device_info(device: int = 0) -> DeviceInfo:
    """A device of this machine; raises :class:`AstraError` where there is none, or no driver."""
    found = _DeviceInfo(ctypes.sizeof(_DeviceInfo))
    runtime().check(runtime().api.gpu_device_info(device, ctypes.addressof(found)))
    return DeviceInfo(
        found.name.decode(), found.capability, found.multiprocessors, found.total_bytes, found.shared_bytes,
        found.driver_version,
    )  # fmt: skip


def why_no_device(device: int = 0) -> str | None:
    """Why programs cannot run on a device here; None where they can."""
    try:
        device_info(device)
    except AstraError as error:
        return str(error)
    return None


def copy(target: int, source: int, size: int, direction: int, device: int = 0) -> None:
    """Copy bytes between addresses; to the host it waits for the device."""
    runtime().check(runtime().api.gpu_copy(device, target, source, size, direction))


def synchronize(device: int = 0) -> None:
    """Wait until the device has done everything; raises the error of a kernel that failed."""
    runtime().check(runtime().api.gpu_synchronize(device))


def synchronize_all(device: int = 0) -> None:
    """Wait until everything on a device is done, on other streams than the runtime's, too."""
    runtime().check(runtime().api.gpu_wait(device, _ALL_STREAMS))


def order(earlier: int, later: int, device: int = 0) -> None:
    """What comes later in one stream waits for what is in another one now."""
    runtime().check(runtime().api.gpu_order(device, earlier, later))


@cache
def stream_of(device: int = 0) -> int:
    """The runtime's stream on a device: copies, programs and their results are in its order."""
    made = ctypes.c_void_p()
    runtime().check(runtime().api.gpu_stream(device, ctypes.addressof(made)))
    return made.value or 0


class DeviceMemory:
    """Bytes on a device, freed with this object, when what uses them there is done."""

    def __init__(self, size: int, device: int = 0) -> None:
        address = ctypes.c_void_p()
        self.size, self.device = size, device
        self._runtime = runtime()
        self._runtime.check(self._runtime.api.gpu_allocate(device, size, ctypes.addressof(address)))
        self.address: int = address.value or 0

    @staticmethod
    def of(array: np.ndarray[Any, Any], device: int = 0) -> DeviceMemory:
        """A copy of a NumPy array's elements."""
        array = np.ascontiguousarray(array)
        made = DeviceMemory(array.nbytes, device)
        copy(made.address, array.ctypes.data, array.nbytes, TO_DEVICE, device)
        synchronize(device)  # the array may change or go when this returns
        return made

    def to_host(self, target: np.ndarray[Any, Any]) -> None:
        """Copy to a contiguous NumPy array."""
        copy(target.ctypes.data, self.address, target.nbytes, TO_HOST, self.device)

    def __del__(self) -> None:
        if getattr(self, "address", 0):
            self._runtime.api.gpu_deallocate(self.device, self.address)


class GpuModule:
    """Kernels of a cubin on a device."""

    def __init__(self, image: bytes, kernels: Sequence[Kernel], device: int = 0) -> None:
        self._runtime = runtime()
        self.kernels = tuple(kernels)
        self.device = device
        self._maps = [(_TensorMap * len(k.tensor_maps))(*map(_tensor_map, k.tensor_maps)) for k in kernels]
        table = (_Kernel * len(kernels))(*map(_kernel, kernels, self._maps))
        content = _Bytes(ctypes.cast(ctypes.c_char_p(image), ctypes.c_void_p), len(image))
        made = ctypes.c_void_p()
        self._runtime.check(
            self._runtime.api.gpu_module_load(
                device, ctypes.addressof(content), ctypes.addressof(table), len(kernels), ctypes.addressof(made)
            )
        )
        self.handle: int = made.value or 0

    def launch(self, kernel: str, grid: Sequence[int], parameters: Sequence[Any]) -> None:
        """Launch a kernel on values of ctypes (addresses as ``c_void_p``)."""
        number = next(i for i, known in enumerate(self.kernels) if known.name == kernel)
        places = (ctypes.c_void_p * len(parameters))(*(ctypes.addressof(value) for value in parameters))
        sizes = (_I64 * 3)(*grid, *[1] * (3 - len(grid)))
        self._runtime.check(
            self._runtime.api.gpu_launch(self.handle, number, ctypes.addressof(sizes), ctypes.addressof(places))
        )

    def execute(
        self,
        entry: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        arena_bytes: int,
        *,
        straight_line: bool = False,
        stream: int = 0,
    ) -> None:
        """Run native code that launches these kernels, on addresses of device memory."""
        given = (ctypes.c_void_p * len(inputs))(*inputs)
        results = (ctypes.c_void_p * len(outputs))(*outputs)
        call = _GpuCall(
            ctypes.sizeof(_GpuCall), self.handle, entry, len(inputs), len(outputs), ctypes.addressof(given),
            ctypes.addressof(results), arena_bytes, STRAIGHT_LINE * straight_line, stream or None,
        )  # fmt: skip
        self._runtime.check(self._runtime.api.gpu_execute(self._runtime.context, ctypes.addressof(call)))

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self._runtime.api.gpu_module_release(self.handle)


def _padded(numbers: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (_I64 * MAX_RANK)(*numbers)


def _tensor_map(given: TensorMap) -> _TensorMap:
    return _TensorMap(
        given.parameter, given.element_type, len(given.sizes), _padded(given.sizes), _padded(given.strides),
        _padded(given.box), given.swizzle, given.from_parameters, given.element_bytes,
    )  # fmt: skip


def _kernel(given: Kernel, maps: ctypes.Array[_TensorMap]) -> _Kernel:
    return _Kernel(
        ctypes.sizeof(_Kernel), given.name.encode(), given.threads, given.shared_bytes, (_I64 * 3)(*given.cluster),
        OVERLAPS * given.overlaps, given.parameters, len(maps), maps, (_I64 * 3)(*given.grid),
    )  # fmt: skip


class Event:
    """A point in the device's stream."""

    def __init__(self, device: int = 0) -> None:
        self._runtime = runtime()
        made = ctypes.c_void_p()
        self._runtime.check(self._runtime.api.gpu_event_record(device, ctypes.addressof(made)))
        self.handle: int = made.value or 0

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self._runtime.api.gpu_event_release(self.handle)


def elapsed(start: Event, end: Event) -> float:
    """Milliseconds between two events; waits for the later one."""
    milliseconds = ctypes.c_double()
    runtime().check(runtime().api.gpu_event_elapsed(start.handle, end.handle, ctypes.addressof(milliseconds)))
    return milliseconds.value
