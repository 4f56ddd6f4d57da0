"""The native runtime from Python: finds ``libastra_runtime.so`` and calls its versioned table through ctypes.

Below the API, above nothing but ``config`` and ``errors``.  Calls of compiled functions go to the same table by the
extension module (``native.py``); this is for all that is not done at each call.  The
C interface is ``runtime/include/astra/runtime.h``; the structures here mirror it and a test compares their sizes.
"""

from __future__ import annotations

import array
import contextlib
import contextvars
import ctypes
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import astra_mlir
from astra_mlir import config
from astra_mlir.errors import AstraError, CompileError

__all__ = [
    "ALIGNMENT",
    "Runtime",
    "built_file",
    "library_path",
    "runtime",
    "set_num_threads",
    "thread_limit",
    "thread_override",
    "threads",
]

ABI_VERSION = 1
ALIGNMENT = 64
_LIBRARY = "libastra_runtime.so"


class _ContextOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("num_threads", ctypes.c_int64), ("cache_bytes", ctypes.c_int64)]


class Call(ctypes.Structure):
    """``astra_call``: one run of a compiled function."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("entry", ctypes.c_void_p),
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("arena_bytes", ctypes.c_int64),
        ("num_threads", ctypes.c_int64),
        ("team", ctypes.c_void_p),
        ("participant", ctypes.c_int64),
    ]


class MemoryStats(ctypes.Structure):
    """``astra_memory_stats``: bytes handed out now, at most ever, and kept free for reuse."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("live_bytes", ctypes.c_int64),
        ("peak_bytes", ctypes.c_int64),
        ("cached_bytes", ctypes.c_int64),
    ]


_ERRORS: dict[int, type[Exception]] = {2: MemoryError, 5: CompileError}  # by status

_P, _I64, _STATUS = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int


