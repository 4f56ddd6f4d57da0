"""Every module of the package: layers import downwards only, foundations pull in no frontend, doctests hold."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import astra_mlir
import astra_mlir.dialects
import astra_mlir.passes
import astra_mlir.tools

# Each layer may import from itself and from the layers before it.
LAYERS = ("foundation", "dialects", "passes", "package", "tools")
FOUNDATION = {"call_targets", "errors", "bindings", "config", "machine_sizes", "tuned_choices"}


def _directory(package: object) -> Path:
    return Path(package.__file__).parent  # type: ignore[attr-defined]


def _layer(module: str) -> str | None:
    """The layer of an absolute module name; None if it is not one of ours."""
    parts = module.split(".")
    if parts[0] != "astra_mlir":
        return None
    name = parts[1] if len(parts) > 1 else ""
    if name in FOUNDATION:
        return "foundation"
    return name if name in ("dialects", "passes", "tools") else "package"


def _sources() -> list[tuple[str, Path]]:
    """Every module of the package with its file, wherever the install puts the layers."""
    layers = {p.__name__: _directory(p) for p in (astra_mlir.dialects, astra_mlir.passes, astra_mlir.tools)}
    files = []
    for package, directory in {"astra_mlir": _directory(astra_mlir), **layers}.items():
        for file in sorted(directory.rglob("*.py")):
            module = ".".join([package, *file.relative_to(directory).with_suffix("").parts])
            if package != "astra_mlir" or not module.startswith(tuple(layers)):
                files.append((module, file))
    return files


# The one import upwards, inside of a function: a context comes with the dialect loaded.
UPWARDS = {("astra_mlir.bindings", "astra_mlir.dialects")}


def _imports(tree: ast.Module) -> list[str]:
    """Every module that is imported anywhere, inside of functions and for type checking too."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [
                f"{node.module}.{alias.name}" if node.module == "astra_mlir" else node.module for alias in node.names
            ]
    return names


@pytest.mark.parametrize(("module", "file"), _sources(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_go_down(module: str, file: Path) -> None:
    layer = _layer(module)
    assert layer is not None
    for name in _imports(ast.parse(file.read_text())):
        imported = _layer(name)
        if imported is not None and (module, name) not in UPWARDS:
            assert LAYERS.index(imported) <= LAYERS.index(layer), f"{module} ({layer}) imports {name} ({imported})"


def test_imports_inside_of_functions_are_seen() -> None:
    tree = ast.parse("def f():\n    from astra_mlir.passes import core\n    import astra_mlir.tools.entry\n")
    assert _imports(tree) == ["astra_mlir.passes", "astra_mlir.tools.entry"]
    for module, name in UPWARDS:
        assert name in _imports(ast.parse(dict(_sources())[module].read_text()))


def test_pass_summaries_are_in_one_style() -> None:
    for name, cls in astra_mlir.passes.PASSES.items():
        assert cls.summary[0].islower() and not cls.summary.endswith("."), name


def test_only_bindings_imports_the_mlir_wheel() -> None:
    for module, file in _sources():
        if module != "astra_mlir.bindings":
            imported = {name.split(".")[0] for name in _imports(ast.parse(file.read_text()))}
            assert "torch_mlir" not in imported, f"{module} imports torch_mlir; take it from astra_mlir.bindings"


@pytest.mark.parametrize("module", [module for module, _ in _sources()])
def test_docstring_examples(module: str) -> None:
    if module.startswith("astra_mlir.torch_"):
        pytest.importorskip("torch")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(module.removesuffix(".__init__")), optionflags=flags).failed == 0


def test_passes_do_not_load_a_frontend() -> None:
    code = "import sys, astra_mlir.passes; print(sorted({'jax', 'torch', 'llvmlite', 'scipy'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
