"""astra-opt: run Astra's and MLIR's passes on a program, as mlir-opt does.

Every Astra pass, every upstream MLIR pass and every named pipeline is a flag; they run in the order given.  The
passes are the ones that ``astra.jit`` runs (:mod:`astra_mlir.passes.core`).
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from astra_mlir import config
from astra_mlir.bindings import ir
from astra_mlir.errors import AstraError
from astra_mlir.passes import PASSES, PIPELINES, build_pass_manager, expand_pipeline
from astra_mlir.passes.target import default_target
from astra_mlir.tools.expectations import check_expectations
from astra_mlir.tools.pass_help import pass_help, passes_help
from astra_mlir.tools.session import Diagnostic, Session, StopTool, error_text, read_source, run_tool, write_output

__all__ = ["main"]

_SPLIT = re.compile(r"^[ \t]*// -----[ \t]*$", re.MULTILINE)
_RESTRICTED = re.compile(r"restricted to '([\w.]+)'")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="astra-opt",
        usage="astra-opt [input.mlir | -] [--<pass>[=<options>]]... [options]",
        description="Run passes on an MLIR program. Passes and pipelines run in the order of their flags.",
        allow_abbrev=False,
        add_help=False,
    )
    flag = parser.add_argument
    flag("input", nargs="?", default="-", help="MLIR text, bytecode or a StableHLO portable artifact; - is stdin")
    flag("-o", dest="output", default="-", metavar="FILE", help="where to write the result (default: stdout)")
    flag("--pass-pipeline", action="append", default=[], metavar="TEXT", help="run builtin.module(a,b{opt=1},...)")
    flag("--split-input-file", action="store_true", help="treat parts between '// -----' lines as separate programs")
    flag("--verify-diagnostics", action="store_true", help="compare diagnostics with expected-error comments")
    flag("--verify-each", default="1", choices=("0", "1"), help="verify the program after every pass (default: 1)")
    flag("--mlir-print-ir-before", action="append", default=[], metavar="PASS", help="print IR before this pass")
    flag("--mlir-print-ir-after", action="append", default=[], metavar="PASS", help="print IR after this pass")
    flag("--mlir-print-ir-before-all", action="store_true", help="print IR before every pass (to stderr)")
    flag("--mlir-print-ir-after-all", action="store_true", help="print IR after every pass (to stderr)")
    flag("--mlir-print-ir-after-change", action="store_true", help="with the above: only if the pass changed it")
    flag("--mlir-timing", action="store_true", help="print the time of every pass (to stderr)")
    flag("--mlir-print-debuginfo", action="store_true", help="print locations")
    flag("--mlir-print-op-generic", action="store_true", help="print every operation in generic form")
    flag("--mlir-print-local-scope", action="store_true", help="print types and attributes without aliases")
    flag("--mlir-elide-elementsattrs-if-larger", type=int, metavar="N", help="elide constants above N elements")
    flag("--mlir-elide-resource-strings-if-larger", type=int, metavar="N", help="elide resources above N characters")
    flag("--emit-bytecode", action="store_true", help="write MLIR bytecode")
    flag("--no-output", action="store_true", help="write nothing")
    flag("--allow-unregistered-dialect", action="store_true", help="accept operations of unknown dialects")
    flag("--dump-pass-pipeline", action="store_true", help="print the pipeline with named ones expanded, and run it")
    flag("--traceback", action="store_true", help="show the Python traceback of a failure")
    flag("--help", "-h", nargs="?", const="", metavar="PASS", help="this text, or the full text of one pass")
    return parser


@dataclass
class _Flags:
    """The parsed command line: tool options, and the pipeline elements in their order."""

    options: argparse.Namespace
    elements: list[str] = field(default_factory=list)

    @property
    def printing(self) -> dict[str, int | None]:
        options = self.options
        elements = options.mlir_elide_elementsattrs_if_larger
        resources = options.mlir_elide_resource_strings_if_larger
        return {"large_elements_limit": elements, "large_resource_limit": elements if resources is None else resources}


def _parse_command_line(argv: Sequence[str]) -> _Flags:
    parser = _parser()
    parser.error = _usage_error  # type: ignore[method-assign]
    # argparse would take the value of --pass=value apart at spaces only if it were separate; "--x=y" stays whole.
    options, others = parser.parse_known_args(argv)
    if options.help is not None:
        print(pass_help(options.help.removeprefix("--")) if options.help else parser.format_help() + passes_help())
        raise SystemExit(0)
    flags = _Flags(options)
    for argument in others:
        if not argument.startswith("--"):
            raise StopTool(f"unknown argument '{argument}' (one input file; flags begin with '--')")
        name, _, values = argument[2:].partition("=")
        flags.elements += expand_pipeline(f"{name}{{{values}}}" if values else name)
    for text in options.pass_pipeline:
        flags.elements += expand_pipeline(text)
    return flags


def _usage_error(message: str) -> None:
    raise StopTool(f"{message} (astra-opt --help lists the options)")


# --- running passes ----------------------------------------------------------------------------------------------


def _nested(element: str) -> str:
    """``element`` as it must be written on ``builtin.module``: inside ``func.func(...)`` if it is a function pass."""
    try:
        build_pass_manager([element])
        return element
    except AstraError as error:
        restricted = _RESTRICTED.search(str(error))
        if restricted is not None:
            nested = f"{restricted[1]}({element})"
            build_pass_manager([nested])
            return nested
        name = element.partition("{")[0]
        if "does not refer to a registered pass" in str(error):
            near = _nearest(name)
            raise StopTool(f"no pass, pipeline or option '--{name}'{near} (astra-opt --help lists them)") from None
        raise StopTool(" ".join(str(error).split())) from None


def _nearest(name: str) -> str:
    import difflib

    matches = difflib.get_close_matches(name, [*PASSES, *PIPELINES], n=1)
    return f"; did you mean '--{matches[0]}'?" if matches else ""


def _print_ir(title: str, module: ir.Module, flags: _Flags, suffix: str = "") -> None:
    print(f"// -----// IR Dump {title}{suffix} //----- //", file=sys.stderr)
    print(_text(module, flags), file=sys.stderr, flush=True)


def _text(module: ir.Module, flags: _Flags) -> str:
    buffer = io.StringIO()
    module.operation.print(
        file=buffer,
        enable_debug_info=flags.options.mlir_print_debuginfo,
        print_generic_op_form=flags.options.mlir_print_op_generic,
        use_local_scope=flags.options.mlir_print_local_scope,
        assume_verified=flags.options.verify_each == "1" and not flags.options.mlir_print_op_generic,
        **flags.printing,
    )
    return buffer.getvalue().rstrip("\n")


def _run_passes(
    session: Session, module: ir.Module, elements: Sequence[str], flags: _Flags, times: list[float]
) -> None:
    options = flags.options
    previous = ""
    for index, element in enumerate(elements):
        name = element.partition("{")[0]
        label = re.sub(r"^[\w.]+\((.*)\)$", r"\1", element).partition("{")[0]
        if options.mlir_print_ir_before_all or label in options.mlir_print_ir_before:
            _print_ir(f"Before {label}", module, flags)
        manager = build_pass_manager([element], verify=options.verify_each == "1")
        manager.enable_verifier(options.verify_each == "1")
        start = time.perf_counter()
        try:
            manager.run(module.operation)
        except Exception as error:
            if options.mlir_print_ir_after_all or label in options.mlir_print_ir_after:
                _print_ir(f"After {label} Failed", module, flags)
            if isinstance(error, ir.MLIRError) and not session.diagnostics:
                raise AstraError(f"pass '{name}' failed: {error_text(error)}") from error
            raise
        finally:
            times[index] += time.perf_counter() - start
        if options.mlir_print_ir_after_all or label in options.mlir_print_ir_after:
            text = _text(module, flags)
            if not options.mlir_print_ir_after_change or text != previous:
                print(f"// -----// IR Dump After {label} //----- //\n{text}", file=sys.stderr, flush=True)
            previous = text


def _print_times(elements: Sequence[str], times: Sequence[float], other: dict[str, float]) -> None:
    rows = [*((seconds, name) for name, seconds in other.items()), *zip(times, elements, strict=True)]
    total = sum(seconds for seconds, _ in rows)
    print("===-- Execution time report (wall time) --===", file=sys.stderr)
    for seconds, name in rows:
        print(f"  {seconds:9.4f} s ({100 * seconds / max(total, 1e-12):5.1f}%)  {name}", file=sys.stderr)
    print(f"  {total:9.4f} s (100.0%)  total", file=sys.stderr)


# --- one program -------------------------------------------------------------------------------------------------


def _split_input(data: bytes, name: str) -> list[tuple[bytes, int]]:
    """The parts of a file between ``// -----`` lines, each with the number of its first line."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise StopTool(f"'{name}' is not text, so --split-input-file cannot split it") from None
    parts, line, start = [], 1, 0
    for match in [*_SPLIT.finditer(text), None]:
        end = match.start() if match else len(text)
        part = text[start:end]
        parts.append((part.encode(), line))
        line += part.count("\n")
        start = end if match is None else match.end()
    return parts


