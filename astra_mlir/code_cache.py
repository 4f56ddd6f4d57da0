"""Object code kept on disk from process to process: what LLVM made of a text for a processor, by their hash.

Beside ``target_machine.py``, whose ``object_code`` asks here first.  An entry depends on nothing but the LLVM IR text,
the target, the options and the version of LLVM, so it can never be stale.  Entries are files of their own, written
under another name and renamed, so that processes may share a folder; each has a checksum, and one that is damaged is
dropped and made again.  ``ASTRA_CACHE=0`` disables the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import llvmlite

from astra_mlir import config

__all__ = ["clear", "folder", "key_of", "load", "store"]

_MAGIC = b"astra object code 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".objects"


def folder() -> Path:
    """Where entries are: ``ASTRA_CACHE_DIR``, by default ``astra`` in the user's cache folder."""
    given = config.cache_dir.get()
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "astra"


def key_of(*parts: str) -> str:
    """The name of the entry for texts (LLVM IR, target, options), as LLVM of this version compiles them."""
    digest = hashlib.sha256(llvmlite.__version__.encode())
    for part in parts:
        data = part.encode()
        digest.update(struct.pack("<Q", len(data)))
        digest.update(data)
    return digest.hexdigest()


def load(key: str) -> list[bytes] | None:
    """The object files of an entry; None where there is none, it is damaged, or the cache is disabled."""
    if not config.use_cache.get():
        return None
    path = folder() / (key + _SUFFIX)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    objects = _unpacked(data)
    with contextlib.suppress(OSError):
        if objects is None:
            path.unlink()
        else:
            now = time.time_ns()  # finer than the clock of the file system
            os.utime(path, ns=(now, now))  # the least recently used entries go first
    return objects


def store(key: str, objects: Sequence[bytes]) -> None:
    """Keep object files; a folder that cannot be written is none of the compiler's errors."""
    if not config.use_cache.get():
        return
    with contextlib.suppress(OSError):
        where = folder()
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=where, suffix=".new")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_packed(objects))
            Path(name).replace(where / (key + _SUFFIX))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _drop_oldest(where, config.cache_max_bytes.get())


def clear() -> int:
    """Remove all entries; how many there were."""
    entries = list(folder().glob("*" + _SUFFIX)) if folder().is_dir() else []
    for path in entries:
        path.unlink(missing_ok=True)
    return len(entries)


def _packed(objects: Sequence[bytes]) -> bytes:
    payload = struct.pack("<Q", len(objects)) + b"".join(struct.pack("<Q", len(o)) for o in objects) + b"".join(objects)
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def _unpacked(data: bytes) -> list[bytes] | None:
    """The object files, or None where a byte is missing or changed."""
    start = len(_MAGIC) + _DIGEST_BYTES
    payload = data[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != data[len(_MAGIC) : start]:
        return None
    (count,) = struct.unpack_from("<Q", payload)
    sizes = struct.unpack_from(f"<{count}Q", payload, 8)
    objects, position = [], 8 * (1 + count)
    for size in sizes:
        objects.append(payload[position : position + size])
        position += size
    return objects


def _drop_oldest(where: Path, limit: int) -> None:
    """Remove the least recently used entries until all take at most ``limit`` bytes."""
    entries = []
    for path in where.glob("*" + _SUFFIX):
        with contextlib.suppress(OSError):  # another process may have removed it
            status = path.stat()
            entries.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= limit:
            break
        path.unlink(missing_ok=True)
        total -= size
