"""A compiled function: call it, and look at how it was made.

Between the compile driver, which makes it, and the API, which adds pytrees and array kinds around it.  The call path is
kept short: checks that pass cost a comparison, pointer arrays are reused, small results share one allocation.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astra_mlir import compiler
from astra_mlir.bindings import make_context
from astra_mlir.cost import Cost, cost_of
from astra_mlir.errors import AstraError
from astra_mlir.passes.rematerialize import predicted_peak
from astra_mlir.passes.transforms import find_function
from astra_mlir.program import Program
from astra_mlir.runtime import ALIGNMENT, Call, data_pointer, empty, runtime, thread_override
from astra_mlir.signature import ArraySpec, Signature
from astra_mlir.target_machine import CodegenOptions, LoadedCode, TargetMachine, assembly, optimized_ir

__all__ = ["Executable", "Memory"]

# Results up to the first size share allocations of up to the second: a small result that is kept (a loss at each step)
# must not keep much else.
_SMALL_BYTES = 1024
_SHARED_BYTES = 4096


@dataclass(frozen=True)
class Memory:
    """Bytes that a call needs: arguments, results, scratch, constants kept with the function, machine code."""

    argument_bytes: int
    output_bytes: int
    arena_bytes: int
    constant_bytes: int
    code_bytes: int

    @property
    def peak_bytes(self) -> int:
        """Everything that is alive at once during a call."""
        return self.argument_bytes + self.output_bytes + self.arena_bytes + self.constant_bytes


class _Frame:
    """The pointer arrays of one running call."""

    __slots__ = ("address", "call", "inputs", "outputs")

    def __init__(self, entry: int, arena_bytes: int, inputs: int, outputs: int, constants: Sequence[int]) -> None:
        self.inputs = (ctypes.c_void_p * max(1, inputs + len(constants)))()
        self.inputs[inputs : inputs + len(constants)] = list(constants)
        self.outputs = (ctypes.c_void_p * max(1, outputs))()
        self.call = Call(
            ctypes.sizeof(Call), entry, ctypes.addressof(self.inputs), ctypes.addressof(self.outputs), arena_bytes, 0
        )
        self.address = ctypes.addressof(self.call)


class Executable:
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
    ) -> None:
        self.program = program
        self.signature = signature
        self.target = target
        self.options = options
        self.arena_bytes = arena_bytes
        self.compile_times = compile_times
        self.objects = tuple(objects)
        self._code = code
        self._constants = [np.ascontiguousarray(c) for c in (*program.constants, *constants)]
        self._constant_pointers = [data_pointer(c) for c in self._constants]
        self._entry_address = code.address(compiler.entry_symbol(program.entry)) if code else 0
        self._count = len(signature.inputs)
        self._frames: list[_Frame] = []
        self._execute = runtime().execute
        self._plan_outputs(signature.outputs)

    def _plan_outputs(self, outputs: Sequence[ArraySpec]) -> None:
        """Give each small result a place in a shared allocation; the others get allocations of their own."""
        self._shared_sizes: list[int] = []
        self._output_plan: list[tuple[tuple[int, ...], np.dtype[Any], int, int, int]] = []
        for spec in outputs:
            block = offset = -1
            if spec.nbytes <= _SMALL_BYTES:
                size = -(-max(spec.nbytes, 1) // ALIGNMENT) * ALIGNMENT
                if not self._shared_sizes or self._shared_sizes[-1] + size > _SHARED_BYTES:
                    self._shared_sizes.append(0)
                block, offset = len(self._shared_sizes) - 1, self._shared_sizes[-1]
                self._shared_sizes[-1] += size
            self._output_plan.append((spec.shape, spec.dtype, spec.nbytes, block, offset))

    # --- calling -------------------------------------------------------------------------------------------------

    def __call__(self, *arguments: Any) -> tuple[np.ndarray[Any, Any], ...]:
        """Run on arrays, one per argument of the function.

        Raises :class:`ShapeError` or :class:`DTypeError`, naming the argument, when one does not fit.
        """
        inputs = self.signature.inputs
        if len(arguments) != len(inputs):
            self.signature.check_count(len(arguments))
        arrays = [spec.accept(value) for spec, value in zip(inputs, arguments, strict=True)]
        return tuple(self.run_pointers([data_pointer(a) for a in arrays]))

    def run_pointers(self, pointers: Sequence[int]) -> list[np.ndarray[Any, Any]]:
        """Run on addresses of C-contiguous arrays that match the signature and stay alive; nothing is checked."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = self._new_frame()
        if self._count:
            frame.inputs[: self._count] = pointers  # type: ignore[call-overload]
        results = self._allocate_outputs(frame.outputs)
        frame.call.num_threads = thread_override.get()
        self._execute(frame.address)
        self._frames.append(frame)
        return results

    def _new_frame(self) -> _Frame:
        if not self._entry_address:
            raise AstraError(f"@{self.program.entry} cannot be called here: {self.target.why_not_here()}")
        return _Frame(
            self._entry_address, self.arena_bytes, self._count, len(self._output_plan), self._constant_pointers
        )

    def _allocate_outputs(self, addresses: ctypes.Array[ctypes.c_void_p]) -> list[np.ndarray[Any, Any]]:
        results = []
        shared = [np.empty(size, np.uint8) for size in self._shared_sizes]
        bases = [data_pointer(block) for block in shared]
        for i, (shape, dtype, nbytes, block, offset) in enumerate(self._output_plan):
            if block < 0:
                array = empty(shape, dtype, nbytes)
                addresses[i] = data_pointer(array)
            else:
                array = np.ndarray(shape, dtype, shared[block], offset)
                addresses[i] = bases[block] + offset  # type: ignore[operator]
            results.append(array)
        return results

    # --- looking at it -------------------------------------------------------------------------------------------

    def ir(self, stage: str = "astra", *, large_elements_limit: int | None = 64) -> str:
        """The program's IR after a stage (``stablehlo``, ``astra``, ``linalg``, ``memref``, ``kernels``, ``loops``,
        ``llvm``).

        Made anew from the stored program.  Constants of more elements than the limit are elided; None prints all.
        """
        module = compiler.lower(self.program, make_context(), stage, self.target)
        return module.operation.get_asm(large_elements_limit=large_elements_limit)

    def llvm_ir(self, *, optimized: bool = False) -> str:
        """The LLVM IR text, as generated or after LLVM's optimisation for the target."""
        text = compiler.llvm_ir_of(compiler.lower(self.program, make_context(), "llvm", self.target))
        return optimized_ir(text, self.target, self.options) if optimized else text

    def asm(self) -> str:
        """The assembly text for the target."""
        return assembly(self.llvm_ir(), self.target, self.options)

    def cost(self) -> Cost:
        """Floating-point operations and bytes accessed of the program's Astra IR."""
        return cost_of(compiler.lower(self.program, make_context(), "astra", self.target), self.program.entry)

    def memory(self) -> Memory:
        """Bytes of arguments, results, arena, constants and code."""
        return Memory(
            argument_bytes=sum(spec.nbytes for spec in self.signature.inputs),
            output_bytes=sum(spec.nbytes for spec in self.signature.outputs),
            arena_bytes=self.arena_bytes,
            constant_bytes=sum(c.nbytes for c in self._constants),
            code_bytes=sum(map(len, self.objects)),
        )

    def predicted_peak_bytes(self) -> int:
        """The bytes of temporaries that ``astra-rematerialize`` predicts from the Astra IR, beside ``arena_bytes``."""
        module = compiler.lower(self.program, make_context(), "astra", self.target)
        return predicted_peak(find_function(module.operation, self.program.entry, "predicted_peak_bytes"))

    def __repr__(self) -> str:
        return f"<astra executable @{self.program.entry} {self.signature} for {self.target.cpu}>"
