"""Astra as a backend of JAX: what JAX finds through the entry point ``jax_plugins`` when it starts.

``initialize`` registers the native plugin (``runtime/pjrt``) and nothing else: the compiler is imported when the first
program is compiled.  Programs, transfers and events never come here; compiling and loading them does.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from astra_mlir import config
from astra_mlir.errors import AstraError
from astra_mlir.runtime import built_file

__all__ = ["PLATFORM", "initialize", "library_path"]

PLATFORM = "astra"
_LIBRARY = "libastra_pjrt.so"
# Releases of jaxlib that the plugin was run with: from the first on, before the last.  What it declares of PJRT, and
# what it uses of JAX's own modules, may be another in others.
_JAXLIB = (0, 10), (0, 13)
# Beside other backends, JAX goes on using those by default.
_PRIORITY = -100


def library_path() -> Path:
    """Where the plugin is: in the installed package, or in a checkout's build folder."""
    return built_file(_LIBRARY)


def initialize() -> None:
    """Register the backend with JAX; called by JAX when it looks for plugins."""
    import jaxlib
    from jax._src import xla_bridge
    from jax._src.interpreters import mlir
    from jaxlib import xla_client

    _check_version(jaxlib.__version__)
    path = library_path()
    _set_compiler(ctypes.CDLL(os.fspath(path)))
    xla_bridge._nonexperimental_plugins.add(PLATFORM)
    xla_bridge.register_plugin(PLATFORM, priority=_PRIORITY, library_path=os.fspath(path), options=_options)
    if PLATFORM not in mlir._platforms_with_donation:
        mlir._platforms_with_donation.append(PLATFORM)
    _add_cpu_backend()
    xla_client.register_custom_call_handler(PLATFORM, _register_target)
    from astra_mlir.jax_backend import patches as jax_patches
    from astra_mlir.jax_frontend import lowering as jax_lowering

    jax_lowering.register()
    jax_patches.install()


def _check_version(version: str) -> None:
    """Refuse releases of jaxlib that the plugin was not run with."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    first, end = _JAXLIB
    if not first <= numbers < end:
        oldest, newest = (".".join(map(str, bound)) for bound in _JAXLIB)
        raise AstraError(f"the Astra backend needs jaxlib from {oldest} on, before {newest}; this is {version}")


def _register_target(name: Any, handler: Any, platform: str, api_version: int = 0, traits: Any = None) -> None:
    """What ``jax.ffi.register_ffi_target(..., platform="astra")`` does."""
    del platform, traits
    if api_version != 1:
        raise AstraError(f"custom call '{name}': only handlers of XLA's typed FFI (api_version=1) are supported")
    from astra_mlir import ffi

    ffi.register_target(name.decode() if isinstance(name, bytes) else name, handler)


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {"num_devices": _num_devices()}
    if _several_processes():
        options |= {"mpi_library": _mpi_library(), "process_timeout": config.process_timeout.get()}
    return options


def _several_processes() -> bool:
    from jax._src import distributed

    return distributed.global_state.client is not None and int(distributed.global_state.num_processes or 1) > 1


def _mpi_library() -> str:
    """``ASTRA_MPI_LIBRARY``, else that of the package ``mpich``, else what the system's loader finds."""
    from importlib import metadata

    name = "libmpi_abi.so"
    if config.mpi_library.get():
        return config.mpi_library.get()
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        files = []
    found = [
        path for file in files if file.name.startswith(name) for path in [Path(str(file.locate()))] if path.exists()
    ]
    return os.fspath(max(found, key=lambda path: path.stat().st_size).resolve()) if found else f"{name}.1"


