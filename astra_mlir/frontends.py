"""Which frontend a function belongs to: PyTorch's if a tensor or a module is in sight, else JAX's.

Asked by ``astra.jit`` and ``astra.compile``; imports neither.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["is_torch_module", "uses_torch"]


def _torch() -> Any:
    """PyTorch, if the program has imported it (wholly)."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "Tensor") and hasattr(torch, "nn") else None


def is_torch_module(function: Any) -> bool:
    """Whether ``function`` is a ``torch.nn.Module``."""
    torch = _torch()
    return torch is not None and isinstance(function, torch.nn.Module)


def uses_torch(function: Any, *arguments: Any) -> bool:
    """Whether ``function`` is a PyTorch module or among the arguments, trees of any depth, is a PyTorch tensor."""
    torch = _torch()
    if torch is None:
        return False
    return isinstance(function, torch.nn.Module) or any(isinstance(leaf, torch.Tensor) for leaf in _leaves(arguments))


def _leaves(tree: Any) -> Iterable[Any]:
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        yield tree
        return
    for child in tree:
        yield from _leaves(child)
