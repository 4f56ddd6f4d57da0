"""Programs compiled for a GPU in files: ``GpuExecutable.save`` and ``load``.

The format is that of ``saved.py``, which the native runtime reads (``function_load``, ``function_call_device``): the
host's native code, the cubin, how each kernel is launched, constants and a checksum.  Besides there is what only Python
needs: the program, its tile functions, PTX and resources.  The GPU is checked when the loaded function is first called,
or at once where there is one.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from astra_mlir.call_targets import names_this_process
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.gpu import runtime as gpu_runtime
from astra_mlir.gpu.code import DeviceCode, kernel_of
from astra_mlir.gpu.compiler import GpuProgram
from astra_mlir.gpu.executable import GpuExecutable, why_not_on
from astra_mlir.gpu.machine import Cubin, GpuMachine, Resources
from astra_mlir.gpu.runtime import MAX_RANK, OVERLAPS, Kernel
from astra_mlir.program import Program
from astra_mlir.program_cache import dtype_named
from astra_mlir.saved import Part, array_type, file_of, parts_of
from astra_mlir.signature import ArraySpec, Signature
from astra_mlir.target_machine import TargetMachine

__all__ = ["load", "save"]


def save(executable: GpuExecutable, path: str | Path) -> None:
    """Write an executable to a file; raises :class:`AstraError` for one that calls Python functions."""
    program, compiled = executable.program, executable.compiled
    if names_this_process(program.data):
        raise AstraError(f"{program.name} calls Python functions (callbacks), which no file can hold")
    code, cubin, host = executable.code, executable.cubin(), TargetMachine.host()
    head = {
        "paths": None if program.input_paths is None else list(program.input_paths),
        "specs": [
            [[spec.shape, spec.dtype.name, spec.path] for spec in side]
            for side in (compiled.signature.inputs, compiled.signature.outputs)
        ],
        "kernels": list(compiled.kernels),
        "launches": [dataclasses.asdict(kernel) for kernel in code.launches],
        "resources": {name: dataclasses.asdict(taken) for name, taken in cubin.kernels.items()},
        "constants": [
            [[array.shape, array.dtype.name] for array in arrays] for arrays in (program.constants, compiled.constants)
        ],
    }
    target = str(executable.target).encode()
    constants = (np.ascontiguousarray(array) for array in (*program.constants, *compiled.constants))
    parts: list[tuple[Part, bytes]] = [
        (Part.NAME, program.entry.encode()),
        (Part.TARGET, str(host).encode()),
        (Part.FEATURES, host.required_features().encode()),
        (Part.ARENA, struct.pack("<Q", compiled.arena_bytes)),
        *((Part.INPUT, array_type(spec)) for spec in compiled.signature.inputs),
        *((Part.OUTPUT, array_type(spec)) for spec in compiled.signature.outputs),
        *((Part.OBJECT, data) for data in compiled.host_objects),
        (Part.ALIASES, struct.pack(f"<{len(compiled.aliases)}q", *compiled.aliases)),
        *((Part.CONSTANT, array.tobytes()) for array in constants),
        (Part.GPU_TARGET, struct.pack("<QQ", compiled.straight_line, len(target)) + target),
        (Part.GPU_IMAGE, cubin.data),
        *((Part.GPU_KERNEL, _described(kernel)) for kernel in code.launches),
        *(
            (Part.PYTHON, data)
            for data in (json.dumps(head).encode(), program.data, compiled.tile_text, code.ptx.encode())
        ),
    ]
    Path(path).write_bytes(file_of(parts))


def _described(kernel: Kernel) -> bytes:
    """A kernel as the native runtime reads it."""
    name = kernel.name.encode()
    numbers = [kernel.threads, kernel.shared_bytes, *kernel.cluster, *kernel.grid]
    numbers += [OVERLAPS * kernel.overlaps, kernel.parameters, len(kernel.tensor_maps)]
    for found in kernel.tensor_maps:
        lists = ((*given, *[0] * (MAX_RANK - len(given))) for given in (found.sizes, found.strides, found.box))
        numbers += [found.parameter, found.element_type, len(found.sizes), *(n for given in lists for n in given)]
        numbers += [found.swizzle, found.from_parameters, found.element_bytes]
    return struct.pack("<Q", len(name)) + name + struct.pack(f"<{len(numbers)}q", *numbers)


def load(path: str | Path) -> GpuExecutable:
    """The executable of a file that :func:`save` wrote.

    Raises :class:`CompileError` for a damaged file, another version's, or one that this machine cannot run.
    """
    parts: dict[Part, list[bytes]] = defaultdict(list)
    try:
        for kind, part in parts_of(Path(path).read_bytes()):
            parts[kind].append(part)
    except CompileError as error:
        raise CompileError(f"{path} cannot be loaded: {error}") from None
    if Part.GPU_TARGET not in parts:
        raise CompileError(f"{path} is no program for a GPU")
    host = TargetMachine.parse(parts[Part.TARGET][0].decode())
    if (why := host.why_not_here()) is not None:
        raise CompileError(f"{path} cannot run here: {why}")
    machine = GpuMachine.parse(parts[Part.GPU_TARGET][0][16:].decode())
    if gpu_runtime.why_no_device() is None and (why := why_not_on(machine, gpu_runtime.device_info())) is not None:
        raise CompileError(f"{path} cannot run here: {why}")
    described, data, tile_text, ptx = parts[Part.PYTHON]
    head = json.loads(described)
    own, hoisted = head["constants"]
    arrays = [_array(spec, part) for spec, part in zip((*own, *hoisted), parts[Part.CONSTANT], strict=True)]
    paths = None if head["paths"] is None else tuple(head["paths"])
    program = Program(data, parts[Part.NAME][0].decode(), paths, tuple(arrays[: len(own)]))
    sides = [
        tuple(ArraySpec(tuple(shape), dtype_named(name), path) for shape, name, path in side) for side in head["specs"]
    ]
    (aliases,), (arena,), (gpu,) = parts[Part.ALIASES], parts[Part.ARENA], parts[Part.GPU_TARGET]
    compiled = GpuProgram(
        Signature(*sides), parts[Part.OBJECT], struct.unpack("<Q", arena)[0], arrays[len(own) :],
        list(struct.unpack(f"<{len(aliases) // 8}q", aliases)), head["kernels"], tile_text, bool(gpu[0]),
    )  # fmt: skip
    executable = GpuExecutable(program, machine, compiled)
    code = DeviceCode(ptx.decode(), tuple(map(kernel_of, head["launches"])), machine)
    resources = {name: Resources(**taken) for name, taken in head["resources"].items()}
    code.__dict__["cubin"] = Cubin(parts[Part.GPU_IMAGE][0], resources)
    executable.__dict__["code"] = code
    return executable


def _array(spec: Sequence[Any], data: bytes) -> np.ndarray[Any, Any]:
    shape, name = spec
    return np.frombuffer(data, dtype_named(name)).reshape(shape).copy()
