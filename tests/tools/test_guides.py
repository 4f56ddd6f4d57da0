"""The guides for contributors quote the code as it is, and name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import astra_mlir.tools

_REPOSITORY = Path(astra_mlir.tools.__file__).resolve().parent.parent
_GUIDES = ("docs/adding-an-op.md", "docs/adding-a-pass.md", "docs/autodiff.md", "docs/vectorization.md")
_BLOCK = re.compile(r"^(`{3,})python\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_PATH = re.compile(r"`((?:dialects|passes|lit_tests|tests|tools)/[\w./]+)`")


def _lines(directories: tuple[str, ...]) -> set[str]:
    files = [file for directory in directories for file in (_REPOSITORY / directory).rglob("*.py")]
    return {line.strip() for file in files for line in file.read_text().splitlines()}


@pytest.mark.parametrize("guide", _GUIDES)
def test_quoted_code_is_in_the_repository(guide: str) -> None:
    known = _lines(("dialects", "passes", "tests/passes")) | {"...", ""}
    blocks = [match[2] for match in _BLOCK.finditer((_REPOSITORY / guide).read_text())]
    assert blocks
    for block in blocks:
        missing = [line for line in block.splitlines() if line.strip() not in known and not line.startswith("```")]
        assert not missing, f"{guide} quotes what is not in the code: {missing}"


@pytest.mark.parametrize("guide", _GUIDES)
def test_named_files_exist(guide: str) -> None:
    names = _PATH.findall((_REPOSITORY / guide).read_text())
    assert names
    for name in names:
        assert (_REPOSITORY / name).exists(), f"{guide} names {name}"
