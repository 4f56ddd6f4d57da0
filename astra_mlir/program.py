"""A program as bytes: MLIR text, bytecode or a StableHLO portable artifact, and how it is read into a context.

What capture makes and the compile driver starts from; kept with a compiled function so that any stage can be looked at
later without keeping modules in memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astra_mlir.errors import InvalidProgramError, VerificationError

# MLIR is imported where it is used: a program whose code is in the cache is compiled and called without it.
if TYPE_CHECKING:
    from astra_mlir.bindings import ir

__all__ = ["BYTECODE_MAGIC", "Program", "hint_for"]

BYTECODE_MAGIC = b"ML\xefR"
_ARTIFACT_PRODUCER = b"StableHLO_v"


_CHECK_DIALECT = re.compile(r"Dialect [`']check' not found")


def hint_for(message: str) -> str:
    """What to add to a message of MLIR's parser that does not say what to do."""
    if _CHECK_DIALECT.search(message) is None:
        return ""
    return (
        ". The check dialect of StableHLO's tests is not part of the bindings; write the check as a custom call: "
        "stablehlo.custom_call @check.expect_eq(%actual, %expected) {has_side_effect = true} : (...) -> ()"
    )


@dataclass(frozen=True)
class Program:
    """A module and the name of the function in it to compile.

    ``input_paths`` names the arguments for messages.  ``constants`` are the values of the last arguments when capture
    made arguments of large closed-over arrays: callers do not pass those.
    """

    data: bytes
    entry: str = "main"
    input_paths: tuple[str, ...] | None = None
    constants: tuple[np.ndarray[Any, Any], ...] = field(default=(), repr=False)
    name: str = "<program>"
    keepalive: tuple[Any, ...] = field(default=(), repr=False, compare=False)  # what the program calls while it runs

    @staticmethod
    def from_module(module: ir.Module, entry: str = "main", input_paths: Sequence[str] | None = None) -> Program:
        """The program of a module in memory (kept as bytecode: constants are copied once, not printed)."""

        class Sink:
            def __init__(self) -> None:
                self.parts: list[bytes] = []

            def write(self, part: bytes) -> None:
                self.parts.append(bytes(part))

        sink = Sink()
        module.operation.write_bytecode(sink)
        return Program(b"".join(sink.parts), entry, None if input_paths is None else tuple(input_paths))

    @staticmethod
    def from_file(path: str | Path, entry: str = "main") -> Program:
        """The program in a file; raises :class:`InvalidProgramError` when it cannot be read."""
        try:
            return Program(Path(path).read_bytes(), entry, name=str(path))
        except OSError as error:
            raise InvalidProgramError(f"cannot read '{path}': {error.strerror}") from None

    def parse(self, context: ir.Context) -> ir.Module:
        """The module, in ``context``; raises :class:`InvalidProgramError` with the place of what is wrong."""
        from astra_mlir.dialects import verify

        module = self.read(context)
        try:
            verify(module, allow_unregistered=False)
        except VerificationError as error:
            raise InvalidProgramError(f"{self.name} is not a well-formed program: {error}") from None
        return module

    def read(self, context: ir.Context) -> ir.Module:
        """As :meth:`parse`, without verifying Astra operations."""
        from astra_mlir.bindings import ir

        with context:
            if self.data.startswith(BYTECODE_MAGIC):
                return self._parse_binary(context)
            try:
                return ir.Module.parse(self.data.decode())
            except UnicodeDecodeError as error:
                raise InvalidProgramError(
                    f"{self.name}: byte {error.start} is not UTF-8 text, and the data is not MLIR bytecode"
                ) from None
            except ir.MLIRError as error:
                hint = hint_for(str(error))
                raise InvalidProgramError(f"{self.name} is not a well-formed program: {error}{hint}") from None

    def _parse_binary(self, context: ir.Context) -> ir.Module:
        from astra_mlir.bindings import ir, stablehlo

        is_artifact = _ARTIFACT_PRODUCER in self.data[len(BYTECODE_MAGIC) : 128]
        messages: list[str] = []

        def keep(diagnostic: ir.Diagnostic) -> bool:
            messages.append(diagnostic.message)
            return True

        handler = context.attach_diagnostic_handler(keep)
        try:
            if is_artifact:
                return stablehlo.deserialize_portable_artifact(context, self.data)
            return ir.Module.parse(self.data)
        except (ir.MLIRError, ValueError, RuntimeError) as error:
            kind = "StableHLO portable artifact" if is_artifact else "MLIR bytecode"
            what = "; ".join(messages) or str(error)
            raise InvalidProgramError(f"{self.name} is not a readable {kind} (truncated or damaged?): {what}") from None
        finally:
            handler.detach()
