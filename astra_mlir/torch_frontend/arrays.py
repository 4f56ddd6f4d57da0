"""PyTorch's tensors and element types as NumPy's, without copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import torch

__all__ = ["array_of", "dtype_of", "tensor_of"]

# Element types that NumPy has from ml_dtypes, and the integers through whose arrays they pass to and from PyTorch.
_EXTENDED = {
    np.dtype(ml_dtypes.bfloat16): (torch.bfloat16, torch.int16),
    np.dtype(ml_dtypes.float8_e4m3fn): (torch.float8_e4m3fn, torch.int8),
    np.dtype(ml_dtypes.float8_e5m2): (torch.float8_e5m2, torch.int8),
    np.dtype(ml_dtypes.float8_e4m3fnuz): (torch.float8_e4m3fnuz, torch.int8),
    np.dtype(ml_dtypes.float8_e5m2fnuz): (torch.float8_e5m2fnuz, torch.int8),
}
_EXTENDED_ARRAYS = {dtype: (integers, array) for array, (dtype, integers) in _EXTENDED.items()}


def array_of(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """A NumPy array over the memory of a tensor (of a contiguous copy, if it is not contiguous)."""
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if tensor.dtype not in _EXTENDED_ARRAYS:
        return tensor.numpy()
    integers, dtype = _EXTENDED_ARRAYS[tensor.dtype]
    return tensor.view(integers).numpy().view(dtype)


def dtype_of(dtype: np.dtype[Any]) -> torch.dtype:
    """PyTorch's element type of NumPy's."""
    if dtype in _EXTENDED:
        return _EXTENDED[dtype][0]
    return torch.from_numpy(np.empty(0, dtype)).dtype


def tensor_of(dtype: np.dtype[Any]) -> Callable[[np.ndarray[Any, Any]], torch.Tensor]:
    """The function that makes tensors, without copies, of arrays of this element type."""
    if dtype not in _EXTENDED:
        return torch.from_numpy
    wanted, width = _EXTENDED[dtype][0], np.dtype(f"int{8 * dtype.itemsize}")
    return lambda array: torch.from_numpy(array.view(width)).view(wanted)