def _process(
    data: bytes, first_line: int, flags: _Flags, elements: Sequence[str], times: dict[str, list[float]]
) -> bytes:
    """The output for one program; with ``--verify-diagnostics`` nothing but a comparison with the comments."""
    options = flags.options
    session = Session("astra-opt", options.allow_unregistered_dialect)

    def transform() -> ir.Module:
        start = time.perf_counter()
        module = session.parse(data, options.input, first_line)
        times["read"][0] += time.perf_counter() - start
        with session.context:
            _run_passes(session, module, elements, flags, times["passes"])
        return module

    if options.verify_diagnostics:
        _collect(session, transform)
        check_expectations(session)
        return b""
    with session.reporting():
        module = transform()
    session.print_diagnostics()
    start = time.perf_counter()
    with session.context:
        output = _output(module, flags)
    times["write"][0] += time.perf_counter() - start
    return output


def _collect(session: Session, transform: Callable[[], ir.Module]) -> None:
    """Run ``transform``; an exception of an Astra pass becomes a diagnostic at the place its message names."""
    try:
        transform()
    except Exception as error:
        if not any(d.severity == "error" for d in session.diagnostics) or not isinstance(
            error, ir.MLIRError | AstraError
        ):
            session.diagnostics.append(Diagnostic.at("error", error_text(error), str(error)))


