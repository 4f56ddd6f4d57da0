"""What the command-line tools share: reading a program, collecting MLIR's diagnostics, and reporting errors.

A tool's work happens in a :class:`Session`: one context whose diagnostics are kept as plain records, so that they can
be printed like a compiler's (file, line, column, source line, caret) or compared with ``expected-error`` comments.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import verification_errors
from astra_mlir.errors import AstraError, InvalidProgramError
from astra_mlir.program import BYTECODE_MAGIC, Program, hint_for

__all__ = ["Diagnostic", "Session", "StopTool", "error_text", "read_source", "run_tool", "write_output"]

# MLIR writes "file":2:8; messages of Astra passes write -:2:8 for text that was not read from a file.
_PLACE = re.compile(r'(?:"([^"]*)"|(?<![^\s(])(-)):(\d+):(\d+)')
_LONGEST_QUOTED_LINE = 240


class StopTool(Exception):
    """A tool cannot go on; the message is what the user sees (exit code 1)."""


@dataclass(frozen=True)
class Diagnostic:
    """One error, warning, remark or note of MLIR or of an Astra pass."""

    severity: str
    message: str
    file: str | None
    line: int
    column: int
    notes: tuple[Diagnostic, ...] = ()

    @staticmethod
    def at(severity: str, message: str, location: str, notes: tuple[Diagnostic, ...] = ()) -> Diagnostic:
        """A diagnostic at the first file position that the text of ``location`` names (no position if it has none)."""
        place = _PLACE.search(location)
        if place is None:
            return Diagnostic(severity, message, None, 0, 0, notes)
        return Diagnostic(severity, message, place[1] or place[2], int(place[3]), int(place[4]), notes)

    def everything(self) -> Iterator[Diagnostic]:
        """This diagnostic and its notes."""
        yield self
        for note in self.notes:
            yield from note.everything()


def _severity_name(severity: ir.DiagnosticSeverity) -> str:
    return str(severity).rpartition(".")[2].lower()


def _record(diagnostic: ir.Diagnostic) -> Diagnostic:
    notes = tuple(_record(note) for note in diagnostic.notes)
    message = diagnostic.message.rstrip() + hint_for(diagnostic.message)
    return Diagnostic.at(_severity_name(diagnostic.severity), message, str(diagnostic.location), notes)


def read_source(path: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise StopTool(f"cannot read '{path}': {error.strerror}") from None


def write_output(output: bytes, path: str) -> None:
    """Write to a file, or to standard output for ``-``."""
    if path == "-":
        sys.stdout.buffer.write(output)
        return
    try:
        Path(path).write_bytes(output)
    except OSError as error:
        raise StopTool(f"cannot write '{path}': {error.strerror}") from None


def error_text(error: BaseException) -> str:
    """An exception as one paragraph; an unforeseen type is named, since it is a defect of the compiler."""
    text = str(error).strip()
    if isinstance(error, (AstraError, ir.MLIRError)):
        return text
    return f"internal error: {type(error).__name__}: {text} (--traceback shows where)"


@dataclass
class Session:
    """A context, the name of the program read into it, and the diagnostics seen so far."""

    tool: str
    allow_unregistered: bool = False  # accept operations of unknown dialects
    file_name: str = "-"
    source: str = ""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    context: ir.Context = field(default_factory=make_context)

    def __post_init__(self) -> None:
        self.context.emit_error_diagnostics = True
        self.context.attach_diagnostic_handler(self._keep)

    def _keep(self, diagnostic: ir.Diagnostic) -> bool:
        self.diagnostics.append(_record(diagnostic))
        return True

    def parse(self, data: bytes, file_name: str, first_line: int = 1) -> ir.Module:
        """Parse text, bytecode or a portable artifact; raises :class:`InvalidProgramError` (see ``diagnostics``)."""
        self.file_name = "<stdin>" if file_name == "-" else file_name
        if not data.startswith(BYTECODE_MAGIC):
            data = b"\n" * (first_line - 1) + data
            self.source = data.decode(errors="replace")
        module = Program(data, name=self.file_name).read(self.context)
        errors = verification_errors(module, allow_unregistered=self.allow_unregistered)
        for op, message in errors:
            op.location.emit_error(message)
        if errors:
            raise InvalidProgramError(f"{self.file_name} is not a well-formed program")
        return module

    def readable(self, message: str) -> str:
        """``message`` with MLIR's ``loc("-":2:8)`` written as ``file.mlir:2:8``."""
        message = re.sub(r'loc\(("[^"]*":\d+:\d+)\)', r"\1", message)
        return _PLACE.sub(lambda m: f"{self._display(m[1] or m[2])}:{m[3]}:{m[4]}", message)

    def _display(self, file: str) -> str:
        return self.file_name if file == "-" else file

    def print_diagnostics(self) -> None:
        """Write the diagnostics seen to standard error, as a compiler does."""
        for diagnostic in self.diagnostics:
            for part in diagnostic.everything():
                place = f"{self._display(part.file)}:{part.line}:{part.column}: " if part.file is not None else ""
                print(f"{place}{part.severity}: {self.readable(part.message)}", file=sys.stderr)
                if part is diagnostic and part.file == "-":
                    self._quote(part)
        self.diagnostics.clear()

    def _quote(self, diagnostic: Diagnostic) -> None:
        lines = self.source.splitlines()
        if 0 < diagnostic.line <= len(lines) and len(lines[diagnostic.line - 1]) <= _LONGEST_QUOTED_LINE:
            print(f"{lines[diagnostic.line - 1]}\n{' ' * (diagnostic.column - 1)}^", file=sys.stderr)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn any error inside into printed diagnostics and :class:`StopTool`."""
        try:
            yield
        except StopTool:
            self.print_diagnostics()
            raise
        except Exception as error:
            had_errors = any(d.severity == "error" for d in self.diagnostics)
            self.print_diagnostics()
            if had_errors and isinstance(error, (ir.MLIRError, InvalidProgramError)):
                raise StopTool("") from error
            raise StopTool(self.readable(error_text(error))) from error


def run_tool(name: str, main: Callable[[list[str]], int], argv: list[str] | None = None) -> int:
    """Run a tool's ``main``; errors become a message on standard error and exit code 1, never a traceback.

    ``--traceback`` among the arguments shows the Python traceback of a failure, for those who work on passes.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = main(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if "--traceback" in arguments:
            raise
        text = str(error) if isinstance(error, StopTool) else error_text(error)
        if text:
            print(f"{name}: error: {text}", file=sys.stderr)
        return 1
