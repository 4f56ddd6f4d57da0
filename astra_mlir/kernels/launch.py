"""Launches of kernels on arrays in this process's memory: compiled once for each set of types and constants, in place.

Above ``kernels/decorator.py``.  The tile function goes through ``astra-tile-cpu-pipeline`` and LLVM; the machine code
is kept in memory and on disk by the kernel's source, the arguments' types and the constants.  Arrays of NumPy, JAX and
PyTorch are read and written where they lie.
"""

from __future__ import annotations

import array
import ctypes
import json
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import code_cache, config, program_cache, target_machine
from astra_mlir.errors import KernelError
from astra_mlir.gpu.arrays import is_device_array
from astra_mlir.kernels import gpu as kernel_gpu
from astra_mlir.kernels.gpu import is_on_device
from astra_mlir.language.function import KernelFunction
from astra_mlir.language.types import DTYPES, DType, PointerType, dtype_of
from astra_mlir.runtime import Call, runtime, thread_override
from astra_mlir.target_machine import CodegenOptions, TargetMachine

if TYPE_CHECKING:
    from astra_mlir.bindings import ir
    from astra_mlir.kernels.decorator import Kernel

__all__ = ["Argument", "Compiled", "bound_arguments", "compiled", "entry_text", "grid_of", "launch", "lowered"]

LAUNCH_OPTIONS = {"num_warps": 4, "num_stages": 3}
LOG_RECORDS = 1 << 16  # of device_print and device_assert, a launch


# --- arguments ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Argument:
    """An argument that is known when the kernel runs: its type and, of an array, where it lies; else its value."""

    name: str
    kind: DType | PointerType
    value: Any
    address: int = 0
    nbytes: int = 0
    writeable: bool = True


_INTEGERS = ((DTYPES["int32"], -(1 << 31), 1 << 31), (DTYPES["int64"], -(1 << 63), 1 << 63))


def _number_type(name: str, value: Any) -> DType:
    if isinstance(value, bool | np.bool_):
        return DTYPES["int1"]
    if isinstance(value, np.generic):
        return dtype_of(value.dtype)
    if isinstance(value, float):
        return DTYPES["float32"]
    for kind, low, high in _INTEGERS:
        if low <= value < high:
            return kind
    raise KernelError(f"argument '{name}': {value} does not fit into 64 bits")


def _numpy(name: str, value: np.ndarray[Any, Any]) -> Argument:
    try:
        kind = PointerType(dtype_of(value.dtype))
    except KeyError:
        raise KernelError(f"argument '{name}': kernels have no elements of type {value.dtype}") from None
    low, high = np.lib.array_utils.byte_bounds(value) if value.size else (value.ctypes.data,) * 2
    del low
    address = value.ctypes.data
    return Argument(name, kind, value, address, high - address, value.flags.writeable)


def _torch(name: str, value: Any) -> Argument:
    if value.device.type == "cuda":
        raise _OnDevice
    if value.device.type != "cpu":
        raise KernelError(f"argument '{name}' is on {value.device}: kernels run on CPUs and NVIDIA GPUs")
    text = str(value.dtype).removeprefix("torch.")
    text = {"bool": "int1", "float8_e4m3fn": "float8e4nv", "float8_e5m2": "float8e5"}.get(text, text)
    if text not in DTYPES:
        raise KernelError(f"argument '{name}': kernels have no elements of type {value.dtype}")
    span = sum((size - 1) * stride for size, stride in zip(value.shape, value.stride(), strict=True)) + 1
    return Argument(name, PointerType(DTYPES[text]), value, value.data_ptr(), span * value.element_size())


def _jax(name: str, value: Any) -> Argument:
    from astra_mlir.jax_frontend.arrays import pointer_of

    address = pointer_of(value)
    if address is None and is_device_array(value):
        raise _OnDevice
    if address is None:
        raise KernelError(f"argument '{name}' is not one row-major array in the CPU's memory")
    return Argument(name, PointerType(dtype_of(value.dtype)), value, address, value.nbytes)


def _argument(name: str, value: Any) -> Argument:
    if isinstance(value, bool | int | float | np.generic):
        return Argument(name, _number_type(name, value), value)
    if isinstance(value, np.ndarray):
        return _numpy(name, value)
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and isinstance(value, torch.Tensor):
        return _torch(name, value)
    if jax is not None and isinstance(value, jax.Array):
        return _jax(name, value)
    if is_on_device(value):
        raise _OnDevice
    raise KernelError(
        f"argument '{name}' is {type(value).__name__}: kernels take arrays and numbers; what is known at compile"
        f" time is declared '{name}: al.constexpr'"
    )


