"""Compiled functions in files that the native runtime loads, with or without Python: ``Executable.save``.

The format stands in ``runtime/src/saved_function.cpp``, which reads it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from astra_mlir.call_targets import names_this_process
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.signature import ArraySpec

if TYPE_CHECKING:
    from astra_mlir.executable import Executable

__all__ = ["Part", "array_type", "file_of", "parts_of", "saved_bytes"]

_MAGIC = b"ASTRAFN1"


class Part(IntEnum):
    """What a part of a file is."""

    NAME = 1
    TARGET = 2
    FEATURES = 3
    ARENA = 4
    INPUT = 5
    OUTPUT = 6
    OBJECT = 7
    CONSTANT = 8
    ALIASES = 9
    CALL_TARGET = 10
    GPU_TARGET = 11
    GPU_IMAGE = 12
    GPU_KERNEL = 13
    PYTHON = 14


_ALIGNMENT = 64


def saved_bytes(executable: Executable) -> bytes:
    """The file's content for an executable; raises :class:`AstraError` for one that calls Python functions."""
    if names_this_process(executable.program.data):
        raise AstraError(
            f"{executable.program.name} calls Python functions (callbacks), which no file can hold: a saved function "
            "runs without Python"
        )
    signature = executable.signature
    return file_of([
        (Part.NAME, executable.program.entry.encode()),
        (Part.TARGET, str(executable.target).encode()),
        (Part.FEATURES, executable.target.required_features().encode()),
        (Part.ARENA, struct.pack("<Q", executable.arena_bytes)),
        *((Part.INPUT, array_type(spec)) for spec in signature.inputs),
        *((Part.OUTPUT, array_type(spec)) for spec in signature.outputs),
        *((Part.OBJECT, data) for data in executable.objects),
        *((Part.CALL_TARGET, name.encode()) for name in executable.call_targets),
        (Part.ALIASES, struct.pack(f"<{len(executable.aliases)}q", *executable.aliases)),
        *((Part.CONSTANT, array.reshape(-1).view("u1").data) for array in executable.constants),
    ])  # fmt: skip


def file_of(parts: Sequence[tuple[Part, bytes | memoryview]]) -> bytes:
    """A file of these parts."""
    table, contents, offset = b"", [], _rounded(32 + 24 * len(parts))
    for kind, content in parts:
        table += struct.pack("<QQQ", kind, offset, len(content))
        contents += [content, bytes(_rounded(len(content)) - len(content))]
        offset += _rounded(len(content))
    head = struct.pack("<Q", len(parts)) + table
    rest = b"".join([head, bytes(_rounded(24 + len(head)) - 24 - len(head)), *contents])
    return _MAGIC + struct.pack("<QQ", 24 + len(rest), zlib.crc32(rest)) + rest


def parts_of(data: bytes) -> list[tuple[Part, bytes]]:
    """The parts of a file; raises :class:`CompileError` for what is none, or is damaged."""
    if not data.startswith(_MAGIC):
        raise CompileError("it is no saved program of this version of Astra")
    size, checksum, count = struct.unpack_from("<QQQ", data, 8) if len(data) >= 32 else (0, 0, 0)
    if size != len(data):
        raise CompileError("it is not complete")
    if zlib.crc32(memoryview(data)[24:]) != checksum:
        raise CompileError("it is damaged: its checksum is another one")
    table = [struct.unpack_from("<QQQ", data, 32 + 24 * i) for i in range(count)]
    return [(Part(kind), data[offset : offset + size]) for kind, offset, size in table]


def _rounded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def array_type(spec: ArraySpec) -> bytes:
    """An argument or result as a part says it."""
    texts = b"".join(struct.pack("<Q", len(text.encode())) + text.encode() for text in (spec.path, spec.dtype.name))
    return texts + struct.pack(f"<QQ{len(spec.shape)}Q", spec.nbytes, len(spec.shape), *spec.shape)
