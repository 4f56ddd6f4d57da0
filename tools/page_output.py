"""Brings a page of the documentation up to date: what its Python examples print.

    python -m astra_mlir.tools.page_output docs/higher-order.md

The page's Python blocks are run one after the other; a block of MLIR or text right behind one is what it printed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
from pathlib import Path

from astra_mlir.tools.session import run_tool

__all__ = ["main", "page"]

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?P<output>\n```(?P<kind>mlir|text)\n.*?^```\n)?", re.MULTILINE | re.DOTALL
)


def page(text: str, name: str) -> str:
    """The page with what its examples print now."""
    scope = {"__name__": name}

    def replaced(match: re.Match[str]) -> str:
        printed = io.StringIO()
        line = text.count("\n", 0, match.start("code"))
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + match["code"], name, "exec"), scope)
        block = f"```python\n{match['code']}```\n"
        return block + f"\n```{match['kind']}\n{printed.getvalue()}```\n" if match["output"] else block

    return _BLOCK.sub(replaced, text)


def _main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="page_output", description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path, help="the Markdown files to bring up to date")
    parser.add_argument("--traceback", action="store_true", help="show the Python traceback of a failure")
    for path in parser.parse_args(argv).pages:
        path.write_text(page(path.read_text(), str(path)))
    return 0


def main(argv: list[str] | None = None) -> int:
    """``python -m astra_mlir.tools.page_output``."""
    return run_tool("page_output", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