def _output(module: ir.Module, flags: _Flags) -> bytes:
    if flags.options.no_output:
        return b""
    if flags.options.emit_bytecode:
        buffer = io.BytesIO()
        module.operation.write_bytecode(buffer)
        return buffer.getvalue()
    return _text(module, flags).encode() + b"\n"


def _main(argv: list[str]) -> int:
    try:
        flags = _parse_command_line(argv)
    except SystemExit:
        return 0
    options = flags.options
    if config.target.get() != config.target.default:
        from astra_mlir.target_machine import TargetMachine  # loads LLVM, which passes alone do not need

        default_target.set(TargetMachine.parse(config.target.get()).schedule)
    with Session("astra-opt").context:
        elements = [_nested(element) for element in flags.elements]
    if options.dump_pass_pipeline:
        print(f"Pass manager: builtin.module({','.join(elements)})", file=sys.stderr)
    data = read_source(options.input)
    parts = _split_input(data, options.input) if options.split_input_file else [(data, 1)]
    times = {"read": [0.0], "write": [0.0], "passes": [0.0] * len(elements)}
    outputs, failed = [], False
    for part, first_line in parts:
        try:
            outputs.append(_process(part, first_line, flags, elements, times))
        except StopTool as stop:
            failed = True
            if str(stop):
                print(f"astra-opt: error: {stop}", file=sys.stderr)
            if stop.__cause__ is not None and options.traceback:
                raise
    if options.mlir_timing:
        _print_times(elements, times["passes"], {"read": times["read"][0], "write": times["write"][0]})
    write_output(b"\n// -----\n".join(outputs), options.output)
    return 1 if failed else 0


def main(argv: list[str] | None = None) -> int:
    """The ``astra-opt`` console script."""
    return run_tool("astra-opt", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
