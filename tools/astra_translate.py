"""astra-translate: a program in another form, from StableHLO to object code.

Reads StableHLO or the Astra dialect as text, bytecode or a portable artifact; writes any stage of the CPU pipeline,
StableHLO again, or what LLVM makes of it for a named target.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.pipelines import CPU_STAGES
from astra_mlir.tools.entry import name_of, select_function
from astra_mlir.tools.session import Session, StopTool, read_source, run_tool, write_output

__all__ = ["FORMS", "main"]


@dataclass(frozen=True)
class _Request:
    """What to translate, and the options that the forms take."""

    module: ir.Module
    function: str
    target: str
    version: str
    elide: int | None
    level: int | None


def _text(module: ir.Module, request: _Request) -> bytes:
    return (module.operation.get_asm(large_elements_limit=request.elide).rstrip("\n") + "\n").encode()


def _to_stablehlo(request: _Request) -> ir.Module:
    run_pipeline(request.module, "astra-import,astra-export")
    return request.module


def _stablehlo(request: _Request) -> bytes:
    return _text(_to_stablehlo(request), request)


def _bytecode(request: _Request) -> bytes:
    buffer = io.BytesIO()
    request.module.operation.write_bytecode(buffer)
    return buffer.getvalue()


def _artifact(request: _Request) -> bytes:
    module = _to_stablehlo(request)
    try:
        return bytes(stablehlo.serialize_portable_artifact(module, request.version))
    except (ValueError, RuntimeError) as error:
        raise StopTool(f"no portable artifact of version {request.version}: {error}") from None


def _stage(stage: str) -> Callable[[_Request], bytes]:
    def form(request: _Request) -> bytes:
        return _text(_lowered(request, stage), request)

    return form


def _lowered(request: _Request, stage: str) -> ir.Module:
    from astra_mlir.compiler import lower
    from astra_mlir.program import Program
    from astra_mlir.target_machine import TargetMachine

    entry = name_of(select_function(request.module, request.function))
    program = Program.from_module(request.module, entry)
    return lower(program, request.module.context, stage, TargetMachine.parse(request.target))


def _for_linker(module: ir.Module, text: str) -> str:
    """LLVM IR whose entry points alone are visible to other objects; a program with constants is refused."""
    attributes = module.operation.attributes
    count = len(ir.ArrayAttr(attributes["astra.constants"])) if "astra.constants" in attributes else 0
    if count:
        raise UnsupportedError(
            f"an object file cannot hold the program's {count} constant arrays, which its caller passes after the "
            "inputs: make them arguments of the function"
        )
    return re.sub(r"^define (?!internal |private |.*@\"?astra_entry_)", "define internal ", text, flags=re.MULTILINE)


def _code(kind: str) -> Callable[[_Request], bytes]:
    def form(request: _Request) -> bytes:
        from astra_mlir import target_machine
        from astra_mlir.compiler import llvm_ir_of
        from astra_mlir.target_machine import CodegenOptions, TargetMachine

        module = _lowered(request, "llvm")
        text = llvm_ir_of(module)
        target = TargetMachine.parse(request.target)
        default = CodegenOptions.default()
        options = CodegenOptions(default.level if request.level is None else request.level, default.slp, threads=1)
        if kind == "llvm-ir":
            return text.encode()
        if kind == "object":
            return target_machine.object_code(_for_linker(module, text), target, options, whole=True)[0]
        make = target_machine.assembly if kind == "asm" else target_machine.optimized_ir
        return make(text, target, options).encode()

    return form


FORMS: dict[str, tuple[str, Callable[[_Request], bytes]]] = {
    "stablehlo": ("StableHLO text", _stablehlo),
    "bytecode": ("the program as it is, as MLIR bytecode", _bytecode),
    "artifact": ("a StableHLO portable artifact (see --version)", _artifact),
    **{stage: (f"MLIR text: {summary}", _stage(stage)) for stage, (summary, _) in CPU_STAGES.items()},
    "llvm-ir": ("LLVM IR as generated", _code("llvm-ir")),
    "optimized-llvm-ir": ("LLVM IR after LLVM's optimisation", _code("optimized-llvm-ir")),
    "asm": ("assembly", _code("asm")),
    "object": ("an object file", _code("object")),
}


def _parser() -> argparse.ArgumentParser:
    forms = "\n".join(f"  {name:18} {summary}" for name, (summary, _) in FORMS.items())
    parser = argparse.ArgumentParser(
        prog="astra-translate",
        description=__doc__,
        epilog=f"forms:\n{forms}",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flag = parser.add_argument
    flag("program", nargs="?", default="-", help="MLIR text, bytecode or a StableHLO portable artifact; - is stdin")
    flag("--to", required=True, choices=FORMS, metavar="FORM", help="what to write (below)")
    flag("-o", dest="output", default="-", metavar="FILE", help="where to write it (default: stdout)")
    flag("--function", default="main", metavar="NAME", help="the entry (default: main, or the only public function)")
    flag("--target", default="host", help="host, a processor name, or triple:cpu[:features] (default: host)")
    flag("--opt-level", type=int, choices=range(4), help="LLVM's optimisation level")
    flag(
        "--version", default=stablehlo.get_current_version(), help="StableHLO version of an artifact (default: newest)"
    )
    flag("--elide", type=int, metavar="N", help="in text, elide constants of more than N elements")
    flag("--traceback", action="store_true", help="show the Python traceback of a failure")
    return parser


def _main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    session = Session("astra-translate")
    with session.reporting():
        module = session.parse(read_source(options.program), options.program)
        with session.context, ir.Location.unknown():
            request = _Request(
                module, options.function, options.target, options.version, options.elide, options.opt_level
            )
            output = FORMS[options.to][1](request)
    write_output(output, options.output)
    return 0


def main(argv: list[str] | None = None) -> int:
    """The ``astra-translate`` console script."""
    return run_tool("astra-translate", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
