"""Compiled functions in files that the native runtime loads, with or without Python: ``Executable.save``.

The format stands in ``runtime/src/saved_function.cpp``, which reads it.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from astra_mlir.call_targets import names_this_process
from astra_mlir.errors import AstraError
from astra_mlir.signature import ArraySpec

if TYPE_CHECKING:
    from astra_mlir.executable import Executable

__all__ = ["saved_bytes"]

_MAGIC = b"ASTRAFN1"
_NAME, _TARGET, _FEATURES, _ARENA, _INPUT, _OUTPUT, _OBJECT, _CONSTANT, _ALIASES, _CALL_TARGET = range(1, 11)
_ALIGNMENT = 64


def saved_bytes(executable: Executable) -> bytes:
    """The file's content for an executable; raises :class:`AstraError` for one that calls Python functions."""
    if names_this_process(executable.program.data):
        raise AstraError(
            f"{executable.program.name} calls Python functions (callbacks), which no file can hold: a saved function "
            "runs without Python"
        )
    signature = executable.signature
    parts: list[tuple[int, bytes | memoryview]] = [
        (_NAME, executable.program.entry.encode()),
        (_TARGET, str(executable.target).encode()),
        (_FEATURES, executable.target.required_features().encode()),
        (_ARENA, struct.pack("<Q", executable.arena_bytes)),
        *((_INPUT, _array_type(spec)) for spec in signature.inputs),
        *((_OUTPUT, _array_type(spec)) for spec in signature.outputs),
        *((_OBJECT, data) for data in executable.objects),
        *((_CALL_TARGET, name.encode()) for name in executable.call_targets),
        (_ALIASES, struct.pack(f"<{len(executable.aliases)}q", *executable.aliases)),
        *((_CONSTANT, array.reshape(-1).view("u1").data) for array in executable.constants),
    ]
    table, contents, offset = b"", [], _rounded(32 + 24 * len(parts))
    for kind, content in parts:
        table += struct.pack("<QQQ", kind, offset, len(content))
        contents += [content, bytes(_rounded(len(content)) - len(content))]
        offset += _rounded(len(content))
    head = struct.pack("<Q", len(parts)) + table
    rest = b"".join([head, bytes(_rounded(24 + len(head)) - 24 - len(head)), *contents])
    return _MAGIC + struct.pack("<QQ", 24 + len(rest), zlib.crc32(rest)) + rest


def _rounded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _array_type(spec: ArraySpec) -> bytes:
    texts = b"".join(struct.pack("<Q", len(text.encode())) + text.encode() for text in (spec.path, spec.dtype.name))
    return texts + struct.pack(f"<QQ{len(spec.shape)}Q", spec.nbytes, len(spec.shape), *spec.shape)
