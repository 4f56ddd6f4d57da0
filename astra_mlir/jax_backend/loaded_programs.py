"""Programs that JAX's runtime asks the backend to compile: from PJRT's bytes to machine code and back to bytes.

Between ``jax_backend/plugin.py``, which the native plugin calls, and the compile driver.  A program stays here, under a
number, until the plugin gives it back.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import json
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from astra_mlir import code_cache, compiler, program_cache
from astra_mlir.call_targets import PJRT_TYPES, asks_this_process, is_known, names_this_process
from astra_mlir.errors import AstraError, InvalidProgramError, UnsupportedError
from astra_mlir.executable import Executable
from astra_mlir.jax_frontend.callbacks import called_by
from astra_mlir.program import Program
from astra_mlir.program_cache import CompiledProgram, compiler_hash

__all__ = ["calls_python", "compile_into", "costs", "deserialize_into", "release", "serialized"]

# A program that touches more than this runs beside its caller, not before the call returns.
_ASYNCHRONOUS_BYTES = 1 << 20

_numbers = itertools.count(1)
# As in runtime/pjrt/client.cpp; the first is the default.
MEMORY_KINDS = ("device", "pinned_host", "unpinned_host")

_programs: dict[int, _Loaded] = {}
_with_callbacks: set[bytes] = set()


@dataclass
class _Loaded:
    """An executable, how JAX described it, and what must live with it: callbacks, and what the plugin reads."""

    executable: Executable
    donated: tuple[int, ...]
    memory_kinds: list[str]
    name: str
    code: bytes
    options: bytes
    held: list[Any]
    described: bytes = b""  # for JAX to look at, where it is not `code`
    data: bytes = b""

    @cached_property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.code + self.options).hexdigest().encode()


def compile_into(out: Any, code: bytes, options: bytes) -> None:
    """Compile a portable artifact (or MLIR text) and fill in the structure of the plugin."""
    devices = _devices(options)
    head, data, described = _read_kept(code, *devices.shape)
    description = json.loads(head)
    name = description["name"]
    for target in description["targets"]:
        is_known(target)  # registers it, where the machine code is that of another process
    executable = compiler.compile_program(Program(data, name=name))
    donated, held = _taken_over(description, executable), [called_by(code)]
    loaded = _Loaded(executable, donated, description["memory_kinds"], name, code, options, held, described)
    if names_this_process(code):
        _with_callbacks.add(loaded.fingerprint)
    _fill(out, loaded, devices)


def _taken_over(description: dict[str, Any], executable: Executable) -> tuple[int, ...]:
    """The arguments that a program takes over: of those merely offered to it, one for each result of its size."""
    signature = executable.signature
    inputs, outputs = ([spec.nbytes for spec in specs] for specs in (signature.inputs, signature.outputs))
    donated = list(description["donated"])
    places = Counter(outputs) - Counter(inputs[i] for i in donated)
    for i in description["offered"]:
        if places[inputs[i]] > 0:
            places[inputs[i]] -= 1
            donated.append(i)
    return tuple(donated)


def _key_of_read(code: bytes, num_replicas: int, num_partitions: int) -> str:
    return code_cache.key_of("backend program", code, f"{num_replicas}x{num_partitions}", compiler_hash())


def _read_kept(code: bytes, num_replicas: int, num_partitions: int) -> list[bytes]:
    if num_replicas * num_partitions > 1 and asks_this_process(code):  # by keys that may be used again
        return _read(code, num_replicas, num_partitions)
    return code_cache.kept(
        _key_of_read(code, num_replicas, num_partitions),
        lambda: _read(code, num_replicas, num_partitions),
        on_disk=not names_this_process(code),
    )


def _memory_kinds(code: bytes) -> list[str]:
    """In which memory of its device a program wants each result; empty where it does not say."""
    if b"mhlo.memory_kind" not in code:
        return []
    from astra_mlir.jax_frontend.shardings import result_attributes

    kinds = [kind or MEMORY_KINDS[0] for kind in result_attributes(code, "mhlo.memory_kind")]
    for kind in kinds:
        if kind not in MEMORY_KINDS:
            raise UnsupportedError(f"a result in memory {kind!r}: a device of Astra has {', '.join(MEMORY_KINDS)}")
    return kinds


def calls_python(fingerprint: bytes) -> bool:
    """Whether a program of this fingerprint calls functions of this process, and can be of no use to another."""
    return fingerprint in _with_callbacks


def _read(code: bytes, num_replicas: int, num_partitions: int) -> list[bytes]:
    """What a program is called, what it takes over and calls by name; the program as the compiler takes it; and as JAX
    reads it, where that is another than JAX gave.

    The compiler takes it without shardings, as the program of each device where there are several, and with arrays
    without elements for the tokens of ordered effects, as JAX passes them.  All of this comes seldom, so the program is
    as JAX gave it most of the time.
    """
    from astra_mlir.bindings import ir, make_context
    from astra_mlir.passes.import_rules.tokens import replace_tokens, takes_tokens
    from astra_mlir.passes.traversal import walk

    kinds, described = _memory_kinds(code), b""
    if num_replicas * num_partitions > 1:
        from astra_mlir.partition.programs import partition

        partitioned = partition(code, num_replicas, num_partitions)
        code, described = partitioned.code, partitioned.described
    elif b"sdy" in code:
        from astra_mlir.jax_frontend.shardings import without_shardings

        code = without_shardings(code)

    def symbol(op: ir.Operation) -> str:
        return ir.StringAttr(op.attributes["sym_name"]).value if "sym_name" in op.attributes else ""

    context = make_context()
    module = Program(code).read(context)
    donated: list[int] = []
    offered: list[int] = []
    for op in module.body.operations:
        if symbol(op.operation) == "main" and "arg_attrs" in op.operation.attributes:
            given = [ir.DictAttr(attribute) for attribute in ir.ArrayAttr(op.operation.attributes["arg_attrs"])]
            donated = [i for i, a in enumerate(given) if "tf.aliasing_output" in a]
            offered = [i for i, a in enumerate(given) if "jax.buffer_donor" in a and i not in donated]
    calls = (op for op in walk(module.body) if op.name == "stablehlo.custom_call") if b"custom_call" in code else ()
    targets = sorted({ir.StringAttr(op.attributes["call_target_name"]).value for op in calls})
    name = symbol(module.operation) or "main"
    head = json.dumps(
        {"name": name, "donated": donated, "offered": offered, "targets": targets, "memory_kinds": kinds}
    ).encode()
    if takes_tokens(module.operation):
        with context, ir.Location.unknown():
            replace_tokens(module.operation)
        code = Program.from_module(module).data
    return [head, code, described]


@cache
def _check_overrides(overrides: tuple[tuple[str, Any], ...]) -> None:
    """Compiler options by name are XLA's: its own backend says whether it knows them.  They change nothing here."""
    import jax
    from jaxlib import xla_client

    options = xla_client.CompileOptions()
    options.env_option_overrides = list(overrides)
    cpu = jax.local_devices(backend="cpu")[0]
    program = b"module { func.func @main() { return } }"
    try:
        cpu.client.compile_and_load(program, xla_client.DeviceList((cpu,)), options)
    except jax.errors.JaxRuntimeError as error:
        raise InvalidProgramError(str(error).removeprefix("INVALID_ARGUMENT: ")) from None


