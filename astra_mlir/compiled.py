"""What compiled functions of every frontend have in common: ways to look at them, and the counts of a cache.

Above ``executable.py``, below the modules of the frontends.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from astra_mlir.executable import Executable, Memory
from astra_mlir.native import Plan
from astra_mlir.runtime import thread_limit
from astra_mlir.signature import Signature

if TYPE_CHECKING:
    from astra_mlir.cost import Cost

__all__ = ["CacheInfo", "Compiled", "CompiledPlan"]


class CacheInfo(NamedTuple):
    """Calls served from the cache, signatures compiled, the bound, and signatures held now."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class Compiled:
    """A function compiled for one signature; ``executable`` is the flat function underneath."""

    executable: Executable

    @property
    def signature(self) -> Signature:
        """Shapes and element types of the flattened arguments and results."""
        return self.executable.signature

    @property
    def compile_times(self) -> dict[str, float]:
        """Seconds that each step of compiling took."""
        return self.executable.compile_times

    def ir(self, stage: str = "astra", *, large_elements_limit: int | None = 64) -> str:
        """The IR after a stage; see :meth:`Executable.ir`."""
        return self.executable.ir(stage, large_elements_limit=large_elements_limit)

    def llvm_ir(self, *, optimized: bool = False) -> str:
        """The LLVM IR; see :meth:`Executable.llvm_ir`."""
        return self.executable.llvm_ir(optimized=optimized)

    def asm(self) -> str:
        """The assembly text for the target."""
        return self.executable.asm()

    def schedules(self) -> dict[str, str]:
        """What was chosen for each kernel; see :meth:`Executable.schedules`."""
        return self.executable.schedules()

    def cost(self) -> Cost:
        """Floating-point operations and bytes accessed."""
        return self.executable.cost()

    def memory(self) -> Memory:
        """Bytes of arguments, results, arena, constants and code."""
        return self.executable.memory()

    def predicted_peak_bytes(self) -> int:
        """The bytes of temporaries predicted from the Astra IR; see :meth:`Executable.predicted_peak_bytes`."""
        return self.executable.predicted_peak_bytes()

    def save(self, path: str | Path) -> None:
        """Write the function to a file for programs without Python; see :meth:`Executable.save`."""
        self.executable.save(path)

    def __repr__(self) -> str:
        return f"<astra compiled {self.executable.program.name} {self.signature} for {self.executable.target.cpu}>"


class CompiledPlan(Compiled, Plan):
    """One that is called natively on trees of arrays."""

    @property
    def num_threads(self) -> int:
        """The most threads that a call takes; 0 (the default): those of ``astra.threads`` or of the process."""
        return self._num_threads

    @num_threads.setter
    def num_threads(self, count: int) -> None:
        self._num_threads = thread_limit("num_threads", count)
