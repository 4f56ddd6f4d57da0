"""The compile driver: a program through the stages of ``astra-cpu-pipeline``, LLVM, and into this process.

Takes what capture or a file gives (``program.py``), runs the pass pipelines of ``passes/pipelines.py`` and the code
generator of ``target_machine.py``, and gives an :class:`~astra_mlir.executable.Executable`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir import config, program_cache, target_machine, tuned_choices
from astra_mlir.call_targets import is_known, names_this_process
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.garbage import only_new_objects
from astra_mlir.program import Program
from astra_mlir.program_cache import CompiledProgram
from astra_mlir.signature import Signature, signature_of
from astra_mlir.target_machine import CodegenOptions, TargetMachine, is_gpu_target

# MLIR and the passes are imported where they are used: a program whose code is in the cache needs neither.
if TYPE_CHECKING:
    from astra_mlir.bindings import ir
    from astra_mlir.executable import Executable

__all__ = ["compile_module", "compile_program", "entry_symbol", "llvm_ir_of", "lower"]

ARENA_ATTRIBUTE = "astra.arena_bytes"
CONSTANTS_ATTRIBUTE = "astra.constants"
# Stages whose modules an executable keeps as bytecode, for what is asked about it later (``Executable.cost``): 2 ms to
# write for GPT-2, where lowering it again takes 700.  Larger ones have large constants in them, and are made again.
_KEPT_STAGES = ("astra", "kernels")
_LARGEST_KEPT = 1 << 20


def entry_symbol(entry: str) -> str:
    """The symbol of the native entry that the pipeline makes for function ``entry``."""
    return f"astra_entry_{entry}"


def lower(
    program: Program,
    context: ir.Context,
    stage: str = "llvm",
    target: TargetMachine | None = None,
    times: dict[str, float] | None = None,
    kept: dict[str, bytes] | None = None,
) -> ir.Module:
    """The program's module after ``stage``; ``times`` takes each stage's seconds, ``kept`` the stages to keep."""
    from astra_mlir.passes.pipelines import STAGE_NAMES

    if stage not in STAGE_NAMES:
        raise AstraError(f"no stage '{stage}'; the stages are {', '.join(STAGE_NAMES)}")
    times = {} if times is None else times
    start = time.perf_counter()
    module = program.parse(context)
    times["stablehlo"] = time.perf_counter() - start
    return _run_stages(module, stage, target or TargetMachine.parse(config.target.get()), times, kept=kept)


def _run_stages(
    module: ir.Module,
    last: str,
    target: TargetMachine,
    times: dict[str, float],
    kernels_made: Callable[[], None] | None = None,
    kept: dict[str, bytes] | None = None,
) -> ir.Module:
    """Run the stages up to ``last``; ``kernels_made`` is called once between the passes of one.

    ``kept`` takes the module after the stages that an executable keeps.
    """
    from astra_mlir.bindings import ir
    from astra_mlir.passes import expand_pipeline, run_pipeline
    from astra_mlir.passes.pipelines import KERNELS_MADE, STAGE_NAMES, stage_pipeline
    from astra_mlir.passes.target import TARGET_ATTRIBUTE

    with module.context, ir.Location.unknown():
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(target.schedule)
    for stage in STAGE_NAMES[1 : STAGE_NAMES.index(last) + 1]:
        start = time.perf_counter()
        passes = expand_pipeline(stage_pipeline(stage))
        try:
            if kernels_made is not None and KERNELS_MADE in passes:
                place = passes.index(KERNELS_MADE) + 1
                run_pipeline(module, passes[:place], verify=config.verify_passes.get())
                kernels_made()
                passes = passes[place:]
            run_pipeline(module, passes, verify=config.verify_passes.get())
        except ir.MLIRError as error:
            raise CompileError(f"a pass of stage '{stage}' failed: {error}") from error
        if kept is not None and stage in _KEPT_STAGES:
            written = io.BytesIO()
            module.operation.write_bytecode(written)
            if written.tell() <= _LARGEST_KEPT:
                kept[stage] = written.getvalue()
        times[stage] = time.perf_counter() - start
    return module


def llvm_ir_of(module: ir.Module) -> str:
    """The LLVM IR text of a module after the ``llvm`` stage."""
    from astra_mlir.bindings import translate_to_llvm_ir

    with module.context:
        return translate_to_llvm_ir(module)


def compile_program(
    program: Program, *, target: str | TargetMachine | None = None, options: CodegenOptions | None = None
) -> Executable:
    """Compile a program for a target (None: the ``ASTRA_TARGET`` setting, which is the host by default).

    A program for a target that this machine is not can be looked at but not called.

    Raises :class:`InvalidProgramError` for a malformed program, :class:`UnsupportedError` for what Astra does not
    compile, :class:`CompileError` when a pass fails.
    """
    from astra_mlir.executable import Executable  # the executable asks this module for its IR

    if is_gpu_target(target):
        from astra_mlir.gpu.compiler import compile_gpu_program

        made: Executable = compile_gpu_program(program, str(target), options)
        return made
    machine = target if isinstance(target, TargetMachine) else TargetMachine.parse(target or config.target.get())
    options = options or CodegenOptions.default()
    times: dict[str, float] = {}
    start = time.perf_counter()
    # with such a name no other process asks for it
    again = not names_this_process(program.data) and not tuned_choices.is_trial()
    key = program_cache.key_of(program, machine, options) if again else ""
    compiled = program_cache.load(key) if again else None
    if compiled is not None and not all(map(is_known, compiled.call_targets)):
        compiled = None  # refused by name where it is compiled
    times["cache"] = time.perf_counter() - start
    if compiled is None:
        with only_new_objects():
            compiled = _compiled(program, machine, options, times)
        if again:
            program_cache.store(key, compiled)

    start = time.perf_counter()
    runs_here = machine.why_not_here() is None
    code = target_machine.load(compiled.objects) if runs_here else None
    times["load"] = time.perf_counter() - start
    signature = _without_constants(compiled.signature, program)
    return Executable(
        program, signature, machine, options, compiled.objects, code, compiled.arena_bytes, compiled.constants, times,
        compiled.aliases, compiled.call_targets, compiled.stages,
    )  # fmt: skip


def _compiled(
    program: Program, machine: TargetMachine, options: CodegenOptions, times: dict[str, float]
) -> CompiledProgram:
    """Run the passes and LLVM; seconds per stage go to ``times``."""
    start = time.perf_counter()
    from astra_mlir.bindings import make_context

    context = make_context()
    times["context"] = time.perf_counter() - start
    start = time.perf_counter()
    module = program.parse(context)
    signature = signature_of(module, program.entry, program.input_paths)
    times["stablehlo"] = time.perf_counter() - start
    stages: dict[str, bytes] = {}
    with target_machine.ObjectCode(machine, options) as code:

        def begin_inner_functions() -> None:
            start = time.perf_counter()
            _begin_inner_functions(module, code)
            times["inner functions"] = time.perf_counter() - start

        _run_stages(module, "llvm", machine, times, begin_inner_functions, stages)
        start = time.perf_counter()
        aliases = _aliases_of(module, program.entry)
        call_targets = _call_targets_of(module)
        arena_bytes, constants = _plan_of(module)
        code.add(llvm_ir_of(module))
        times["translate"] = time.perf_counter() - start
        start = time.perf_counter()
        objects = code.objects()
        times["codegen"] = time.perf_counter() - start
    return CompiledProgram(signature, objects, arena_bytes, constants, aliases, call_targets, stages)


def _begin_inner_functions(module: ir.Module, code: target_machine.ObjectCode) -> None:
    """LLVM works on the inner functions of kernels while the passes go through the rest of the module."""
    from astra_mlir.passes import run_pipeline
    from astra_mlir.passes.kernels_apart import take_apart
    from astra_mlir.passes.pipelines import INNER_FUNCTIONS

    inner = take_apart(module)
    if inner is not None:
        run_pipeline(inner, INNER_FUNCTIONS, verify=config.verify_passes.get())
        code.add(llvm_ir_of(inner))


def compile_module(module: ir.Module, entry: str = "main", *, target: str | TargetMachine | None = None) -> Executable:
    """Compile function ``entry`` of a module in StableHLO or the Astra dialect; the module is not changed."""
    return compile_program(Program.from_module(module, entry), target=target)


def _without_constants(signature: Signature, program: Program) -> Signature:
    given = len(signature.inputs) - len(program.constants)
    return Signature(signature.inputs[:given], signature.outputs)


def _aliases_of(module: ir.Module, entry: str) -> tuple[int, ...]:
    """For each result of the entry the argument whose memory it takes over, or -1; nothing where no result does."""
    from astra_mlir.bindings import ir
    from astra_mlir.passes.donation import ALIASES

    for op in module.body.operations:
        attributes = op.operation.attributes
        if ALIASES in attributes and ir.StringAttr(attributes["sym_name"]).value == entry:
            return tuple(ir.DenseI64ArrayAttr(attributes[ALIASES]))
    return ()


def _call_targets_of(module: ir.Module) -> tuple[str, ...]:
    """The functions that the program calls by name, which the kernels of its calls left on the module."""
    from astra_mlir.bindings import ir
    from astra_mlir.passes.kernel_rules.custom_call import CALLS

    attributes = module.operation.attributes
    return tuple(ir.StringAttr(name).value for name in attributes[CALLS]) if CALLS in attributes else ()


def _plan_of(module: ir.Module) -> tuple[int, list[np.ndarray[Any, Any]]]:
    """The arena's size and the hoisted constants that the passes left on the module."""
    from astra_mlir.bindings import ir
    from astra_mlir.dialects.elements import to_numpy

    attributes = module.operation.attributes
    arena = ir.IntegerAttr(attributes[ARENA_ATTRIBUTE]).value if ARENA_ATTRIBUTE in attributes else 0
    constants: list[np.ndarray[Any, Any]] = []
    if CONSTANTS_ATTRIBUTE in attributes:
        # Copies: the attributes' storage goes with the context.
        constants = [np.array(to_numpy(attribute)) for attribute in ir.ArrayAttr(attributes[CONSTANTS_ATTRIBUTE])]
        # Their bytes are the executable's now; in the module they would be translated and kept a second time.
        del attributes[CONSTANTS_ATTRIBUTE]
    return arena, constants
