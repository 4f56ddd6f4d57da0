"""A function compiled for a GPU: its kernels' PTX and resources anywhere, calls where there is a driver and a device.

Made by ``gpu/compiler.py``.  The kernels are assembled when they are first asked for.  A call copies NumPy arrays to
the device and results back; device arrays of other frameworks (DLPack) are taken where they are, and then results stay
on the device, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import compiler, target_machine
from astra_mlir.errors import AstraError
from astra_mlir.gpu import machine as gpu_machine
from astra_mlir.gpu import runtime as gpu_runtime
from astra_mlir.gpu.arrays import DeviceArray, callers_stream, device_pointer, is_device_array
from astra_mlir.gpu.machine import Cubin, GpuMachine
from astra_mlir.gpu.runtime import DeviceMemory, GpuModule
from astra_mlir.program import Program

if TYPE_CHECKING:
    from astra_mlir.cost import Cost
    from astra_mlir.executable import Memory
    from astra_mlir.gpu.code import DeviceCode
    from astra_mlir.gpu.compiler import GpuProgram
    from astra_mlir.passes.gpu.report import KernelReport, Roofline

__all__ = ["GpuExecutable", "why_not_on"]

_ALIGNMENT = 16  # of pointers, which kernels count on


class GpuExecutable:
    """A function compiled for a GPU; called with arrays it gives a tuple of arrays.

    NumPy arrays in give NumPy arrays, device arrays in give :class:`DeviceArray`.
    """

    def __init__(self, program: Program, target: GpuMachine, compiled: GpuProgram) -> None:
        self.program, self.target, self.compiled = program, target, compiled
        self.signature = compiled.signature
        self.compile_times = compiled.times
        self.device = 0

    # --- calling -------------------------------------------------------------------------------------------------

    @cached_property
    def _loaded(self) -> _Loaded:
        return _Loaded(self)

    def __call__(self, *arguments: Any) -> tuple[Any, ...]:
        """Run on arrays that fit the signature.

        Raises :class:`AstraError` with the reason where there is no driver or device, or another one than was
        compiled for; :class:`ShapeError` and :class:`DTypeError` for arguments that do not fit.
        """
        self.signature.check_count(len(arguments))
        loaded = self._loaded
        kept: list[Any] = []
        addresses = []
        stays = any(is_device_array(value) for value in arguments)
        for number, (spec, value) in enumerate(zip(self.signature.inputs, arguments, strict=True)):
            if is_device_array(value):
                address, owner = device_pointer(value, spec, self.device)
                if address % _ALIGNMENT or number in self.compiled.aliases:
                    moved = DeviceMemory(spec.nbytes, self.device)
                    gpu_runtime.copy(moved.address, address, spec.nbytes, gpu_runtime.WITHIN, self.device)
                    address, owner = moved.address, (moved, owner)
            else:
                memory = DeviceMemory.of(spec.accept(value), self.device)
                address, owner = memory.address, memory
            kept.append(owner)
            addresses.append(address)
        outputs = []
        for number, spec in enumerate(self.signature.outputs):
            alias = self.compiled.aliases[number] if self.compiled.aliases else -1
            memory = _owned(kept[alias]) if alias >= 0 else DeviceMemory(spec.nbytes, self.device)
            outputs.append(memory)
        stream = callers_stream(arguments, self.device) if stays else 0
        loaded.run(addresses, [memory.address for memory in outputs], stream)
        if stays and any(_is_jax(value) for value in arguments):
            gpu_runtime.synchronize(self.device)  # what JAX does next, it does on streams of its own
        if stays:
            return tuple(DeviceArray(m, s.shape, s.dtype) for m, s in zip(outputs, self.signature.outputs, strict=True))
        results = []
        for memory, spec in zip(outputs, self.signature.outputs, strict=True):
            array = np.empty(spec.shape, spec.dtype)
            memory.to_host(array)
            results.append(array)
        return tuple(results)

    # --- looking at it -------------------------------------------------------------------------------------------

    def ir(self, stage: str = "astra", *, large_elements_limit: int | None = 64) -> str:
        """The program's IR after a stage (``stablehlo``, ``astra``, ``linalg``, ``memref``, ``kernels``, ``tile``,
        ``llvm``)."""
        return self._lowered(stage).operation.get_asm(large_elements_limit=large_elements_limit)

    def _lowered(self, stage: str) -> Any:
        from astra_mlir.bindings import make_context
        from astra_mlir.gpu.compiler import lower_for_gpu

        return lower_for_gpu(self.program, make_context(), stage)

    @cached_property
    def code(self) -> DeviceCode:
        from astra_mlir.gpu.code import device_code

        return device_code(self.compiled.tile_text, self.compiled.kernels, self.target)

    def ptx(self) -> str:
        """The PTX of all kernels."""
        return self.code.ptx

    def cubin(self) -> Cubin:
        """The binary of all kernels and what each takes of the GPU's resources."""
        return self.code.cubin

    def sass(self) -> str:
        """The GPU's instructions, where a disassembler is on the path."""
        return gpu_machine.disassemble(self.cubin().data)

    def kernels(self) -> list[KernelReport]:
        """What each kernel takes: registers, spills, shared memory, threads, and how many programs fit at once."""
        return self.code.reports()

    def cost(self) -> Cost:
        """Floating-point operations and bytes accessed of the program's Astra IR."""
        from astra_mlir.cost import cost_of

        return cost_of(self._lowered("astra"), self.program.entry)

    def roofline(self, kind: str = "f16") -> Roofline:
        """The least time that the program's operations and bytes take on the GPU compiled for.

        ``kind`` says at what rate the operations count, as in ``passes.gpu.report.roofline``.
        """
        from astra_mlir.passes.gpu.report import roofline
        from astra_mlir.passes.gpu.target import gpu_target_named

        cost = self.cost()
        return roofline(gpu_target_named(str(self.target)), cost.flops, cost.bytes_accessed, kind)

    def memory(self) -> Memory:
        """Bytes of arguments, results, the arena on the device, constants and code."""
        from astra_mlir.executable import Memory

        constants = [*self.program.constants, *self.compiled.constants]
        outputs = self.signature.outputs
        aliases = [spec.nbytes for spec, alias in zip(outputs, self.compiled.aliases, strict=False) if alias >= 0]
        return Memory(
            argument_bytes=sum(spec.nbytes for spec in self.signature.inputs),
            output_bytes=sum(spec.nbytes for spec in outputs),
            arena_bytes=self.compiled.arena_bytes,
            constant_bytes=sum(array.nbytes for array in constants),
            code_bytes=sum(map(len, self.compiled.host_objects)),
            alias_bytes=sum(aliases),
        )

    def save(self, path: str | Path) -> None:
        """Write code, kernels and constants to a file, which ``astra_mlir.gpu.saved.load`` reads; needs no GPU."""
        from astra_mlir.gpu.saved import save

        save(self, path)

    def __repr__(self) -> str:
        return f"<astra compiled {self.program.name} {self.signature} for {self.target}>"


