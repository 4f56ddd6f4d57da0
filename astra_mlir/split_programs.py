"""A program compiled as two: what some arguments do not matter for, and the rest, with residuals between.

For ``astra.vjp`` and ``astra.linearize`` called on arrays: the value is computed once, the derivative whenever asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir import compiler, config
from astra_mlir.bindings import ir, make_context
from astra_mlir.executable import Executable
from astra_mlir.kept_code import kept
from astra_mlir.passes import run_pipeline
from astra_mlir.program import Program
from astra_mlir.target_machine import TargetMachine

__all__ = ["Parts", "compile_parts"]


@dataclass(frozen=True)
class Parts:
    """``early`` takes the arguments that are not late and gives the first results, then residuals.

    ``late`` takes the same arguments, the program's constants, the residuals and the late arguments, and gives the
    other results.
    """

    early: Executable
    late: Executable
    residual_count: int


def compile_parts(
    program: Program, late: Sequence[int], results: int, target: str | TargetMachine | None = None
) -> Parts:
    """Compile a program in two parts; the first ``results`` results do not use the arguments ``late`` (numbers).

    The parts of an equal program that was compiled before are given again.
    """
    machine = target if isinstance(target, TargetMachine) else TargetMachine.parse(target or config.target.get())
    return kept(program, machine, (tuple(late), results), lambda own: _compile_parts(own, late, results, machine))


def _compile_parts(program: Program, late: Sequence[int], results: int, machine: TargetMachine) -> Parts:
    module = compiler.lower(program, make_context(), "astra", machine)
    numbers = ",".join(map(str, late))
    run_pipeline(module, f"astra-split{{fn={program.entry} late={numbers} results={results}}}", verify=True)
    paths = program.input_paths
    early_paths = late_paths = None
    functions = {ir.StringAttr(f.attributes["sym_name"]).value: f for f in module.body.operations}
    count = {name: _result_count(functions[f"{program.entry}_{name}"]) for name in ("early", "late")}
    residuals = count["early"] - results
    if paths is not None:
        early_paths = tuple(path for i, path in enumerate(paths) if i not in late)
        late_paths = (*early_paths, *(f"residual {i}" for i in range(residuals)), *(paths[i] for i in late))
    early = Program.from_module(_only(module, f"{program.entry}_early"), f"{program.entry}_early", early_paths)
    rest = Program.from_module(_only(module, f"{program.entry}_late"), f"{program.entry}_late", late_paths)
    early = Program(early.data, early.entry, early.input_paths, program.constants, program.name)
    rest = Program(rest.data, rest.entry, rest.input_paths, (), program.name)
    return Parts(
        compiler.compile_program(early, target=machine), compiler.compile_program(rest, target=machine), residuals
    )


def _result_count(function: ir.Operation) -> int:
    return len(ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).results)


def _only(module: ir.Module, entry: str) -> ir.Module:
    """A copy of a module without its other public functions."""
    with module.context, ir.Location.unknown():
        copy = ir.Module.create()
        for view in module.body.operations:
            name = ir.StringAttr(view.attributes["sym_name"]).value if "sym_name" in view.attributes else None
            if name == entry or "sym_visibility" in view.attributes:
                copy.body.append(view.operation.clone())
    return copy