class _OnDevice(Exception):
    """An argument is in a GPU's memory."""


def bind(kernel: Kernel, args: Sequence[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a launch by their names, defaults among them; raises :class:`KernelError`."""
    try:
        bound = kernel.signature.bind(*args, **given)
    except TypeError as error:
        raise KernelError(f"kernel '{kernel.name}': {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def bound_arguments(
    kernel: Kernel, args: Sequence[Any], kwargs: Mapping[str, Any], make: Callable[[str, Any], Any] = _argument
) -> tuple[list[Any], dict[str, Any], dict[str, int]]:
    """The arguments that are known when the kernel runs, its constants, and the options of the launch."""
    options = {name: int(kwargs.get(name, default)) for name, default in LAUNCH_OPTIONS.items()}
    bound = bind(kernel, args, {name: value for name, value in kwargs.items() if name not in LAUNCH_OPTIONS})
    arguments, constants = [], {}
    for parameter in kernel.parameters:
        value = bound[parameter.name]
        if parameter.is_constexpr or value is None:
            constants[parameter.name] = value
        else:
            arguments.append(make(parameter.name, value))
    return arguments, constants, options


def grid_of(grid: Any, meta: Mapping[str, Any]) -> tuple[int, int, int]:
    """The three sizes of a grid: a tuple, a number, or a function of the launch's arguments by name."""
    found = grid(meta) if callable(grid) else grid
    sizes = [found] if isinstance(found, int | np.integer) else list(found)
    if not 1 <= len(sizes) <= 3 or not all(isinstance(size, int | np.integer) and size >= 0 for size in sizes):
        raise KernelError(f"a grid is one to three sizes, not {found!r}")
    x, y, z = (*map(int, sizes), 1, 1)[:3]
    return x, y, z


def _overlap(arguments: Sequence[Argument]) -> bool:
    """Whether two arrays share memory."""
    spans = sorted((a.address, a.address + a.nbytes) for a in arguments if isinstance(a.kind, PointerType))
    return any(first[1] > second[0] for first, second in pairwise(spans))


# --- compiling ---------------------------------------------------------------------------------------------------


class Compiled:
    """The machine code of a kernel for one set of types and constants."""

    def __init__(self, objects: list[bytes], messages: list[str], written: list[int]) -> None:
        self.objects = objects
        self.messages = messages
        self.written = set(written)
        self.code = target_machine.load(objects)
        self.entry = self.code.address("astra_entry_launch")


def _named(constants: Mapping[str, Any]) -> str:
    """Constants as part of a key: kernel functions by their sources."""
    return repr([(n, v.key() if isinstance(v, KernelFunction) else repr(v)) for n, v in sorted(constants.items())])


_memory: dict[tuple[Any, ...], Compiled] = {}


def lowered(
    kernel: Kernel, arguments: Sequence[Argument], constants: dict[str, Any], context: ir.Context, **options: Any
) -> ir.Module:
    """The module of a launch, before its passes: the tile function and ``@launch``, which the native call enters."""
    from astra_mlir.bindings import ir
    from astra_mlir.passes.target import TARGET_ATTRIBUTE
    from astra_mlir.passes.tile_to_loops import LOG_ATTRIBUTE, NO_ALIAS_ATTRIBUTE

    no_alias = options.pop("no_alias", False)
    machine = options.pop("machine")
    types = {a.name: a.kind for a in arguments}
    ones = [a.name for a in arguments if isinstance(a.value, int) and not isinstance(a.value, bool) and a.value == 1]
    module = kernel.trace(context, types, constants, name="kernel", ones=ones, **options)
    with context, ir.Location.unknown():
        (func,) = module.body.operations
        text = str(module)
        logs = '"astra.tile_print"' in text or '"astra.tile_assert"' in text
        if logs:
            func.operation.attributes[LOG_ATTRIBUTE] = ir.UnitAttr.get()
        if no_alias:
            func.operation.attributes[NO_ALIAS_ATTRIBUTE] = ir.UnitAttr.get()
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(machine.schedule)
        kinds = [str(argument.type) for argument in func.operation.regions[0].blocks[0].arguments]
    entry = ir.Module.parse(entry_text("kernel", "launch", kinds, logs), context)
    for op in entry.body.operations:
        if op.operation.attributes["sym_name"].value == "launch":  # not the declaration of the kernel
            module.body.append(op.operation.clone())
    return module


def entry_text(kernel: str, name: str, kinds: Sequence[str], logs: bool = False) -> str:
    """The function that a native call enters: takes the grid and each argument by its address."""
    parameters, body, passed = ["%grid: memref<3xi64>"], [], []
    for axis in range(3):
        body += [
            f"%a{axis} = arith.constant {axis} : index",
            f"%l{axis} = memref.load %grid[%a{axis}] : memref<3xi64>",
            f"%g{axis} = arith.index_cast %l{axis} : i64 to index",
        ]
        passed.append((f"%g{axis}", "index"))
    body.append("%many = arith.constant 9223372036854775807 : index")
    for i, kind in enumerate([*kinds, *["memref<?xi64>"] * logs]):
        if kind.startswith("memref"):
            static = kind.replace("?", "1")
            body.append(
                f"%v{i} = memref.reinterpret_cast %p{i} to offset: [0], sizes: [%many], strides: [1]"
                f" : {static} to {kind}"
            )
        else:
            stored = "i8" if kind == "i1" else kind
            static = f"memref<1x{stored}>"
            body.append(f"%{'b' if kind == 'i1' else 'v'}{i} = memref.load %p{i}[%a0] : {static}")
            if kind == "i1":
                body.append(f"%v{i} = arith.trunci %b{i} : i8 to i1")
        parameters.append(f"%p{i}: {static}")
        passed.append((f"%v{i}", kind))
    types = ", ".join(kind for _, kind in passed)
    count = len(parameters)
    return f"""
func.func private @{kernel}({types})
func.func @{name}({", ".join(parameters)}, %arena: memref<1xi8>) attributes {{llvm.bareptr,
    astra.num_inputs = {count} : i64, astra.num_outputs = 0 : i64, astra.num_constants = 0 : i64}} {{
  {chr(10).join(body)}
  func.call @{kernel}({", ".join(name for name, _ in passed)}) : ({types}) -> ()
  return
}}
"""


def _written(module: ir.Module) -> list[int]:
    """The arguments that a kernel writes to."""
    from astra_mlir.bindings import ir
    from astra_mlir.passes.traversal import walk

    block = module.body.operations[0].operation.regions[0].blocks[0]
    found = set()
    for op in walk(block):
        if op.name in ("astra.tile_store", "astra.tile_block_store", "astra.tile_atomic", "astra.tile_atomic_cas"):
            found.add(ir.BlockArgument(op.operands[op.name == "astra.tile_block_store"]).arg_number)
    return sorted(found)


@cache
def _context() -> ir.Context:
    from astra_mlir.bindings import make_context

    return make_context()


def _compile(
    kernel: Kernel, arguments: Sequence[Argument], constants: dict[str, Any], no_alias: bool, options: dict[str, int]
) -> Compiled:
    from astra_mlir.bindings import ir, translate_to_llvm_ir
    from astra_mlir.passes import run_pipeline
    from astra_mlir.passes.tile_to_loops import MESSAGES_ATTRIBUTE

    machine, codegen = TargetMachine.parse(config.target.get()), CodegenOptions.default()
    described = [(a.name, str(a.kind), isinstance(a.value, int) and a.value == 1) for a in arguments]
    key = code_cache.key_of(
        "kernel", program_cache.compiler_hash(), kernel.key(), repr(described), _named(constants),
        repr((no_alias, options)), str(machine), f"{codegen.level} {codegen.slp}",
    )  # fmt: skip
    kept = code_cache.load(key)
    if kept is None:
        module = lowered(kernel, arguments, dict(constants), _context(), no_alias=no_alias, machine=machine, **options)
        written = _written(module)
        run_pipeline(module, "astra-tile-cpu-pipeline", verify=config.verify_passes.get())
        with module.context:
            attributes = module.operation.attributes
            messages = []
            if MESSAGES_ATTRIBUTE in attributes:
                messages = [ir.StringAttr(text).value for text in attributes[MESSAGES_ATTRIBUTE]]
            text = translate_to_llvm_ir(module)
        objects = target_machine.object_code(text, machine, codegen, whole=True)
        kept = [json.dumps([messages, written]).encode(), *objects]
        code_cache.store(key, kept)
    messages, written = json.loads(kept[0])
    return Compiled(kept[1:], messages, written)


def compiled(
    kernel: Kernel, arguments: Sequence[Argument], constants: dict[str, Any], options: dict[str, int]
) -> Compiled:
    """The kernel's code for these arguments, made now if it is not kept."""
    no_alias = not _overlap(arguments)
    ones = tuple(type(a.value) is int and a.value == 1 for a in arguments)
    key = (
        kernel, kernel.key(), tuple(a.kind for a in arguments), ones, _named(constants), no_alias,
        tuple(options.values()), config.target.get(),
    )  # fmt: skip
    if key not in _memory:
        _memory[key] = _compile(kernel, arguments, constants, no_alias, options)
    return _memory[key]


# --- running -----------------------------------------------------------------------------------------------------


def _stored(argument: Argument) -> bytes:
    """A number as it lies in memory."""
    kind = argument.kind
    assert isinstance(kind, DType)
    if kind.is_float:
        if kind.width in (32, 64):
            return struct.pack("<f" if kind.width == 32 else "<d", float(argument.value))
        return bytes(np.asarray(argument.value).tobytes())
    return (int(argument.value) & ((1 << max(kind.width, 8)) - 1)).to_bytes(max(1, kind.width // 8), "little")


def launch(kernel: Kernel, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Run a kernel's programs on arrays, in place; see :func:`astra.kernel`."""
    on_device = "stream" in kwargs and "stream" not in kernel.signature.parameters
    if not on_device:
        try:
            arguments, constants, options = bound_arguments(kernel, args, kwargs)
        except _OnDevice:
            on_device = True
    if on_device:
        return kernel_gpu.launch(kernel, grid, args, kwargs)
    meta = {**{a.name: a.value for a in arguments}, **constants}
    sizes = grid_of(grid, meta)
    code = compiled(kernel, arguments, constants, options)
    for number in code.written:
        if not arguments[number].writeable:
            raise KernelError(
                f"kernel '{kernel.name}' writes to argument '{arguments[number].name}', which is read-only"
            )
    if 0 in sizes:
        return None
    run(code, sizes, arguments)
    return None


def run(code: Compiled, sizes: tuple[int, int, int], arguments: Sequence[Argument]) -> None:
    """Call compiled code."""
    keep: list[Any] = [array.array("q", sizes)]
    pointers = [keep[0].buffer_info()[0]]
    for argument in arguments:
        if isinstance(argument.kind, PointerType):
            pointers.append(argument.address)
        else:
            cell = ctypes.create_string_buffer(_stored(argument), 8)
            keep.append(cell)
            pointers.append(ctypes.addressof(cell))
    log = None
    if code.messages:
        log = np.zeros(2 + 4 * LOG_RECORDS, np.int64)
        log[1] = LOG_RECORDS
        pointers.append(log.ctypes.data)
    inputs = array.array("q", pointers)
    native = runtime()
    call = Call(
        struct_size=ctypes.sizeof(Call), entry=code.entry, inputs=inputs.buffer_info()[0], outputs=0, arena_bytes=0,
        num_threads=thread_override.get(), team=None, participant=0,
    )  # fmt: skip
    native.execute(ctypes.addressof(call))
    if log is not None and log[0]:
        _report(code.messages, log, sizes)


def _report(messages: Sequence[str], log: np.ndarray[Any, Any], sizes: tuple[int, int, int]) -> None:
    """Print what the kernel printed, in the order of programs; raise for a condition that did not hold."""
    count = min(int(log[0]), LOG_RECORDS)
    records = log[2 : 2 + 4 * count].reshape(count, 4)
    records = records[np.argsort(records[:, 1], kind="stable")]
    failed: str | None = None
    for message, program, element, bits in records.tolist():
        name, place, kind, shape, _, text = messages[message].split("\0")
        x, y, z = program % sizes[0], program // sizes[0] % sizes[1], program // (sizes[0] * sizes[1])
        index = np.unravel_index(element, tuple(map(int, shape.split("x")))) if shape else ()
        at = f"program ({x}, {y}, {z})" + f", element ({', '.join(map(str, index))})" * bool(index)
        if name == "astra.tile_assert":
            failed = failed or f"{place}: {text} (in {at})"
            continue
        value = {
            "float": lambda bits: repr(struct.unpack("<d", struct.pack("<q", bits))[0]),
            "uint": lambda bits: str(bits & ((1 << 64) - 1)),
            "bool": lambda bits: str(bool(bits)),
            "none": lambda bits: "",
        }.get(kind, str)(bits)
        print(f"{at}: {text}{value}")
    if int(log[0]) > LOG_RECORDS:
        print(f"... and {int(log[0]) - LOG_RECORDS} more lines")
    if failed is not None:
        raise KernelError(failed)