class _Api(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("abi_version", ctypes.c_uint32),
        ("context_create", ctypes.CFUNCTYPE(_STATUS, _P, _P)),
        ("context_destroy", ctypes.CFUNCTYPE(None, _P)),
        ("context_default", ctypes.CFUNCTYPE(_P)),
        ("get_num_threads", ctypes.CFUNCTYPE(_I64, _P)),
        ("set_num_threads", ctypes.CFUNCTYPE(_STATUS, _P, _I64)),
        ("allocate", ctypes.CFUNCTYPE(_P, _P, _I64)),
        ("deallocate", ctypes.CFUNCTYPE(None, _P, _P)),
        ("memory_stats", ctypes.CFUNCTYPE(None, _P, _P)),
        ("release_cached", ctypes.CFUNCTYPE(None, _P)),
        ("parallel_for", ctypes.CFUNCTYPE(None, _P, _P, _P, _I64, _I64)),
        ("execute", ctypes.CFUNCTYPE(_STATUS, _P, _P)),
        ("last_error", ctypes.CFUNCTYPE(ctypes.c_char_p)),
        ("register_target", ctypes.CFUNCTYPE(_STATUS, ctypes.c_char_p, _P, _P)),
        ("register_xla_handler", ctypes.CFUNCTYPE(_STATUS, ctypes.c_char_p, _P, _P, _P, _P)),
        ("fail", ctypes.CFUNCTYPE(_STATUS, ctypes.c_char_p)),
        ("buffer_create", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P)),
        ("buffer_from_memory", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P, _P, _P)),
        ("buffer_retain", ctypes.CFUNCTYPE(None, _P)),
        ("buffer_release", ctypes.CFUNCTYPE(None, _P)),
        ("buffer_data", ctypes.CFUNCTYPE(_P, _P)),
        ("buffer_size", ctypes.CFUNCTYPE(_I64, _P)),
        ("code_load", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P)),
        ("code_address", ctypes.CFUNCTYPE(_P, _P, ctypes.c_char_p)),
        ("code_retain", ctypes.CFUNCTYPE(None, _P)),
        ("code_release", ctypes.CFUNCTYPE(None, _P)),
        ("function_load", ctypes.CFUNCTYPE(_STATUS, _P, _P)),
        ("function_retain", ctypes.CFUNCTYPE(None, _P)),
        ("function_release", ctypes.CFUNCTYPE(None, _P)),
        ("function_info", ctypes.CFUNCTYPE(None, _P, _P)),
        ("function_input", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P)),
        ("function_output", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P)),
        ("function_call", ctypes.CFUNCTYPE(_STATUS, _P, _P, _P, _P, _I64)),
        ("team_create", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("team_abort", ctypes.CFUNCTYPE(None, _P, ctypes.c_char_p)),
        ("team_destroy", ctypes.CFUNCTYPE(None, _P)),
        ("gpu_device_count", ctypes.CFUNCTYPE(_STATUS, _P)),
        ("gpu_device_info", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("gpu_allocate", ctypes.CFUNCTYPE(_STATUS, _I64, _I64, _P)),
        ("gpu_deallocate", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("gpu_copy", ctypes.CFUNCTYPE(_STATUS, _I64, _P, _P, _I64, ctypes.c_int)),
        ("gpu_synchronize", ctypes.CFUNCTYPE(_STATUS, _I64)),
        ("gpu_module_load", ctypes.CFUNCTYPE(_STATUS, _I64, _P, _P, _I64, _P)),
        ("gpu_module_release", ctypes.CFUNCTYPE(None, _P)),
        ("gpu_launch", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P, _P)),
        ("gpu_execute", ctypes.CFUNCTYPE(_STATUS, _P, _P)),
        ("gpu_event_record", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("gpu_event_elapsed", ctypes.CFUNCTYPE(_STATUS, _P, _P, _P)),
        ("gpu_event_release", ctypes.CFUNCTYPE(None, _P)),
        ("team_create_linked", ctypes.CFUNCTYPE(_STATUS, _I64, _P, _P)),
        ("gpu_stream", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("gpu_launch_on", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P, _P, _P)),
        ("gpu_order", ctypes.CFUNCTYPE(_STATUS, _I64, _P, _P)),
        ("gpu_wait", ctypes.CFUNCTYPE(_STATUS, _I64, _P)),
        ("gpu_pointer_device", ctypes.CFUNCTYPE(_STATUS, _P, _P)),
        ("function_call_device", ctypes.CFUNCTYPE(_STATUS, _P, _I64, _P, _P, _P)),
    ]


def built_file(name: str) -> Path:
    """A file that the native build makes: in the installed package, else in a checkout's ``build`` folder."""
    folders = [Path(folder) for folder in astra_mlir.__path__]
    candidates = [folder / name for folder in folders] + [f.parent / "build/runtime" / name for f in folders]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = "\n  ".join(map(str, candidates))
    raise AstraError(
        f"the native runtime's {name} is not there; looked at\n  {looked}\n"
        "install the package (pip install .) or, in a checkout, run: cmake -S . -B build && cmake --build build"
    )


def library_path() -> Path:
    """Where the runtime library is: the setting, or what was built."""
    named = config.runtime_library.get()
    return Path(named) if named else built_file(_LIBRARY)


class Runtime:
    """The default context of the runtime library: threads, buffers and calls."""

    def __init__(self) -> None:
        from astra_mlir import native  # it lies beside the library, and is found as that is

        path = library_path()
        self.library = ctypes.CDLL(os.fspath(path))
        self.library.astra_get_api.restype = ctypes.c_void_p
        self.library.astra_get_api.argtypes = [ctypes.c_uint32]
        table = self.library.astra_get_api(ABI_VERSION)
        if not table:
            raise AstraError(f"{path} does not implement version {ABI_VERSION} of the runtime interface: rebuild it")
        self.api = _Api.from_address(table)
        if self.api.struct_size < ctypes.sizeof(_Api):
            raise AstraError(f"{path} is older than this package: rebuild it")
        options = _ContextOptions(ctypes.sizeof(_ContextOptions), config.num_threads.get(), config.cache_bytes.get())
        context = ctypes.c_void_p()
        self.check(self.api.context_create(ctypes.addressof(options), ctypes.addressof(context)))
        self.context: int = context.value or 0
        native.initialize(table, self.context, thread_override)

    def check(self, status: int) -> None:
        """Raise what a status of the interface stands for, with its message."""
        if status:
            message = self.api.last_error()
            raise _ERRORS.get(status, AstraError)(message.decode())

    def execute(self, call_address: int) -> None:
        """Run the :class:`Call` at an address."""
        status = self.api.execute(self.context, call_address)
        if status:
            self.check(status)

    @property
    def num_threads(self) -> int:
        """Threads of parallel loops outside of :func:`threads`."""
        return int(self.api.get_num_threads(self.context))

    def set_num_threads(self, count: int) -> None:
        """Set :attr:`num_threads`; 0 means what the process may use."""
        self.check(self.api.set_num_threads(self.context, count))

    def memory_stats(self) -> MemoryStats:
        """Bytes of buffers handed out and kept."""
        stats = MemoryStats(ctypes.sizeof(MemoryStats))
        self.api.memory_stats(self.context, ctypes.addressof(stats))
        return stats

    def release_cached(self) -> None:
        """Give free buffers back to the system."""
        self.api.release_cached(self.context)

    def load_code(self, objects: Sequence[bytes]) -> int:
        """A handle of object files linked with each other and the runtime, to be given to :meth:`release_code`."""
        # Address and size of each; not an array of ctypes, whose type would be new each time, and garbage in a cycle.
        contents = array.array(
            "q", [n for data in objects for n in (ctypes.cast(ctypes.c_char_p(data), _P).value or 0, len(data))]
        )
        code = ctypes.c_void_p()
        self.check(self.api.code_load(contents.buffer_info()[0], len(objects), ctypes.addressof(code)))
        return code.value or 0

    def code_address(self, code: int, symbol: str) -> int:
        """Where a symbol of loaded code is; 0 when there is no such symbol."""
        return self.api.code_address(code, symbol.encode()) or 0

    def release_code(self, code: int) -> None:
        """Unload code."""
        self.api.code_release(code)


_runtime_lock = threading.Lock()


@cache
def _load() -> Runtime:
    return Runtime()


def runtime() -> Runtime:
    """The process's runtime, loaded on first use."""
    with _runtime_lock:
        return _load()


thread_override: contextvars.ContextVar[int] = contextvars.ContextVar("astra_threads", default=0)


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Run compiled functions called in this block (and in this Python thread or task) on ``count`` threads.

    Results have the same bits for any number.

    >>> with threads(1):
    ...     pass
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise AstraError(f"astra.threads: expected a number of threads from 1 on, got {count!r}")
    token = thread_override.set(count)
    try:
        yield
    finally:
        thread_override.reset(token)


def thread_limit(name: str, count: int) -> int:
    """``count`` if it is a limit of threads, 0 for none; else raises :class:`AstraError` naming what was set."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise AstraError(f"{name}: expected a number of threads from 1 on, or 0 for no limit, got {count!r}")
    return count


def set_num_threads(count: int) -> None:
    """Threads of parallel loops in the whole process; 0 means what the process may use (``ASTRA_NUM_THREADS``)."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise AstraError(f"astra.set_num_threads: expected a number from 0 on, got {count!r}")
    runtime().set_num_threads(count)
