"""The examples in docstrings of the package run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import astra_mlir
import astra_mlir.dialects
import astra_mlir.passes
import astra_mlir.tools


def _modules() -> list[str]:
    names = {"astra_mlir"}
    for package in (astra_mlir, astra_mlir.dialects, astra_mlir.passes, astra_mlir.tools):
        names |= {found.name for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")}
    return sorted(name for name in names if name.startswith("astra_mlir"))


@pytest.mark.parametrize("name", _modules())
def test_docstring_examples(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).failed == 0
