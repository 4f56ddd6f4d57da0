"""The documentation's Python examples run, its links lead somewhere, and its commands name real options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from astra_mlir.tools import page_output

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
WITH_PYTHON = ["README.md", "docs/getting-started.md", "docs/python-api.md"]


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_python_examples_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jax")
    blocks = re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": page})
    assert capsys.readouterr().out.strip()


def test_shown_output_is_what_the_examples_print() -> None:
    pytest.importorskip("jax")
    path = REPOSITORY / "docs" / "higher-order.md"
    found = path.read_text()
    assert page_output.page(found, str(path)) == found, f"run python -m astra_mlir.tools.page_output {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)  # launches look like links
    targets = re.findall(r"\]\(([^)#:]+)\)", prose)
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    marked = re.search(r"<!-- test command -->\n```sh\n(.*)\n```\n<!-- end -->", readme)
    assert marked is not None
    assert marked[1].startswith("python3 -m venv")
    assert "README.md" in (REPOSITORY / ".ci" / "run").read_text()