@lru_cache(maxsize=1024)
def _devices(options: bytes) -> np.ndarray[Any, Any]:
    """The numbers of the devices ``[replica, partition]`` of a serialized CompileOptionsProto."""
    from jaxlib import xla_client

    parsed = xla_client.CompileOptions.ParseFromString(options)
    shape = max(1, parsed.num_replicas), max(1, parsed.num_partitions)
    if parsed.env_option_overrides:
        _check_overrides(tuple(parsed.env_option_overrides))
    if parsed.device_assignment is None:
        return np.arange(shape[0] * shape[1]).reshape(shape)
    return _assigned(parsed.device_assignment.serialize())


def _assigned(data: bytes) -> np.ndarray[Any, Any]:
    """The numbers of a DeviceAssignmentProto, as :func:`_devices` gives them."""
    # computation_devices (field 3) is a message for each partition; its field 1 has a number for each replica, packed
    # or one by one.
    columns = []
    for field, message in _fields(data):
        if field == 3:
            given = [[value] if isinstance(value, int) else _varints(value) for n, value in _fields(message) if n == 1]
            columns.append([number for numbers in given for number in numbers])
    return np.array(columns, np.int64).T


def _varints(data: bytes) -> list[int]:
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value, shift = 0, 0
    return numbers


def _fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a protocol buffer message, varints as numbers and what has a length as bytes."""
    found: list[tuple[int, Any]] = []
    i = 0

    def varint() -> int:
        nonlocal i
        value = shift = 0
        while True:
            byte = data[i]
            i += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while i < len(data):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
        elif key & 7 == 2:
            size = varint()
            found.append((key >> 3, data[i : i + size]))
            i += size
        else:
            raise AstraError(f"unexpected wire type {key & 7} in a device assignment")
    return found


def _fill(out: Any, loaded: _Loaded, devices: np.ndarray[Any, Any]) -> None:
    """Describe a program to the plugin, which copies everything but the constants and the code."""
    executable, signature = loaded.executable, loaded.executable.signature

    def array(kind: Any, values: Sequence[Any]) -> Any:
        values = list(values)
        made = (kind * max(1, len(values)))(*values)
        loaded.held.append(made)
        return made

    donated = [int(i in loaded.donated) for i in range(len(signature.inputs))]
    pointers = [constant.ctypes.data for constant in executable.constants]
    handle = next(_numbers)
    fingerprint, name = loaded.fingerprint, loaded.name.encode()
    loaded.held.append(name)
    sizes = [spec.nbytes for spec in (*signature.inputs, *signature.outputs)]
    out.handle = handle
    out.entry = executable.entry_address
    out.arena_bytes = executable.arena_bytes
    out.num_inputs = len(signature.inputs)
    out.argument_bytes = sum(spec.nbytes for spec in signature.inputs)
    out.donated = array(ctypes.c_uint8, donated)
    out.num_constants = len(pointers)
    out.constants = array(ctypes.c_void_p, pointers)
    out.num_outputs = len(signature.outputs)
    out.output_types = array(ctypes.c_int32, [_element_type(spec) for spec in signature.outputs])
    out.output_bytes = array(ctypes.c_int64, [spec.nbytes for spec in signature.outputs])
    out.output_ranks = array(ctypes.c_int64, [len(spec.shape) for spec in signature.outputs])
    out.output_dims = array(ctypes.c_int64, [size for spec in signature.outputs for size in spec.shape])
    out.output_aliases = array(ctypes.c_int64, executable.aliases or [-1] * len(signature.outputs))
    kinds = loaded.memory_kinds or MEMORY_KINDS[:1] * len(signature.outputs)
    out.output_memories = array(ctypes.c_int32, list(map(MEMORY_KINDS.index, kinds)))
    out.num_replicas, out.num_partitions = devices.shape
    out.device_ids = array(ctypes.c_int64, devices.ravel().tolist())
    out.code_bytes = sum(map(len, executable.objects))
    out.asynchronous = int(sum(sizes) + executable.arena_bytes > _ASYNCHRONOUS_BYTES)
    # The name of a function that code calls stands in its object file.
    out.exchanges = int(devices.size > 1 and any(b"astra_exchange" in data for data in executable.objects))
    out.name, out.name_size = name, len(name)
    out.fingerprint, out.fingerprint_size = fingerprint, len(fingerprint)
    program = loaded.described or loaded.code
    out.program, out.program_size = program, len(program)
    _programs[handle] = loaded


def _element_type(spec: Any) -> int:
    if spec.dtype not in PJRT_TYPES:
        raise UnsupportedError(f"{spec.path}: PJRT has no arrays of element type {spec.dtype.name}")
    return PJRT_TYPES[spec.dtype]


# --- bytes for another process ---------------------------------------------------------------------------------------

_MAGIC = b"astra pjrt program 2\n"


def serialized(handle: int) -> tuple[int, int]:
    """Address and size of a program's bytes, which stay with it."""
    loaded = _programs[handle]
    if not loaded.data:
        loaded.data = _MAGIC + pickle.dumps((loaded.code, loaded.options, _entries(loaded)))
    return ctypes.cast(ctypes.c_char_p(loaded.data), ctypes.c_void_p).value or 0, len(loaded.data)


