"""The listings of docs/vectorization.md are what the pass gives for the listings above them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import astra_mlir.tools
from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

GUIDE = Path(astra_mlir.tools.__file__).resolve().parent.parent / "docs" / "vectorization.md"
_BLOCK = re.compile(r"^```mlir\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FLAG = re.compile(r'// --(astra-vectorize)(?:="(.*)")?\n')


def listings() -> list[tuple[str, str, str]]:
    """Input, pipeline and printed result of each listing that begins with a flag."""
    found, source = [], ""
    for match in _BLOCK.finditer(GUIDE.read_text()):
        flag = _FLAG.match(match[1])
        if flag is None:
            source = match[1]
        else:
            found.append((source, f"{flag[1]}{{{flag[2] or ''}}}", match[1][flag.end() :]))
    return found


@pytest.mark.parametrize("number", range(len(listings())))
def test_listing(number: int) -> None:
    source, pipeline, printed = listings()[number]
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(source)
        run_pipeline(module, pipeline)
        assert str(ir.Module.parse(printed)) == str(module)
