"""Which PyTorch operations ``torch_capture.py`` decomposes while it makes a graph functional, and into what.

The table is torch-mlir's own, of what its conversions expect.  For programs to differentiate it has more entries:
operations whose derivative PyTorch defines at kinks and ties are written such that the derivative of the parts is the
same there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from astra_mlir.bindings import torch_decomposition_table

__all__ = ["table"]

_aten = torch.ops.aten


@functools.cache
def table(differentiable: bool) -> dict[Any, Callable[..., Any]]:
    """The decomposition of each operation that has one."""
    return dict(torch_decomposition_table())
