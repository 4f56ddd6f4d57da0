"""Object code kept on disk from process to process, and that of shared kernels in memory, by hashes of what it is of.

Two users: ``program_cache.py`` keeps whole compiled programs, ``target_machine.py`` the kernels that many programs
have.  A key holds all that an entry depends on, so an entry can never be stale.  Entries are files of their own,
written under another name and renamed, so that processes may share a folder; each has a checksum, and one that is
damaged is dropped and made again.  ``ASTRA_CACHE=0`` disables what is on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import llvmlite

from astra_mlir import config

__all__ = ["clear", "folder", "forget", "kept", "key_of", "load", "offer", "store"]

_MAGIC = b"astra object code 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".objects"
_UNFINISHED = ".new"
_LONGEST_WRITE_SECONDS = 600


def folder() -> Path:
    """Where entries are."""
    return config.cache_folder()


def key_of(*parts: str | bytes) -> str:
    """The name of the entry for texts (LLVM IR, target, options), as LLVM of this version compiles them."""
    digest = hashlib.sha256(llvmlite.__version__.encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(struct.pack("<Q", len(data)))
        digest.update(data)
    return digest.hexdigest()


def load(key: str) -> list[bytes] | None:
    """The object files of an entry; None where there is none, it is damaged, or the cache is disabled."""
    with _lock:
        if key in _offered:
            return _offered[key]
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
        handle, name = tempfile.mkstemp(dir=where, suffix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_packed(objects))
            Path(name).replace(where / (key + _SUFFIX))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _drop_oldest(where, config.cache_max_bytes.get())


_MOST_IN_MEMORY = 512  # kernels of a few ten KiB; the one used longest ago goes first
_memory: OrderedDict[str, list[bytes]] = OrderedDict()
_offered: OrderedDict[str, list[bytes]] = OrderedDict()
_lock = threading.Lock()


def kept(key: str, make: Callable[[], list[bytes]], on_disk: bool = True) -> list[bytes]:
    """An entry from memory, from disk, or made now and kept in both (``on_disk``: where it may be found again)."""
    with _lock:
        if key in _memory:
            _memory.move_to_end(key)
            return _memory[key]
    objects = load(key) if on_disk else None
    if objects is None:
        objects = make()
        if on_disk:
            store(key, objects)
    with _lock:
        _memory[key] = objects
        while len(_memory) > _MOST_IN_MEMORY:
            _memory.popitem(last=False)
    return objects


def offer(key: str, objects: list[bytes]) -> None:
    """Take an entry from elsewhere, such as a file of JAX's: for this process alone, also where nothing is on disk."""
    with _lock:
        _offered[key] = objects
        while len(_offered) > _MOST_IN_MEMORY:
            _offered.popitem(last=False)


def forget() -> None:
    """Drop what is kept in memory: the next compilation is as in a new process."""
    with _lock:
        _memory.clear()
        _offered.clear()


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
    """Remove the least recently used entries until all take at most ``limit`` bytes, and what was never finished."""
    for path in where.glob("*" + _UNFINISHED):  # of processes that were killed while they wrote
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LONGEST_WRITE_SECONDS:
                path.unlink(missing_ok=True)
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
