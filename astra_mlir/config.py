"""Every environment setting of Astra, with its default and what it does.

Nothing else in the package reads the environment.  Settings are read when they are used, so a program may change them
before the first use.  ``python -m astra_mlir.config`` prints them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from astra_mlir.errors import AstraError

__all__ = ["SETTINGS", "Setting"]

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


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("the number is negative")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("the number is not positive")
    return value


def _flag(text: str) -> bool:
    if text.lower() not in ("0", "1", "true", "false"):
        raise ValueError("expected 0 or 1")
    return text.lower() in ("1", "true")


num_threads = Setting("ASTRA_NUM_THREADS", 0, _count, "the threads of parallel loops; 0: what the process may use")
target = Setting("ASTRA_TARGET", "host", str, "the processor to compile for when a call names none (see Target.parse)")
optimization_level = Setting("ASTRA_OPT_LEVEL", 3, _count, "LLVM's optimisation level, 0 to 3")
compile_threads = Setting("ASTRA_COMPILE_THREADS", 2, _positive, "threads that generate machine code for one program")
num_devices = Setting("ASTRA_NUM_DEVICES", 1, _positive, "the virtual devices of the JAX backend")
verify_passes = Setting("ASTRA_VERIFY_PASSES", False, _flag, "whether IR is verified after each pass: 1 or 0")
jit_cache_size = Setting("ASTRA_JIT_CACHE_SIZE", 128, _count, "compiled signatures that one jit function keeps")
cache_bytes = Setting("ASTRA_BUFFER_CACHE_BYTES", 1 << 30, _count, "free buffers that the runtime keeps for reuse")
use_cache = Setting(
    "ASTRA_CACHE", True, _flag, "whether compiled programs are kept on disk for later processes: 1 or 0"
)
cache_dir = Setting("ASTRA_CACHE_DIR", "", str, "the folder of kept programs; by default ~/.cache/astra")
cache_max_bytes = Setting("ASTRA_CACHE_MAX_BYTES", 1 << 30, _count, "the most bytes of compiled programs that are kept")
runtime_library = Setting(
    "ASTRA_RUNTIME_LIBRARY", "", str, "path of libastra_runtime.so, in place of the installed one"
)

SETTINGS: tuple[Setting, ...] = (  # type: ignore[type-arg]
    num_threads, num_devices, target, optimization_level, compile_threads, verify_passes, jit_cache_size, cache_bytes,
    use_cache, cache_dir, cache_max_bytes, runtime_library,
)  # fmt: skip

if __name__ == "__main__":
    for setting in SETTINGS:
        print(f"{setting.variable} (default {setting.default!r}): {setting.doc}")
