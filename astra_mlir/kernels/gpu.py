"""Kernels on arrays in a GPU's memory: compiled for the device's architecture, launched on the caller's stream.

Beside ``kernels/launch.py``, which is for the CPU and hands launches on device arrays over.  The native type
``Launches`` reads the arguments of launches whose kernel is known; here is what happens the first time, and with arrays
that are known by DLPack alone (those of JAX).
"""

from __future__ import annotations

import ctypes
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import code_cache, native, program_cache
from astra_mlir.errors import AstraError, KernelError
from astra_mlir.gpu import machine as gpu_machine
from astra_mlir.gpu import runtime as gpu_runtime
from astra_mlir.gpu.arrays import DeviceArray, is_device_array, pointer_and_type
from astra_mlir.gpu.code import DeviceCode, device_code, kernel_of
from astra_mlir.gpu.machine import Cubin, GpuMachine
from astra_mlir.language.types import DTYPES, DType, PointerType
from astra_mlir.runtime import runtime

if TYPE_CHECKING:
    from astra_mlir.kernels.decorator import Kernel
    from astra_mlir.passes.gpu.report import KernelReport, Roofline

__all__ = ["GpuKernel", "compile_kernel", "device_of", "is_on_device", "launch", "launches_of", "synchronize"]

_ALIGNMENT = 16
_INTERFACE = "__cuda_array_interface__"
_INT, _UNSIGNED, _FLOAT, _BFLOAT, _COMPLEX, _BOOL = 0, 1, 2, 4, 5, 6  # DLPack's codes of types
_PREFIXES = {_INT: "int", _UNSIGNED: "uint", _FLOAT: "float"}
_SPECIAL = {  # by code and bits
    (_BOOL, 8): "int1", (_BFLOAT, 16): "bfloat16", (10, 8): "float8e4nv", (12, 8): "float8e5",
}  # fmt: skip
_KINDS = {"i": _INT, "u": _UNSIGNED, "f": _FLOAT, "c": _COMPLEX, "b": _BOOL}  # NumPy's
_FIRST_CONSTANT = 4  # in a key of ``Launches``

Pointer = tuple[
    int, int, int, int, int, bool
]  # address, code, bits, device, stream (-1: none), whether it is read-only


# --- compiled kernels ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GpuKernel:
    """A kernel compiled for a GPU with given types and constants; made by ``kernel.compile`` and by launches.

    >>> import astra_mlir as astra, astra_mlir.language as al
    >>> @astra.kernel
    ... def double(x, n, BLOCK: al.constexpr):
    ...     i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    ...     al.store(x + i, al.load(x + i, i < n) * 2, i < n)
    >>> known = {"x": 16, "n": 16}
    >>> compiled = double.compile("cuda:sm_90a", ["*float32", "int32"], {"BLOCK": 1024}, divisibility=known)
    >>> "ld.global.v4" in compiled.ptx()
    True
    """

    code: DeviceCode
    written: frozenset[str]  # parameters whose arrays it writes to
    tile_text: bytes

    def ptx(self) -> str:
        """The PTX."""
        return self.code.ptx

    def cubin(self) -> Cubin:
        """The binary, made now or taken from the cache; raises :class:`AstraError` where there is no ptxas."""
        return self.code.cubin

    def sass(self) -> str:
        """The GPU's instructions; raises :class:`AstraError` where there is no disassembler."""
        return gpu_machine.disassemble(self.cubin().data)

    def report(self) -> KernelReport:
        """Registers, spills, shared memory, threads, and how many programs fit on a multiprocessor at once."""
        return self.code.reports()[0]

    def roofline(self, flops: float, bytes_moved: float, kind: str = "f16") -> Roofline:
        """The least time that so much work takes on the GPU compiled for; ``kind`` as in ``gpu.report.roofline``."""
        from astra_mlir.passes.gpu.report import roofline
        from astra_mlir.passes.gpu.target import gpu_target_named

        return roofline(gpu_target_named(str(self.code.machine)), flops, bytes_moved, kind)


def compile_kernel(
    kernel: Kernel,
    target: str | GpuMachine,
    types: Mapping[str, DType | PointerType] | Sequence[Any],
    constants: Mapping[str, Any],
    *,
    num_warps: int = 4,
    num_stages: int = 3,
    divisibility: Mapping[str, int] | None = None,
    ones: Sequence[str] = (),
) -> GpuKernel:
    """See ``Kernel.compile``."""
    from astra_mlir.kernels.launch import _context, _named

    machine = target if isinstance(target, GpuMachine) else GpuMachine.parse(target)
    divisibility = dict(divisibility or {})
    described = sorted(types.items(), key=lambda item: item[0]) if isinstance(types, Mapping) else list(types)
    key = code_cache.key_of(
        "gpu kernel", program_cache.compiler_hash(), kernel.key(), repr([str(kind) for kind in described]),
        _named(constants), repr((num_warps, num_stages, sorted(divisibility.items()), list(ones))), str(machine),
    )  # fmt: skip
    kept = code_cache.load(key)
    if kept is None:
        name = kernel.name if kernel.name.isascii() else "kernel"
        module = kernel.trace(
            _context(), types, constants, name=name, num_warps=num_warps, num_stages=num_stages,
            divisibility=divisibility, ones=ones,
        )  # fmt: skip
        written = _written_names(kernel, types, constants, module)
        tile_text = _bytecode(module)
        code = device_code(tile_text, [name], machine)
        head = {"written": sorted(written), "launch": asdict(code.launches[0])}
        kept = [json.dumps(head).encode(), code.ptx.encode(), tile_text]
        code_cache.store(key, kept)
    head = json.loads(kept[0])
    code = DeviceCode(kept[1].decode(), (kernel_of(head["launch"]),), machine)
    return GpuKernel(code, frozenset(head["written"]), kept[2])


