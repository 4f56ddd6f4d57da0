"""Every environment setting of Astra, with its default and what it does.

Nothing else in the package reads the environment.  Settings are read when they are used, so a program may change them
before the first use.  ``python -m astra_mlir.config`` prints them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from astra_mlir.errors import AstraError

__all__ = ["SETTINGS", "Setting", "cache_folder", "unknown"]

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One environment variable; ``get()`` is its value as a Python object, or the default where it is not set."""

    variable: str
    default: T
    parse: Callable[[str], T]
    doc: str

    def get(self) -> T:
        """The value in the environment now; raises :class:`AstraError` for text that is not a value."""
        text = os.environ.get(self.variable, "")
        if not text.strip():
            return self.default
        try:
            return self.parse(text.strip())
        except ValueError as error:
            raise AstraError(f"environment variable {self.variable}={text!r}: {error}; it is {self.doc}") from None


def _number(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("expected a whole number") from None
        if not least <= value <= most:
            raise ValueError(f"expected a number from {least} to {most}")
        return value

    return parse


def _file(text: str) -> str:
    if not Path(text).is_file():
        raise ValueError("there is no such file")
    return text


def _no_folder(text: str) -> str:
    if Path(text).is_dir():
        raise ValueError("it is a folder, not a file")
    return text


def _folder(text: str) -> str:
    if Path(text).exists() and not Path(text).is_dir():
        raise ValueError("it is not a folder")
    return text


def _flag(text: str) -> bool:
    if text.lower() not in ("0", "1", "true", "false"):
        raise ValueError("expected 0 or 1")
    return text.lower() in ("1", "true")


_MOST_BYTES = 1 << 62
_MOST_THREADS = 1 << 16  # more than any machine has processors

num_threads = Setting(
    "ASTRA_NUM_THREADS", 0, _number(0, _MOST_THREADS), "the threads of parallel loops; 0: what the process may use"
)
target = Setting("ASTRA_TARGET", "host", str, "the processor to compile for when a call names none (see Target.parse)")
optimization_level = Setting("ASTRA_OPT_LEVEL", 3, _number(0, 3), "LLVM's optimisation level, 0 to 3")
compile_threads = Setting(
    "ASTRA_COMPILE_THREADS", 2, _number(1, _MOST_THREADS), "threads that generate machine code for one program"
)
num_devices = Setting("ASTRA_NUM_DEVICES", 1, _number(1, 1 << 12), "the virtual devices of the JAX backend")
mpi_library = Setting(
    "ASTRA_MPI_LIBRARY", "", _file, "the MPI library (libmpi_abi.so) of programs over several processes"
)
process_timeout = Setting(
    "ASTRA_PROCESS_TIMEOUT",
    300,
    _number(1, 1 << 30),
    "seconds that a process waits for another in a collective operation",
)
verify_passes = Setting("ASTRA_VERIFY_PASSES", False, _flag, "whether IR is verified after each pass: 1 or 0")
jit_cache_size = Setting(
    "ASTRA_JIT_CACHE_SIZE", 128, _number(0, 1 << 31), "compiled signatures that one jit function keeps"
)
cache_bytes = Setting(
    "ASTRA_BUFFER_CACHE_BYTES", 1 << 30, _number(0, _MOST_BYTES), "free buffers that the runtime keeps for reuse"
)
use_cache = Setting(
    "ASTRA_CACHE", True, _flag, "whether compiled programs are kept on disk for later processes: 1 or 0"
)
cache_dir = Setting("ASTRA_CACHE_DIR", "", _folder, "the folder of kept programs; by default ~/.cache/astra")
cache_max_bytes = Setting(
    "ASTRA_CACHE_MAX_BYTES", 1 << 30, _number(0, _MOST_BYTES), "the most bytes of compiled programs that are kept"
)
tuning = Setting(
    "ASTRA_TUNING",
    "",
    _no_folder,
    "the file of choices that astra.tune found; by default tuning.json beside kept programs; 0: none",
)
runtime_library = Setting(
    "ASTRA_RUNTIME_LIBRARY", "", _file, "path of libastra_runtime.so, in place of the installed one"
)
libdevice = Setting("ASTRA_LIBDEVICE", "", _file, "path of libdevice.10.bc, in place of that of the gpu extra")
ptxas = Setting("ASTRA_PTXAS", "", _file, "path of ptxas, in place of that of the gpu extra")
cuda_driver = Setting(
    "ASTRA_CUDA_DRIVER", "", _file, "path of the CUDA driver's library, in place of libcuda.so.1 (read by the runtime)"
)
gpu_atomics = Setting(
    "ASTRA_GPU_ATOMICS", False, _flag,
    "whether GPUs add floats of scatters in any order, by atomic operations, so that runs may differ in the last bits",
)  # fmt: skip

SETTINGS: tuple[Setting, ...] = (  # type: ignore[type-arg]
    num_threads, num_devices, mpi_library, process_timeout, target, optimization_level, compile_threads, verify_passes,
    jit_cache_size, cache_bytes, use_cache, cache_dir, cache_max_bytes, tuning, runtime_library, libdevice, ptxas,
    cuda_driver, gpu_atomics,
)  # fmt: skip


def cache_folder() -> Path:
    """Where programs are kept: ``ASTRA_CACHE_DIR``, by default ``astra`` in the user's cache folder."""
    given = cache_dir.get()
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "astra"


def unknown() -> list[str]:
    """Variables of the environment that look like settings of Astra but are none: misspelled, most likely."""
    known = {setting.variable for setting in SETTINGS}
    return sorted(name for name in os.environ if name.startswith("ASTRA_") and name not in known)


if __name__ == "__main__":
    for setting in SETTINGS:
        print(f"{setting.variable} = {setting.get()!r} (default {setting.default!r}): {setting.doc}")
    for name in unknown():
        print(f"{name} is no setting of Astra")