def _num_devices() -> int:
    """``ASTRA_NUM_DEVICES``, else what JAX or XLA is told of its own CPU backend, else one."""
    import jax

    if config.num_devices.variable in os.environ:
        return config.num_devices.get()
    if jax.config.jax_num_cpu_devices > 0:
        return int(jax.config.jax_num_cpu_devices)
    flags = re.findall(r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", ""))
    return max(1, int(flags[-1])) if flags else config.num_devices.get()


def _add_cpu_backend() -> None:
    """Callbacks and DLPack need JAX's own CPU backend: with ``JAX_PLATFORMS=astra`` it comes second."""
    import jax

    if jax.config.jax_platforms == PLATFORM:
        jax.config.update("jax_platforms", f"{PLATFORM},cpu")


# --- what the plugin calls -------------------------------------------------------------------------------------------

_Bytes = ctypes.POINTER(ctypes.c_char)
_i64, _size, _text = ctypes.c_int64, ctypes.c_size_t, ctypes.c_char_p


class Compiled(ctypes.Structure):
    """``astra_pjrt_compiled`` of ``runtime/pjrt/compiler.h``."""

    _fields_ = [
        ("struct_size", _size),
        ("handle", _i64),
        ("entry", ctypes.c_void_p),
        ("arena_bytes", _i64),
        ("num_inputs", _i64),
        ("argument_bytes", _i64),
        ("donated", ctypes.POINTER(ctypes.c_uint8)),
        ("num_constants", _i64),
        ("constants", ctypes.POINTER(ctypes.c_void_p)),
        ("num_outputs", _i64),
        ("output_types", ctypes.POINTER(ctypes.c_int32)),
        ("output_bytes", ctypes.POINTER(_i64)),
        ("output_ranks", ctypes.POINTER(_i64)),
        ("output_dims", ctypes.POINTER(_i64)),
        ("output_aliases", ctypes.POINTER(_i64)),
        ("output_memories", ctypes.POINTER(ctypes.c_int32)),
        ("num_replicas", _i64),
        ("num_partitions", _i64),
        ("device_ids", ctypes.POINTER(_i64)),
        ("code_bytes", _i64),
        ("asynchronous", _i64),
        ("exchanges", _i64),
        ("name", _text),
        ("name_size", _size),
        ("fingerprint", _text),
        ("fingerprint_size", _size),
        ("program", _text),
        ("program_size", _size),
    ]


_Compile = ctypes.CFUNCTYPE(ctypes.c_int32, _Bytes, _size, _Bytes, _size, ctypes.POINTER(Compiled))
_Serialize = ctypes.CFUNCTYPE(ctypes.c_int32, _i64, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(_size))
_Release = ctypes.CFUNCTYPE(None, _i64)
_Cost = ctypes.CFUNCTYPE(ctypes.c_int32, _i64, ctypes.POINTER(ctypes.c_double))


class Functions(ctypes.Structure):
    """``astra_pjrt_compiler`` of ``runtime/pjrt/compiler.h``."""

    _fields_ = [
        ("struct_size", _size),
        ("compile", _Compile),
        ("serialize", _Serialize),
        ("deserialize", _Compile),
        ("release", _Release),
        ("cost", _Cost),
    ]


_INVALID_ARGUMENT, _UNIMPLEMENTED, _INTERNAL = 3, 12, 13
_kept: list[Any] = []  # the library holds pointers into these


@cache
def _set_compiler(library: ctypes.CDLL) -> None:
    import atexit

    def reporting(function: Callable[..., None]) -> Callable[..., int]:
        """The function with a status for a result: exceptions must not reach the code that calls it."""

        def call(*arguments: Any) -> int:
            from astra_mlir.errors import InvalidProgramError, UnsupportedError

            try:
                function(*arguments)
                return 0
            except UnsupportedError as error:
                code, message = _UNIMPLEMENTED, str(error)
            except InvalidProgramError as error:
                code, message = _INVALID_ARGUMENT, str(error)
            except AstraError as error:
                code, message = _INTERNAL, str(error)
            except BaseException as error:
                code, message = _INTERNAL, f"{type(error).__name__}: {error}"
            data = message.encode()
            library.astra_pjrt_fail(code, data, len(data))
            return 1

        return call

    def compile_(code: Any, code_size: int, options: Any, options_size: int, out: Any) -> None:
        from astra_mlir.jax_backend import loaded_programs as jax_programs_loaded

        jax_programs_loaded.compile_into(
            out[0], ctypes.string_at(code, code_size), ctypes.string_at(options, options_size)
        )

    def serialize(handle: int, data: Any, size: Any) -> None:
        from astra_mlir.jax_backend import loaded_programs as jax_programs_loaded

        data[0], size[0] = jax_programs_loaded.serialized(handle)

    def deserialize(data: Any, size: int, options: Any, options_size: int, out: Any) -> None:
        from astra_mlir.jax_backend import loaded_programs as jax_programs_loaded

        given = ctypes.string_at(options, options_size) if options and options_size else None
        jax_programs_loaded.deserialize_into(out[0], ctypes.string_at(data, size), given)

    def release(handle: int) -> None:
        loaded = sys.modules.get("astra_mlir.jax_backend.loaded_programs")
        if loaded is not None:
            loaded.release(handle)

    def cost(handle: int, costs: Any) -> None:
        from astra_mlir.jax_backend import loaded_programs as jax_programs_loaded

        costs[0], costs[1], costs[2] = jax_programs_loaded.costs(handle)

    library.astra_pjrt_fail.argtypes = [ctypes.c_int32, ctypes.c_char_p, _size]
    library.astra_pjrt_fail.restype = None
    library.astra_pjrt_set_compiler.argtypes = [ctypes.c_void_p]
    library.astra_pjrt_set_compiler.restype = None
    functions = Functions(
        ctypes.sizeof(Functions), _Compile(reporting(compile_)), _Serialize(reporting(serialize)),
        _Compile(reporting(deserialize)), _Release(release), _Cost(reporting(cost)),
    )  # fmt: skip
    _kept.append(functions)
    library.astra_pjrt_set_compiler(ctypes.addressof(functions))

    def finish() -> None:
        """After this no code of Python's may be called any more: what was begun comes to its end."""
        library.astra_pjrt_set_compiler(None)
        library.astra_pjrt_finish()

    atexit.register(finish)