def why_not_on(machine: GpuMachine, info: gpu_runtime.DeviceInfo) -> str | None:
    """Why code for a GPU does not run on a device; None where it does."""
    needed = int("".join(filter(str.isdigit, machine.architecture)))
    exact = machine.architecture.endswith("a") or info.capability // 10 != needed // 10
    if info.is_emulated or info.capability == needed or (info.capability > needed and not exact):
        return None
    has = f"{info.capability // 10}.{info.capability % 10}"
    return f"it is code for {machine}, and {info.name} is of compute capability {has}"


def _is_jax(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and is_device_array(value) and isinstance(value, jax.Array)


def _owned(owner: Any) -> DeviceMemory:
    return owner[0] if isinstance(owner, tuple) else owner


class _Loaded:
    """An executable's code in this process and on a device."""

    def __init__(self, executable: GpuExecutable) -> None:
        compiled = executable.compiled
        info = gpu_runtime.device_info(executable.device)
        if info.is_emulated:
            from astra_mlir.gpu.emulation import emulated_code

            image, kernels, self._emulated = emulated_code(compiled.tile_text, compiled.kernels)
        else:
            if (why := why_not_on(executable.target, info)) is not None:
                raise AstraError(f"{executable.program.name} cannot run on device {executable.device}: {why}")
            code = executable.code
            image, kernels = code.cubin.data, list(code.launches)
        self.module = GpuModule(image, kernels, executable.device)
        self.host = target_machine.load(compiled.host_objects)
        self.entry = self.host.address(compiler.entry_symbol(executable.program.entry))
        self.constants = [DeviceMemory.of(array) for array in (*executable.program.constants, *compiled.constants)]
        self.arena_bytes, self.straight_line = compiled.arena_bytes, compiled.straight_line

    def run(self, inputs: Sequence[int], outputs: Sequence[int], stream: int = 0) -> None:
        """Put the program's work on device addresses into the stream."""
        given = [*inputs, *(memory.address for memory in self.constants)]
        self.module.execute(
            self.entry, given, outputs, self.arena_bytes, straight_line=self.straight_line, stream=stream
        )
