"""The texts of ``astra-opt --help`` about passes and pipelines, made from the registries."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap

from astra_mlir.passes import PASSES, PIPELINES, Pass
from astra_mlir.tools.session import StopTool

__all__ = ["pass_help", "passes_help"]

_INDENT = "      "
_LISTS = {"tuple[int, ...]": "int,int,...", "tuple[str, ...]": "name,name,..."}


def _option_lines(cls: type[Pass]) -> list[str]:
    lines = []
    for option in dataclasses.fields(cls):
        kind = option.type if isinstance(option.type, str) else option.type.__name__
        kind = _LISTS.get(kind, kind)
        has_default = option.default is not dataclasses.MISSING
        default = f" (default: {option.default})" if has_default else " (required)"
        doc = f"  {option.metadata['doc']}" if "doc" in option.metadata else ""
        lines.append(f"{option.name.replace('_', '-')}=<{kind}>{default}{doc}")
    return lines


def _entry(name: str, summary: str, details: list[str]) -> str:
    return "\n".join([f"  --{name}", f"{_INDENT}{summary}", *(f"{_INDENT}  {line}" for line in details)])


def passes_help() -> str:
    """Every Astra pass with its summary and options, and every pipeline with its elements."""
    passes = [_entry(name, cls.summary, _option_lines(cls)) for name, cls in sorted(PASSES.items())]
    pipelines = [
        _entry(name, summary, textwrap.wrap(text.replace(",", ", "), 100))
        for name, (summary, text) in sorted(PIPELINES.items())
    ]
    return "\n".join(
        [
            "\nAstra passes (--help=<pass> shows one in full):",
            *passes,
            "\nNamed pipelines:",
            *pipelines,
            "\nEvery pass of upstream MLIR and StableHLO is a flag too: --canonicalize, --cse, --convert-math-to-llvm,",
            '--chlo-legalize-to-stablehlo, ...; options as --canonicalize="max-iterations=3". Function passes are',
            "nested in func.func by themselves.",
        ]
    )


def pass_help(name: str) -> str:
    """One pass (or pipeline) in full: summary, options, and its documentation with IR before and after."""
    if name in PIPELINES:
        summary, text = PIPELINES[name]
        return _entry(name, summary, text.split(","))
    if name not in PASSES:
        raise StopTool(f"no Astra pass or pipeline '{name}' (astra-opt --help lists them)")
    cls = PASSES[name]
    documentation = inspect.getdoc(cls) or ""
    module = inspect.getdoc(inspect.getmodule(cls)) or ""
    return "\n\n".join([_entry(name, cls.summary, _option_lines(cls)), documentation, module]).rstrip()
