"""What Astra raises: one exception type per kind of refusal (nothing is guessed, nothing falls back)."""

from __future__ import annotations

import re

_FILE_POSITION = re.compile(r'"([^"]+)":(\d+):(\d+)')


def source_place(location: object) -> str:
    """Where in the user's source an MLIR location is: the innermost file position that it names.

    >>> source_place('loc("jit(f)/add"(callsite("f"("model.py":3:8 to :20) at "main"("train.py":9:1))))')
    'model.py:3:8'
    >>> source_place("loc(unknown)")
    'unknown location'
    """
    text = str(location)
    position = _FILE_POSITION.search(text)
    if position is not None:
        return ":".join(position.groups())
    return "unknown location" if text == "loc(unknown)" else text.removeprefix("loc(").removesuffix(")")


class AstraError(Exception):
    """Base of every error that Astra raises on purpose."""


class UnsupportedError(AstraError):
    """The program uses something that Astra does not implement; the message names it, its place and a way forward."""


class ShapeError(AstraError):
    """Shapes of arguments or operands do not fit together."""


class DTypeError(AstraError):
    """An element type is not what the operation or the call takes."""


class InvalidProgramError(AstraError):
    """The text, bytecode or portable artifact is not a well-formed program; the message carries the location."""


class CompileError(AstraError):
    """A compiler pass failed; the message names the pass and the operation's place in the source."""


class VerificationError(AstraError):
    """Raised inside a verifier to say which constraint of the operation is broken."""


class KernelError(AstraError):
    """A kernel cannot be compiled or launched, or a ``device_assert`` failed; the message shows the kernel's line."""
