"""Programs compiled for a GPU in files: ``GpuExecutable.save`` and ``load``.

A file holds the program, the host's native code, the cubin with how each kernel is launched, constants and a checksum.
Loading refuses a damaged file, another version's, and one whose host code needs what this processor has not; the GPU is
checked when the loaded function is first called, or at once where there is one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from astra_mlir import gpu_runtime
from astra_mlir.call_targets import names_this_process
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.gpu_code import DeviceCode, kernel_of
from astra_mlir.gpu_compiler import GpuProgram
from astra_mlir.gpu_executable import GpuExecutable, why_not_on
from astra_mlir.gpu_machine import Cubin, GpuMachine, Resources
from astra_mlir.program import Program
from astra_mlir.program_cache import dtype_named
from astra_mlir.signature import ArraySpec, Signature
from astra_mlir.target_machine import TargetMachine

__all__ = ["load", "save"]

_MAGIC = b"ASTRAGPU 1\n"


def save(executable: GpuExecutable, path: str | Path) -> None:
    """Write an executable to a file; raises :class:`AstraError` for one that calls Python functions."""
    program, compiled = executable.program, executable.compiled
    if names_this_process(program.data):
        raise AstraError(f"{program.name} calls Python functions (callbacks), which no file can hold")
    code, cubin = executable.code, executable.cubin()
    head = {
        "target": str(executable.target),
        "host": str(TargetMachine.host()),
        "entry": program.entry,
        "paths": None if program.input_paths is None else list(program.input_paths),
        "specs": [
            [[spec.shape, spec.dtype.name, spec.path] for spec in side]
            for side in (compiled.signature.inputs, compiled.signature.outputs)
        ],
        "arena": compiled.arena_bytes,
        "aliases": list(compiled.aliases),
        "kernels": list(compiled.kernels),
        "straight_line": compiled.straight_line,
        "launches": [dataclasses.asdict(kernel) for kernel in code.launches],
        "resources": {name: dataclasses.asdict(taken) for name, taken in cubin.kernels.items()},
        "constants": [
            [[array.shape, array.dtype.name] for array in arrays] for arrays in (program.constants, compiled.constants)
        ],
        "objects": len(compiled.host_objects),
    }
    constants = [np.ascontiguousarray(array).tobytes() for array in (*program.constants, *compiled.constants)]
    parts = [
        json.dumps(head).encode(), program.data, compiled.tile_text, code.ptx.encode(), cubin.data,
        *compiled.host_objects, *constants,
    ]  # fmt: skip
    payload = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    Path(path).write_bytes(_MAGIC + hashlib.sha256(payload).digest() + payload)


def load(path: str | Path) -> GpuExecutable:
    """The executable of a file that :func:`save` wrote.

    Raises :class:`CompileError` for a damaged file, another version's, or one that this machine cannot run.
    """
    data = Path(path).read_bytes()
    if not data.startswith(_MAGIC):
        raise CompileError(f"{path} is no saved program for a GPU of this version of Astra")
    payload = data[len(_MAGIC) + 32 :]
    if hashlib.sha256(payload).digest() != data[len(_MAGIC) : len(_MAGIC) + 32]:
        raise CompileError(f"{path} is damaged: its checksum is another one")
    parts = _parts(payload)
    head = json.loads(parts[0])
    host = TargetMachine.parse(head["host"])
    if (why := host.why_not_here()) is not None:
        raise CompileError(f"{path} cannot run here: {why}")
    machine = GpuMachine.parse(head["target"])
    if gpu_runtime.why_no_device() is None and (why := why_not_on(machine, gpu_runtime.device_info())) is not None:
        raise CompileError(f"{path} cannot run here: {why}")
    own, hoisted = head["constants"]
    first = 5 + head["objects"]
    arrays = [_array(spec, part) for spec, part in zip((*own, *hoisted), parts[first:], strict=True)]
    program = Program(
        parts[1], head["entry"], None if head["paths"] is None else tuple(head["paths"]), tuple(arrays[: len(own)])
    )
    sides = [
        tuple(ArraySpec(tuple(shape), dtype_named(name), path) for shape, name, path in side) for side in head["specs"]
    ]
    compiled = GpuProgram(
        Signature(*sides), parts[5:first], head["arena"], arrays[len(own) :], head["aliases"], head["kernels"],
        parts[2],
        head["straight_line"],
    )  # fmt: skip
    executable = GpuExecutable(program, machine, compiled)
    code = DeviceCode(parts[3].decode(), tuple(map(kernel_of, head["launches"])), machine)
    resources = {name: Resources(**taken) for name, taken in head["resources"].items()}
    code.__dict__["cubin"] = Cubin(parts[4], resources)
    executable.__dict__["code"] = code
    return executable


def _parts(payload: bytes) -> list[bytes]:
    parts, position = [], 0
    while position < len(payload):
        (size,) = struct.unpack_from("<Q", payload, position)
        parts.append(payload[position + 8 : position + 8 + size])
        position += 8 + size
    return parts


def _array(spec: Sequence[Any], data: bytes) -> np.ndarray[Any, Any]:
    shape, name = spec
    return np.frombuffer(data, dtype_named(name)).reshape(shape).copy()
