"""A compiled function: call it, and look at how it was made.

Between the compile driver, which makes it, and the API, which adds pytrees and array kinds around it.  The call itself
is native (``runtime/python/function.cpp``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import compiler
from astra_mlir.errors import AstraError
from astra_mlir.native import Function
from astra_mlir.program import Program
from astra_mlir.runtime import runtime, thread_limit
from astra_mlir.saved import saved_bytes
from astra_mlir.signature import Signature
from astra_mlir.target_machine import CodegenOptions, LoadedCode, TargetMachine, assembly, optimized_ir

# MLIR is imported where it is used: code that was found in the cache runs without it.
if TYPE_CHECKING:
    from astra_mlir.bindings import ir as mlir
    from astra_mlir.cost import Cost

__all__ = ["Executable", "Memory"]


@dataclass(frozen=True)
class Memory:
    """Bytes that a call needs: arguments, results, scratch, constants kept with the function, machine code."""

    argument_bytes: int
    output_bytes: int
    arena_bytes: int
    constant_bytes: int
    code_bytes: int
    alias_bytes: int = 0  # of results that are in the memory of donated arguments, and counted with both

    @property
    def peak_bytes(self) -> int:
        """Everything that is alive at once during a call."""
        return self.argument_bytes + self.output_bytes - self.alias_bytes + self.arena_bytes + self.constant_bytes


class Executable(Function):
    """A function compiled for a target; called with arrays it gives a tuple of new NumPy arrays.

    >>> import astra_mlir as astra
    >>> exe = astra.compile("func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }")
    >>> exe.signature.inputs[0].shape
    (4,)
    """

    def __init__(
        self,
        program: Program,
        signature: Signature,
        target: TargetMachine,
        options: CodegenOptions,
        objects: Sequence[bytes],
        code: LoadedCode | None,
        arena_bytes: int,
        constants: Sequence[np.ndarray[Any, Any]],
        compile_times: dict[str, float],
        aliases: Sequence[int] = (),
        call_targets: Sequence[str] = (),
        stages: Mapping[str, bytes] | None = None,
    ) -> None:
        self.program = program
        self.signature = signature
        self.target = target
        self.options = options
        self.arena_bytes = arena_bytes
        self.aliases = tuple(aliases)
        self.call_targets = tuple(call_targets)
        self.compile_times = compile_times
        self.objects = tuple(objects)
        self._stages = dict(stages or {})
        self._code = code
        self.constants = [np.ascontiguousarray(c) for c in (*program.constants, *constants)]
        self.entry_address = code.address(compiler.entry_symbol(program.entry)) if code else 0
        runtime()  # the native path runs on its context
        inputs, outputs = (
            [(spec.dtype, spec.shape) for spec in specs] for specs in (signature.inputs, signature.outputs)
        )
        self._bind(self.entry_address, arena_bytes, inputs, outputs, tuple(self.constants), self.aliases)

    # --- calling -------------------------------------------------------------------------------------------------

    # A call is the native one of `Function`: with NumPy arrays that fit it goes straight to the code.

    def _call_checked(self, arguments: tuple[Any, ...]) -> tuple[np.ndarray[Any, Any], ...]:
        """The call on arguments that are not simply arrays that fit: converts what can be, refuses the rest.

        Raises :class:`ShapeError` or :class:`DTypeError`, naming the argument, when one does not fit.
        """
        if self._code is None:
            raise AstraError(f"@{self.program.entry} cannot be called here: {self.target.why_not_here()}")
        self.signature.check_count(len(arguments))
        arrays = [spec.accept(value) for spec, value in zip(self.signature.inputs, arguments, strict=True)]
        return self.run_pointers([array.ctypes.data for array in arrays])

    @property
    def num_threads(self) -> int:
        """The most threads that a call takes; 0 (the default): those of ``astra.threads`` or of the process."""
        return self._num_threads

    @num_threads.setter
    def num_threads(self, count: int) -> None:
        self._num_threads = thread_limit("Executable.num_threads", count)

    # --- looking at it -------------------------------------------------------------------------------------------

    def ir(self, stage: str = "astra", *, large_elements_limit: int | None = 64) -> str:
        """The program's IR after a stage (``stablehlo``, ``astra``, ``linalg``, ``memref``, ``kernels``, ``loops``,
        ``llvm``).

        Made anew from the stored program.  Constants of more elements than the limit are elided; None prints all.
        """
        return self._lowered(stage).operation.get_asm(large_elements_limit=large_elements_limit)

    def llvm_ir(self, *, optimized: bool = False) -> str:
        """The LLVM IR text, as generated or after LLVM's optimisation for the target."""
        text = compiler.llvm_ir_of(self._lowered("llvm"))
        return optimized_ir(text, self.target, self.options) if optimized else text

    def asm(self) -> str:
        """The assembly text for the target."""
        return assembly(self.llvm_ir(), self.target, self.options)

    def schedules(self) -> dict[str, str]:
        """What was chosen for each kernel: tiles and packing of products, loops and tasks of the others."""
        from astra_mlir.passes.schedules import schedules_of

        return schedules_of(self._lowered("loops").operation)

    def cost(self) -> Cost:
        """Floating-point operations and bytes accessed of the program's Astra IR, and the kernels it is fused to."""
        from astra_mlir.cost import cost_of, groups_of

        groups = groups_of(self.stage("kernels"))  # first: one that has to be made leaves the other
        cost = cost_of(self.stage("astra"), self.program.entry)
        cost.groups = groups
        return cost

    def stage(self, name: str) -> mlir.Module:
        """The program after stage "astra" or "kernels", as compilation left it; lowered where its code was on disk.

        Inner functions of kernels may be missing in it, which :meth:`ir` has.
        """
        from astra_mlir.bindings import ir, make_context

        if name not in self._stages:
            return compiler.lower(self.program, make_context(), name, self.target, kept=self._stages)
        return ir.Module.parse(self._stages[name], make_context())

    def memory(self) -> Memory:
        """Bytes of arguments, results, arena, constants and code."""
        return Memory(
            argument_bytes=sum(spec.nbytes for spec in self.signature.inputs),
            output_bytes=sum(spec.nbytes for spec in self.signature.outputs),
            arena_bytes=self.arena_bytes,
            constant_bytes=sum(c.nbytes for c in self.constants),
            code_bytes=sum(map(len, self.objects)),
            alias_bytes=sum(
                spec.nbytes for spec, alias in zip(self.signature.outputs, self.aliases, strict=False) if alias >= 0
            ),
        )

    def predicted_peak_bytes(self) -> int:
        """The bytes of temporaries that ``astra-rematerialize`` predicts from the Astra IR, beside ``arena_bytes``."""
        from astra_mlir.passes.rematerialize import predicted_peak
        from astra_mlir.passes.transforms import find_function

        module = self._lowered("astra")  # held by name: a function of it does not keep its module
        return predicted_peak(find_function(module.operation, self.program.entry, "predicted_peak_bytes"))

    def _lowered(self, stage: str) -> mlir.Module:
        from astra_mlir.bindings import make_context

        return compiler.lower(self.program, make_context(), stage, self.target)

    def save(self, path: str | Path) -> None:
        """Write the compiled function to a file, which the runtime's ``function_load`` loads (docs/runtime.md).

        The file has the code, the constants, the signature, what the code needs of a processor and the names of the
        functions that it calls (LAPACK's), which must be registered where it is loaded.  Raises :class:`AstraError`
        for a program that calls Python functions.
        """
        Path(path).write_bytes(saved_bytes(self))

    def __repr__(self) -> str:
        return f"<astra executable @{self.program.entry} {self.signature} for {self.target.cpu}>"
