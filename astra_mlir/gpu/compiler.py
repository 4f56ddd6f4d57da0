"""Programs for NVIDIA GPUs: the stages of ``astra-gpu-pipeline``, the host's part to native code, kernels to a cubin.

Beside ``compiler.py``, which does the same for CPUs; makes a :class:`~astra_mlir.gpu.executable.GpuExecutable`.  From
stage ``tile`` on a program is two: the tile functions, which ``passes/gpu`` and ``gpu/machine.py`` make kernels of, and
the host's functions, which launch them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import compiler, target_machine
from astra_mlir.errors import AstraError, CompileError, UnsupportedError
from astra_mlir.garbage import only_new_objects
from astra_mlir.gpu.machine import GpuMachine
from astra_mlir.program import Program
from astra_mlir.signature import Signature, signature_of
from astra_mlir.target_machine import CodegenOptions, TargetMachine

if TYPE_CHECKING:
    from astra_mlir.bindings import ir

__all__ = ["GpuProgram", "bytecode", "compile_gpu_program", "lower_for_gpu", "tile_module"]


@dataclass
class GpuProgram:
    """What a GPU executable is made of, beside its program."""

    signature: Signature
    host_objects: Sequence[bytes]
    arena_bytes: int
    constants: Sequence[np.ndarray[Any, Any]]
    aliases: Sequence[int]
    kernels: Sequence[str]  # names, by their numbers
    tile_text: bytes  # the module of the tile functions, bytecode
    straight_line: bool
    times: dict[str, float] = field(default_factory=dict)


def lower_for_gpu(
    program: Program,
    context: ir.Context,
    stage: str,
    times: dict[str, float] | None = None,
    after: Callable[[str, ir.Module], None] | None = None,
) -> ir.Module:
    """The program's module after a stage of the GPU pipeline; ``after`` is called with the module after each."""
    from astra_mlir import config
    from astra_mlir.bindings import ir
    from astra_mlir.passes import run_pipeline
    from astra_mlir.passes.pipelines import GPU_STAGE_NAMES, stage_pipeline
    from astra_mlir.passes.target import TARGET_ATTRIBUTE

    if stage not in GPU_STAGE_NAMES:
        raise AstraError(f"no stage '{stage}'; the stages are {', '.join(GPU_STAGE_NAMES)}")
    times = {} if times is None else times
    module = program.parse(context)
    with module.context, ir.Location.unknown():
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(TargetMachine.host().schedule)
    for name in GPU_STAGE_NAMES[1 : GPU_STAGE_NAMES.index(stage) + 1]:
        start = time.perf_counter()
        try:
            run_pipeline(module, stage_pipeline(name, "gpu"), verify=config.verify_passes.get())
        except ir.MLIRError as error:
            raise CompileError(f"a pass of stage '{name}' failed: {error}") from error
        times[name] = time.perf_counter() - start
        if after is not None:
            after(name, module)
    return module


def tile_module(module: ir.Module) -> ir.Module:
    """A module of the tile functions of a module after stage ``tile``."""
    from astra_mlir.bindings import ir
    from astra_mlir.dialects.tile import TILE_ATTRIBUTE

    with module.context, ir.Location.unknown():
        made = ir.Module.create()
        for op in module.body.operations:
            if TILE_ATTRIBUTE in op.operation.attributes:
                made.body.append(op.operation.clone())
    return made


def compile_gpu_program(program: Program, target: str | GpuMachine, options: CodegenOptions | None = None) -> Any:
    """Compile a program for a GPU; it is called where there is one, and can be looked at everywhere.

    Raises :class:`UnsupportedError`, naming the operation and its place, for what has no kernel on GPUs.
    """
    from astra_mlir.gpu.executable import GpuExecutable

    machine = target if isinstance(target, GpuMachine) else GpuMachine.parse(target)
    options = options or CodegenOptions.default()
    with only_new_objects():
        compiled = _compiled(program, options)
    return GpuExecutable(program, machine, compiled)


def _compiled(program: Program, options: CodegenOptions) -> GpuProgram:
    from astra_mlir.bindings import ir, make_context
    from astra_mlir.passes.emit_launches import KERNELS, READS

    times: dict[str, float] = {}
    context = make_context()
    start = time.perf_counter()
    signature = signature_of(program.parse(context), program.entry, program.input_paths)
    times["stablehlo"] = time.perf_counter() - start
    tiles: list[bytes] = []

    def keep_tiles(stage: str, module: ir.Module) -> None:
        if stage == "tile":
            tiles.append(bytecode(tile_module(module)))

    module = lower_for_gpu(program, context, "llvm", times, keep_tiles)
    if compiler._call_targets_of(module):
        raise UnsupportedError(f"{program.name} calls functions by name, which run on no GPU")
    start = time.perf_counter()
    aliases = compiler._aliases_of(module, program.entry)
    arena_bytes, constants = compiler._plan_of(module)
    attributes = module.operation.attributes
    kernels = [ir.StringAttr(name).value for name in ir.ArrayAttr(attributes[KERNELS])]
    straight_line = READS not in attributes
    text = compiler.llvm_ir_of(module)
    times["translate"] = time.perf_counter() - start
    start = time.perf_counter()
    objects = target_machine.object_code(text, TargetMachine.host(), options)
    times["codegen"] = time.perf_counter() - start
    signature = compiler._without_constants(signature, program)
    return GpuProgram(signature, objects, arena_bytes, constants, aliases, kernels, tiles[0], straight_line, times)


def bytecode(module: ir.Module) -> bytes:
    """A module as bytecode."""
    buffer = io.BytesIO()
    module.operation.write_bytecode(buffer)
    return buffer.getvalue()
