"""The listings of the guides to derivatives and vectorization are what the flags above them give for the one before."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import astra_mlir.tools
from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

DOCS = Path(astra_mlir.tools.__file__).resolve().parent.parent / "docs"
GUIDES = ("autodiff.md", "vectorization.md")
_BLOCK = re.compile(r"^```mlir\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FLAGS = re.compile(r"// (--astra-.*)\n")


def pipeline(flags: str) -> str:
    """Flags of ``astra-opt`` as the text of a pipeline."""
    passes = [flag.removeprefix("--").partition("=") for flag in shlex.split(flags)]
    return ",".join(f"{name}{{{options}}}" for name, _, options in passes)


def listings(guide: str) -> list[tuple[str, str, str]]:
    """Input, flags and printed result of each listing that begins with flags."""
    found, source = [], ""
    for match in _BLOCK.finditer((DOCS / guide).read_text()):
        flags = _FLAGS.match(match[1])
        if flags is None:
            source = match[1]
        else:
            found.append((source, flags[1], match[1][flags.end() :]))
    return found


@pytest.mark.parametrize(("guide", "number"), [(guide, i) for guide in GUIDES for i in range(len(listings(guide)))])
def test_listing(guide: str, number: int) -> None:
    source, flags, printed = listings(guide)[number]
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(source)
        run_pipeline(module, pipeline(flags))
        assert str(ir.Module.parse(printed)) == str(module)
