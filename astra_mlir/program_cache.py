"""Whole compiled programs on disk: a process that compiles what another has compiled runs no pass and imports no MLIR.

Above ``code_cache.py``, asked by ``compiler.py`` before anything else.  An entry is what the compiler made of a program
(machine code, signature, size of the arena, constants).  Its key is the program's bytes, the target, the options, and
the compiler itself: the versions of what it is built on and its own files, so that a changed pass compiles anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir import code_cache, tuned_choices
from astra_mlir.program import Program
from astra_mlir.signature import ArraySpec, Signature
from astra_mlir.target_machine import CodegenOptions, TargetMachine

__all__ = [
    "CompiledProgram", "compiler_hash", "dtype_named", "key_of", "load", "load_lowered", "parts_of",
    "stablehlo_version", "store", "store_lowered",
]  # fmt: skip


@dataclass(frozen=True)
class CompiledProgram:
    """What an executable is made of, beside its program."""

    signature: Signature
    objects: Sequence[bytes]
    arena_bytes: int
    constants: Sequence[np.ndarray[Any, Any]]
    aliases: Sequence[int] = ()  # of each result the donated argument whose memory it takes over, or -1
    call_targets: Sequence[str] = ()  # the functions that the code calls by name
    stages: Mapping[str, bytes] = field(default_factory=dict)  # bytecode of some stages; not kept on disk


def key_of(program: Program, target: TargetMachine, options: CodegenOptions) -> str:
    """The entry's name; the values of a program's own constants are no part of its code."""
    paths = json.dumps(program.input_paths)
    count = str(len(program.constants))
    level = f"{options.level} {options.slp}"
    return code_cache.key_of(
        program.data, program.entry, paths, count, str(target), level, tuned_choices.digest(), compiler_hash()
    )


@cache
def compiler_hash() -> str:
    """A hash of the compiler's files (their sizes and times of change) and of the packages beneath."""
    files: list[str] = []
    for name in ("astra_mlir", "astra_mlir.dialects", "astra_mlir.passes", "torch_mlir"):
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            opened = os.open(folder, os.O_RDONLY)
            status = os.fstat(opened)
            if name == "torch_mlir":
                files.append(f"{name} {status.st_mtime_ns}\n")  # changed by what installs it
            else:
                _add_files(opened, f"{folder}/", files)
            os.close(opened)
    return hashlib.sha256("".join(sorted(files)).encode()).hexdigest()


def _add_files(folder: int, path: str, found: list[str]) -> None:
    """The Python files below an open folder (not through links): names from there on, which every process resolves."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(".py"):
                status = entry.stat()
                found.append(f"{path}{name} {status.st_size} {status.st_mtime_ns}\n")
            elif name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                inner = os.open(name, os.O_RDONLY, dir_fd=folder)
                _add_files(inner, f"{path}{name}/", found)
                os.close(inner)


@cache
def stablehlo_version() -> str:
    """The version of StableHLO that MLIR reads here (kept too: asking for it would import all of MLIR)."""
    key = code_cache.key_of("stablehlo version", compiler_hash())
    found = code_cache.load(key)
    if found is None:
        from astra_mlir.bindings import stablehlo

        found = [str(stablehlo.get_current_version()).encode()]
        code_cache.store(key, found)
    return found[0].decode()


def load_lowered(key: str) -> tuple[bytes, list[int]] | None:
    """A function lowered before: its program, and which of its constants are arguments."""
    parts = code_cache.load(key)
    return None if not parts else (parts[1], json.loads(parts[0]))


def store_lowered(key: str, data: bytes, constants: Sequence[int]) -> None:
    """Keep what :func:`load_lowered` gives."""
    code_cache.store(key, [json.dumps(list(constants)).encode(), data])


def load(key: str) -> CompiledProgram | None:
    """The entry, or None."""
    parts = code_cache.load(key)
    if not parts:
        return None
    head = json.loads(parts[0])
    specs = [
        [ArraySpec(tuple(shape), dtype_named(dtype), path) for shape, dtype, path in side] for side in head["specs"]
    ]
    arrays = head["constants"]
    constants = [
        np.frombuffer(data, dtype_named(dtype)).reshape(shape).copy()
        for (shape, dtype), data in zip(arrays, parts[1 : 1 + len(arrays)], strict=True)
    ]
    signature = Signature(*map(tuple, specs))
    objects = parts[1 + len(arrays) :]
    return CompiledProgram(signature, objects, head["arena"], constants, head["aliases"], head["calls"])


def store(key: str, compiled: CompiledProgram) -> None:
    """Keep an entry."""
    code_cache.store(key, parts_of(compiled))


def parts_of(compiled: CompiledProgram) -> list[bytes]:
    """What an entry is made of."""
    sides = (compiled.signature.inputs, compiled.signature.outputs)
    head = {
        "specs": [[[spec.shape, spec.dtype.name, spec.path] for spec in side] for side in sides],
        "arena": compiled.arena_bytes,
        "aliases": list(compiled.aliases),
        "calls": list(compiled.call_targets),
        "constants": [[array.shape, array.dtype.name] for array in compiled.constants],
    }
    arrays = [np.ascontiguousarray(array).tobytes() for array in compiled.constants]
    return [json.dumps(head).encode(), *arrays, *compiled.objects]


def dtype_named(name: str) -> np.dtype[Any]:
    """NumPy's, or one of those that ml_dtypes adds."""
    return np.dtype(getattr(ml_dtypes, name, name))
