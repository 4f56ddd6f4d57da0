"""What a pass is, the registry of passes and named pipelines, and the one way to run a pipeline.

A pass is a frozen dataclass whose fields are its command-line options.  A pipeline is a comma-separated text that names
Astra passes, upstream MLIR passes and named pipelines alike; ``run_pipeline`` is what ``astra.jit`` and ``astra-opt``
both call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from astra_mlir import dialects
from astra_mlir.bindings import ir, passmanager
from astra_mlir.errors import AstraError

__all__ = [
    "PASSES",
    "PIPELINES",
    "Pass",
    "build_pass_manager",
    "expand_pipeline",
    "register_pass",
    "register_pipeline",
    "run_pipeline",
]


@dataclass(frozen=True)
class Pass:
    """Base of every Astra pass: subclass as a frozen dataclass, give ``name`` and ``summary``, implement :meth:`run`.

    Fields become options: ``name{field=value other-field=value}`` (underscores in field names become dashes).
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    def run(self, module: ir.Operation) -> None:
        """Rewrite ``module`` (a ``builtin.module``) in place; raise an :class:`AstraError` to refuse."""
        raise NotImplementedError


PASSES: dict[str, type[Pass]] = {}
PIPELINES: dict[str, tuple[str, str]] = {}  # name -> (summary, pipeline text)


def register_pass(cls: type[Pass]) -> type[Pass]:
    """Class decorator: make a pass known under ``cls.name``."""
    if cls.name in PASSES:
        raise ValueError(f"pass {cls.name} is registered twice")
    PASSES[cls.name] = cls
    return cls


def register_pipeline(name: str, summary: str, text: str) -> None:
    """Make ``name`` stand for the comma-separated pipeline ``text``."""
    PIPELINES[name] = (summary, text)


# --- pipeline text -----------------------------------------------------------------------------------------------


def _split(text: str, separator: str = ",") -> list[str]:
    """Split at separators that are outside of (), {}, [] and <>."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        if char in "({[<":
            depth += 1
        elif char in ")}]>":
            depth -= 1
            if depth < 0:
                raise AstraError(f"unbalanced '{char}' in pass pipeline '{text}'")
        elif char == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    if depth:
        raise AstraError(f"unbalanced brackets in pass pipeline '{text}'")
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def expand_pipeline(text: str) -> list[str]:
    """The elements of a pipeline, named pipelines replaced by theirs and an outer ``builtin.module(...)`` removed."""
    text = text.strip()
    if text.startswith("builtin.module(") and text.endswith(")"):
        text = text[len("builtin.module(") : -1]
    elements = []
    for element in _split(text):
        if element in PIPELINES:
            elements += expand_pipeline(PIPELINES[element][1])
        elif element.startswith("builtin.module("):
            elements += expand_pipeline(element)
        else:
            elements.append(element)
    return elements


def _convert_option(field_type: Any, text: str, where: str) -> Any:
    kind = field_type if isinstance(field_type, str) else getattr(field_type, "__name__", str(field_type))
    try:
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind.startswith("tuple[int"):
            return tuple(int(part) for part in text.strip("[]").split(",") if part)
        if kind.startswith("tuple[str"):
            return tuple(part for part in text.strip("[]").split(",") if part)
    except (KeyError, ValueError):
        raise AstraError(f"{where}: '{text}' is not a value of type {kind}") from None
    return text.strip("\"'").removeprefix("@")  # a function may be named as it is written: fn=@main


def parse_pass(element: str) -> Pass:
    """An Astra pass with its options from ``name`` or ``name{option=value ...}``."""
    name, brace, options_text = element.partition("{")
    cls = PASSES[name.strip()]
    options = {}
    fields = {f.name.replace("_", "-"): f for f in dataclasses.fields(cls)}
    if brace:
        for item in _split(options_text.rstrip()[:-1].strip(), " "):
            key, _, value = item.partition("=")
            if key not in fields:
                known = ", ".join(fields) or "none"
                raise AstraError(f"{cls.name}: no option '{key}' (options: {known})")
            options[fields[key].name] = _convert_option(
                fields[key].type, value or "true", f"{cls.name}: option '{key}'"
            )
    return cls(**options)


class _Verification:
    """Verifies Astra operations between the passes of one pipeline, until a pass has left none."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, op: ir.Operation) -> None:
        if self.enabled:
            self.enabled = dialects.verify(op) > 0


def _callback(instance: Pass, verify: Callable[[ir.Operation], None]) -> Callable[[ir.Operation, Any], None]:
    def run(op: ir.Operation, external_pass: Any) -> None:
        del external_pass
        with op.context, ir.Location.unknown():
            instance.run(op.operation)
            verify(op.operation)

    return run


def build_pass_manager(pipeline: str | Sequence[Pass | str], *, verify: bool = True) -> passmanager.PassManager:
    """A pass manager on ``builtin.module`` for a pipeline text (in the current context).

    With ``verify``, Astra operations are verified after each Astra pass, as MLIR verifies its own after every pass.
    """
    elements = expand_pipeline(pipeline) if isinstance(pipeline, str) else list(pipeline)
    verification = _Verification(verify)
    manager = passmanager.PassManager("builtin.module")
    for element in elements:
        if isinstance(element, str) and element.partition("{")[0].strip() in PASSES:
            element = parse_pass(element)
        if isinstance(element, Pass):
            manager.add(
                _callback(element, verification),
                name=type(element).__name__,
                argument=element.name,
                description=element.summary,
            )
        else:
            try:
                manager.add(element)
            except ValueError as error:
                raise AstraError(f"pass pipeline element '{element}': {error}") from None
    return manager


def run_pipeline(
    module: ir.Module | ir.Operation, pipeline: str | Sequence[Pass | str], *, verify: bool = True
) -> None:
    """Run a pipeline on a module in place.  Errors of Astra passes come out as they were raised."""
    op = module.operation
    with op.context:
        manager = build_pass_manager(pipeline, verify=verify)
        manager.enable_verifier(verify)
        manager.run(op)