def _written_names(kernel: Kernel, types: Any, constants: Mapping[str, Any], module: Any) -> list[str]:
    from astra_mlir.kernels.launch import _written

    if isinstance(types, Mapping):
        names = [p.name for p in kernel.parameters if p.name in types]
    else:
        names = [p.name for p in kernel.parameters if p.name not in constants and not p.is_constexpr]
    return [names[number] for number in _written(module)]


def _bytecode(module: Any) -> bytes:
    from astra_mlir.gpu.compiler import bytecode

    return bytecode(module)


# --- arguments -------------------------------------------------------------------------------------------------------


def is_on_device(value: Any) -> bool:
    """Whether a value is an array in a GPU's memory, by either protocol."""
    if isinstance(value, np.ndarray | np.generic | bool | int | float):
        return False
    return is_device_array(value) or getattr(value, _INTERFACE, None) is not None


def device_of(values: Sequence[Any]) -> int | None:
    """The device of the first array on one; None where there is none."""
    return next((_pointer("", value)[3] for value in values if is_on_device(value)), None)


def _pointer(name: str, value: Any) -> Pointer:
    """Where an array lies, its element type, device, and the stream it was made on."""
    if isinstance(value, DeviceArray):
        address, code, bits, device = pointer_and_type(value)
        return address, code, bits, device, gpu_runtime.stream_of(device), False
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(value, jax.Array):
        value.block_until_ready()  # its streams are JAX's own
    interface = getattr(value, _INTERFACE, None) if jax is None or not isinstance(value, jax.Array) else None
    if interface is not None:
        return _of_interface(name, interface)
    address, code, bits, device = pointer_and_type(value)
    return address, code, bits, device, -1, False


def _of_interface(name: str, table: Mapping[str, Any]) -> Pointer:
    if table.get("mask") is not None:
        raise KernelError(f"argument '{name}' is a masked array, which kernels do not take")
    text, (address, read_only) = table["typestr"], table["data"]
    dtype = np.dtype(text)
    if dtype.kind not in _KINDS or text[0] == ">":
        raise KernelError(f"argument '{name}': kernels have no elements of type '{text}'")
    stream = table.get("stream")
    if stream == 0:
        raise KernelError(f"argument '{name}': its __cuda_array_interface__ names stream 0, which may be any")
    found = ctypes.c_int64(-1)
    if address and runtime().api.gpu_pointer_device(address, ctypes.addressof(found)):
        raise KernelError(f"argument '{name}': its address, {address:#x}, is in no GPU's memory")
    code, bits = _KINDS[dtype.kind], 8 * dtype.itemsize
    return address, code, bits, found.value, -1 if stream is None else int(stream), bool(read_only)


def _given(kernel: Kernel, bound: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as ``Launches`` reads them; raises :class:`KernelError` for those that do not go together."""
    made: dict[str, Any] = {}
    places: dict[str, str] = {}
    for parameter in kernel.parameters:
        name, value = parameter.name, bound[parameter.name]
        if parameter.is_constexpr or value is None or isinstance(value, bool | int | float | np.generic):
            made[name] = value
        elif is_on_device(value):
            made[name] = _pointer(name, value)
            if made[name][3] >= 0:
                places[name] = f"device {made[name][3]}"
        elif hasattr(value, "shape"):
            places[name] = "the host"
        else:
            raise KernelError(
                f"argument '{name}' is {type(value).__name__}: kernels take arrays and numbers; what is known at"
                f" compile time is declared '{name}: al.constexpr'"
            )
    if len(set(places.values())) > 1:
        said = ", ".join(f"'{name}' on {place}" for name, place in places.items())
        raise KernelError(f"kernel '{kernel.name}': all arrays have to be on one device, but are {said}")
    return made


def _type_of(name: str, kind: bytes) -> DType | PointerType:
    what, code, bits, _ = kind
    text = _SPECIAL.get((code, bits), f"{_PREFIXES.get(code, 'complex')}{bits}")
    if text not in DTYPES:
        raise KernelError(f"argument '{name}': kernels have no elements of type {text}")
    return PointerType(DTYPES[text]) if what == ord("p") else DTYPES[text]


# --- launches --------------------------------------------------------------------------------------------------------


def launches_of(kernel: Kernel) -> native.Launches:
    """The native launches of a kernel."""
    described = tuple(
        (p.name, p.is_constexpr, p.default) if p.has_default else (p.name, p.is_constexpr) for p in kernel.parameters
    )
    return native.Launches(described, _check)


def _check(status: int) -> None:
    runtime().check(status)


def _connect(values: Sequence[Any]) -> None:
    """PyTorch's tensors are read natively once its table is known."""
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(value, torch.Tensor) for value in values):
        from astra_mlir.torch_frontend import functions as torch_functions

        torch_functions._connect()