def _entries(loaded: _Loaded) -> dict[str, list[bytes]]:
    """What the cache has of a program, by key: all that the same compiler needs of it for the same processor."""
    if names_this_process(loaded.code):
        return {}
    made = loaded.executable
    compiled = CompiledProgram(
        made.signature, made.objects, made.arena_bytes, made.constants, made.aliases, made.call_targets
    )
    shape = _devices(loaded.options).shape
    read = _read_kept(loaded.code, *shape)
    key = program_cache.key_of(Program(read[1], name=loaded.name), made.target, made.options)
    return {_key_of_read(loaded.code, *shape): read, key: program_cache.parts_of(compiled)}


def deserialize_into(out: Any, data: bytes, options: bytes | None) -> None:
    """The reverse of :func:`serialized`; compiled anew where the bytes come from another compiler or processor."""
    if not data.startswith(_MAGIC):
        raise AstraError("these are not the bytes of a program that this version of the Astra backend wrote")
    code, stored, entries = pickle.loads(data[len(_MAGIC) :])
    for key, parts in entries.items():
        code_cache.offer(key, parts)
    compile_into(out, code, options or stored)


def costs(handle: int) -> tuple[float, float, float]:
    """Floating-point operations, transcendental functions and bytes of a program."""
    from astra_mlir.cost import cost_of

    executable = _programs[handle].executable
    cost = cost_of(executable.stage("astra"), executable.program.entry)
    return cost.flops, cost.transcendentals, cost.bytes_accessed


def release(handle: int) -> None:
    """Forget a program."""
    _programs.pop(handle, None)
