"""Pages of the documentation with what their examples print."""

from __future__ import annotations

from pathlib import Path

import pytest

from astra_mlir.tools import page_output

PAGE = """# A page

```python
x = 2
print(x)
```

```text
3
```

Nothing is shown of this one, which uses the one before:

```python
print(x + 1)
```

```sh
ls
```

```python
print("a")
print("b")
```

```mlir
```
"""


def test_outputs_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    assert page_output.main([str(path)]) == 0
    assert path.read_text() == PAGE.replace("3\n```\n\nNothing", "2\n```\n\nNothing").replace("mlir\n", "mlir\na\nb\n")
    assert page_output.page(path.read_text(), "page") == path.read_text()


def test_places_of_failures(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as error:
        page_output.page("\n\n```python\n1 // 0\n```\n", "page.md")
    assert error.traceback[-1].lineno + 1 == 4
    assert str(error.traceback[-1].path).endswith("page.md")