def launch(kernel: Kernel, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Launch on device arrays: with code for their device, which is compiled if it is not known."""
    from astra_mlir.kernels.launch import LAUNCH_OPTIONS, bind, grid_of

    own = {p.name for p in kernel.parameters}
    options = {name: value for name, value in kwargs.items() if name in {*LAUNCH_OPTIONS, "stream"} - own}
    bound = bind(kernel, args, {name: value for name, value in kwargs.items() if name not in options})
    _connect(list(bound.values()))
    given = _given(kernel, bound)
    sizes = grid_of(grid, bound)
    keywords = {**given, **options}
    found = kernel.launches.launch(sizes, (), keywords)
    if isinstance(found, tuple):
        _add(kernel, found)
        found = kernel.launches.launch(sizes, (), keywords)
    if found is not True:
        _refuse(kernel, given)
    if any(_is_jax(value) for value in bound.values()):
        synchronize(given, options.get("stream"))


def _refuse(kernel: Kernel, given: Mapping[str, Any]) -> None:
    for parameter in kernel.parameters:
        value = given[parameter.name]
        if type(value) is tuple and not parameter.is_constexpr and value[5]:
            raise KernelError(f"kernel '{kernel.name}' writes to argument '{parameter.name}', which is read-only")
        if parameter.is_constexpr and type(value).__hash__ is None:
            raise KernelError(f"kernel '{kernel.name}': the constant '{parameter.name}' has no hash")
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise KernelError(f"argument '{parameter.name}': {value} does not fit into 64 bits")
    raise KernelError(
        f"kernel '{kernel.name}' has no array on a device, or one of a type that it cannot be launched on"
    )


def _is_jax(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def synchronize(given: Mapping[str, Any], stream: Any = None) -> None:
    """Wait for a launch on pointers: what JAX does next with its arrays is on streams of its own."""
    device = next((value[3] for value in given.values() if type(value) is tuple and len(value) == 6), 0)
    streams = [value[4] for value in given.values() if type(value) is tuple and len(value) == 6 and value[4] > 1]
    address = stream if isinstance(stream, int) else getattr(stream, "cuda_stream", getattr(stream, "ptr", 0))
    chosen = address or (streams[0] if streams else 0)
    runtime().check(runtime().api.gpu_wait(device, chosen if chosen > 1 else None))


def _add(kernel: Kernel, key: tuple[Any, ...]) -> None:
    """Compile what a key of ``Launches`` asks for."""
    described, device, num_warps, num_stages = key[:_FIRST_CONSTANT]
    constants_left = list(key[_FIRST_CONSTANT:])
    types: dict[str, DType | PointerType] = {}
    constants: dict[str, Any] = {}
    ones, divisible = [], {}
    for number, parameter in enumerate(kernel.parameters):
        kind = described[4 * number : 4 * number + 4]
        if kind[0] == ord("c"):
            constants[parameter.name] = constants_left.pop(0)
            continue
        types[parameter.name] = _type_of(parameter.name, kind)
        if kind[3] == 1:
            ones.append(parameter.name)
        elif kind[3] == _ALIGNMENT:
            divisible[parameter.name] = _ALIGNMENT
    options = {
        "num_warps": 4 if num_warps is None else num_warps,
        "num_stages": 3 if num_stages is None else num_stages,
    }
    info = gpu_runtime.device_info(device)
    machine = machine_of(info)
    compiled = compile_kernel(kernel, machine, types, constants, ones=ones, divisibility=divisible, **options)
    module, kept = _module(compiled, device, info.is_emulated)
    written = bytes(p.name in compiled.written for p in kernel.parameters)
    kernel.launches.add(key, module.handle, 0, written, tuple(kernel.watched()), (module, kept))


def _module(compiled: GpuKernel, device: int, emulated: bool) -> tuple[gpu_runtime.GpuModule, Any]:
    kept: Any = None
    launches: Sequence[gpu_runtime.Kernel] = compiled.code.launches
    if emulated:
        from astra_mlir.gpu.emulation import emulated_code

        image, launches, kept = emulated_code(compiled.tile_text, [launches[0].name])
    else:
        image = compiled.cubin().data
    return gpu_runtime.GpuModule(image, launches, device), kept


@functools.cache
def machine_of(info: gpu_runtime.DeviceInfo) -> GpuMachine:
    """The architecture to compile for on a device; raises :class:`AstraError` where there is none."""
    machine = GpuMachine.for_capability(info.capability)
    if machine is None:
        has = f"{info.capability // 10}.{info.capability % 10}"
        raise AstraError(f"{info.name} is of compute capability {has}, which Astra does not generate code for")
    return machine
