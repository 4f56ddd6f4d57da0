"""Which frontend a function belongs to: PyTorch's if a tensor or a module is in sight, else JAX's.

Asked by ``astra.jit``, ``astra.compile`` and what is for arrays alone; imports neither.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from astra_mlir.errors import UnsupportedError

__all__ = ["is_torch_module", "refuse_torch", "uses_torch"]


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


def refuse_torch(name: str, instead: str, function: Any, *arguments: Any) -> None:
    """Raise :class:`UnsupportedError` if ``name``, which is for arrays of JAX, is called on what is PyTorch's."""
    if not uses_torch(function, *arguments):
        return
    from astra_mlir.torch_frontend.markers import place_of

    raise UnsupportedError(f"{place_of(sys._getframe(1))}: {name} is for arrays of JAX, not for tensors; {instead}")


def _leaves(tree: Any) -> Iterable[Any]:
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        yield tree
        return
    for child in tree:
        yield from _leaves(child)
