"""The code of docs/kernels.md runs, as one program."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kernels.md"


def test_every_block_of_the_guide_runs(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 10
    assert re.findall(r"^## (\d+)\.", PAGE.read_text(), re.MULTILINE) == [str(i) for i in range(1, 11)]
    program = tmp_path / "guide.py"  # kernels are compiled from their file
    program.write_text("\n".join(blocks))
    runpy.run_path(str(program))
