"""Whole GPU programs without a GPU: for processes whose CUDA driver is the fake one (``tests/runtime/gpu_driver.py``).

Launches, device memory and control flow are those of a GPU; the tile functions run in ``tile_interpreter.py``, or,
with ``compiled``, as the CPU code that ``gpu_emulation.py`` makes of them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.gpu import emulation as gpu_emulation
from astra_mlir.gpu.code import device_code
from astra_mlir.gpu.compiler import compile_gpu_program, lower_for_gpu
from astra_mlir.gpu.executable import GpuExecutable
from astra_mlir.gpu.machine import GpuMachine
from astra_mlir.gpu.runtime import Kernel
from astra_mlir.jax_frontend import capture as capturing
from astra_mlir.passes.traversal import walk
from tests.passes import tile_interpreter
from tools.ptx_emulator import launch as run_ptx

_ENTRY = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p)
_MOST = 1 << 26  # bytes behind a pointer: its size is not known


def interpreted_code(tile_text: bytes, names: Sequence[str]) -> tuple[bytes, list[Kernel], Any]:
    """What ``gpu_emulation.emulated_code`` gives, with the interpreter behind each kernel."""
    context = make_context()
    module = ir.Module.parse(tile_text, context)
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation for op in module.body.operations
    }
    entries, kernels, kept = [], [], [module]
    for name in names:
        kinds = [argument.type for argument in functions[name].regions[0].blocks[0].arguments]
        entry = _ENTRY(_caller(context, functions[name], kinds))
        sizes = [0 if isinstance(k, ir.MemRefType) else tile_interpreter._dtype(k).itemsize for k in kinds]
        entries.append((name, ctypes.cast(entry, ctypes.c_void_p).value or 0, sizes))
        kernels.append(Kernel(name, 128, len(kinds)))
        kept.append(entry)
    return gpu_emulation.image_of(entries), kernels, kept


def _caller(context: Any, function: ir.Operation, kinds: Sequence[ir.Type]) -> Callable[[Any, Any, Any], None]:
    def call(inputs: Any, outputs: Any, arena: Any) -> None:
        try:
            given = []
            for place, kind in zip(inputs[1 : len(kinds) + 1], kinds, strict=True):
                if isinstance(kind, ir.MemRefType):
                    memory = (ctypes.c_char * _MOST).from_address(place) if place else b""
                    given.append(np.frombuffer(memory, tile_interpreter._dtype(kind.element_type)))
                else:
                    bits = (ctypes.c_char * 8).from_address(place)
                    given.append(np.frombuffer(bits, tile_interpreter._dtype(kind), 1)[0])
            grid = [*(ctypes.c_int64 * 3).from_address(inputs[0])]
            with context:
                tile_interpreter.run(function, given, grid)
        except BaseException:
            traceback.print_exc()
            print(function, file=sys.stderr, flush=True)
            os._exit(1)  # no exception may go through native code

    return call


def ptx_code(tile_text: bytes, names: Sequence[str]) -> tuple[bytes, list[Kernel], Any]:
    """What ``gpu_emulation.emulated_code`` gives, with the emulator of PTX behind each kernel: what a GPU would run."""
    code = device_code(tile_text, names, GpuMachine.parse("sm_90a"))
    module = ir.Module.parse(tile_text, make_context())
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation for op in module.body.operations
    }
    entries, kept = [], []
    for kernel in code.launches:
        kinds = [argument.type for argument in functions[kernel.name].regions[0].blocks[0].arguments]
        entry = _ENTRY(_ptx_caller(code.ptx, kernel, kinds))
        sizes = [0 if isinstance(k, ir.MemRefType) else tile_interpreter._dtype(k).itemsize for k in kinds]
        entries.append((kernel.name, ctypes.cast(entry, ctypes.c_void_p).value or 0, sizes))
        kept.append(entry)
    kernels = [Kernel(kernel.name, 128, kernel.parameters) for kernel in code.launches]
    return gpu_emulation.image_of(entries), kernels, [kept, module]


def _ptx_caller(ptx: str, kernel: Kernel, kinds: Sequence[ir.Type]) -> Callable[[Any, Any, Any], None]:
    pointers = [isinstance(kind, ir.MemRefType) for kind in kinds]
    scalars = [
        None if pointer else tile_interpreter._dtype(kind) for pointer, kind in zip(pointers, kinds, strict=True)
    ]

    def call(inputs: Any, outputs: Any, arena: Any) -> None:
        try:
            given = []
            for place, kind in zip(inputs[1 : len(scalars) + 1], scalars, strict=True):
                if kind is None:
                    given.append(np.frombuffer((ctypes.c_char * _MOST).from_address(place or 0x1000), np.uint8))
                else:
                    given.append(np.frombuffer((ctypes.c_char * 8).from_address(place), kind, 1)[0])
            grid = [*(ctypes.c_int64 * 3).from_address(inputs[0])]
            run_ptx(
                ptx, kernel.name, grid=grid, block=(kernel.threads, 1, 1), arguments=given,
                shared_bytes=kernel.shared_bytes,
            )  # fmt: skip
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # no exception may go through native code

    return call


def launches(function: Callable[..., Any], *arguments: Any) -> int:
    """How many kernels one call of a program without loops launches."""
    program = capturing.capture(function, arguments, {}).program
    module = lower_for_gpu(program, make_context(), "tile")
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation for op in module.body.operations
    }

    def count(name: str) -> int:
        total = 0
        for block in functions[name].regions[0].blocks:
            for op in walk(block):
                if op.name == "func.call":
                    total += count(ir.FlatSymbolRefAttr(op.attributes["callee"]).value)
                total += op.name == "astra.gpu_launch"
        return total

    return count(program.entry)


def compile(function: Callable[..., Any], *arguments: Any) -> GpuExecutable:
    """A function of JAX for a Hopper GPU."""
    made: GpuExecutable = compile_gpu_program(capturing.capture(function, arguments, {}).program, "cuda:sm_90a")
    return made


def check(
    function: Callable[..., Any], *arguments: Any, tol: float = 1e-5, code: Callable[..., Any] | None = None
) -> GpuExecutable:
    """Run a function as a GPU program and compare with JAX on the CPU; two runs have to give the same bits.

    ``code``: what runs the kernels, :func:`interpreted_code` or :func:`ptx_code`, in place of code for the CPU.
    """
    if code is not None:
        gpu_emulation.emulated_code = code
    given = [np.asarray(value) for value in arguments]
    exe = compile(function, *given)
    results, again = exe(*given), exe(*given)
    expected = jax.tree_util.tree_leaves(jax.jit(function)(*given))
    assert len(results) == len(expected)
    for result, other, value in zip(results, again, map(np.asarray, expected), strict=True):
        assert result.shape == value.shape and result.dtype == value.dtype
        wide = np.complex128 if value.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(result.astype(wide), value.astype(wide), rtol=tol, atol=tol)
        assert result.tobytes() == other.tobytes()
    return exe
