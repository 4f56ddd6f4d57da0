"""Which PyTorch operations ``torch_capture.py`` decomposes while it makes a graph functional, and into what.

The table is torch-mlir's own, of what its conversions expect, with what they lack or do in double precision.  For
programs to differentiate it has more entries: operations whose derivative PyTorch defines at kinks and ties are written
such that the derivative of the parts is the same there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import get_decompositions

from astra_mlir.bindings import torch_decomposition_table
from astra_mlir.torch_rules import stop_gradient

__all__ = ["table"]

_aten = torch.ops.aten
_Decomposition = Callable[..., Any]


@functools.cache
def table(differentiable: bool) -> dict[Any, _Decomposition]:
    """The decomposition of each operation that has one."""
    found = {**torch_decomposition_table(), **get_decompositions(_FROM_PYTORCH), **_ALWAYS}
    return {**found, **_DIFFERENTIABLE} if differentiable else found


# --- always ------------------------------------------------------------------------------------------------------

_FROM_PYTORCH = [
    _aten.upsample_bilinear2d,
    _aten.upsample_bicubic2d,
    _aten.upsample_linear1d,
    _aten.upsample_trilinear3d,
    _aten.native_batch_norm,
]


def _variance(x: torch.Tensor, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> torch.Tensor:
    """In the type of ``x``: torch-mlir computes it in double precision."""
    return _variance_mean(x, dim, correction=correction, keepdim=keepdim)[0]


def _variance_mean(
    x: torch.Tensor, dim: Any = None, *, correction: Any = None, keepdim: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    dims = list(range(x.dim())) if not dim else [dim] if isinstance(dim, int) else list(dim)
    dims = [d % x.dim() for d in dims] if x.dim() else []
    count = math.prod(x.shape[d] for d in dims)
    mean = x.mean(dims, keepdim=True)
    centered = x - mean
    square = (centered * centered.conj()).real if x.is_complex() else centered * centered
    divisor = count - (1 if correction is None else correction)
    total = square.sum(dims, keepdim=keepdim)
    variance = total / divisor if divisor > 0 else total / torch.zeros_like(total)
    return variance, mean if keepdim else mean.reshape(variance.shape)


def _deviation(x: torch.Tensor, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> torch.Tensor:
    return _variance(x, dim, correction=correction, keepdim=keepdim).sqrt()


def _conjugate(z: torch.Tensor) -> torch.Tensor:
    if not z.is_complex():
        return _aten.alias.default(z)
    return torch.complex(_aten.real(z), -_aten.imag(z))


_ALWAYS: dict[Any, _Decomposition] = {
    _aten.var.correction: _variance,
    _aten.var_mean.correction: _variance_mean,
    _aten.std.correction: _deviation,
    _aten._conj.default: _conjugate,
    _aten.conj_physical.default: _conjugate,
    _aten.detach.default: lambda x: _aten.alias.default(x),
}

# --- to differentiate --------------------------------------------------------------------------------------------


def _relu(x: torch.Tensor) -> torch.Tensor:
    """Derivative 0 at 0, where that of a maximum is a half."""
    return torch.where(x <= 0, torch.zeros_like(x), x)


def _clamp(x: torch.Tensor, min: Any = None, max: Any = None) -> torch.Tensor:
    """Derivative 1 at the bounds, which win where they cross; a bound that is a tensor has the derivative elsewhere."""
    for bound, outside in ((min, torch.lt), (max, torch.gt)):
        if bound is not None:
            limit = bound if isinstance(bound, torch.Tensor) else torch.full((), bound, dtype=x.dtype)
            x = torch.where(outside(x, bound), limit, x)
    return x


def _hardtanh(x: torch.Tensor, min: Any = -1.0, max: Any = 1.0) -> torch.Tensor:
    """Derivative 0 at the bounds."""
    x = torch.where(x <= min, torch.full((), min, dtype=x.dtype), x)
    return torch.where(x >= max, torch.full((), max, dtype=x.dtype), x)


def _choice(of: Callable[..., torch.Tensor]) -> _Decomposition:
    """The derivative of a maximum along an axis goes to the element whose index is given."""

    def extremum(x: torch.Tensor, dim: int, keepdim: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        index = of(x, dim, keepdim=True)
        value = x.gather(dim, index) if x.dim() else x.clone()
        return (value, index) if keepdim or not x.dim() else (value.squeeze(dim), index.squeeze(dim))

    return extremum


def _softmax(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
    """The maximum cancels in the derivative."""
    if half_to_float:
        x = x.float()
    exponentials = torch.exp(x - stop_gradient(x.amax(dim, keepdim=True)))
    return exponentials / exponentials.sum(dim, keepdim=True)


def _log_softmax(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
    if half_to_float:
        x = x.float()
    shifted = x - stop_gradient(x.amax(dim, keepdim=True))
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def _logsumexp(x: torch.Tensor, dim: Any, keepdim: bool = False) -> torch.Tensor:
    dims = [dim] if isinstance(dim, int) else list(dim)
    largest = stop_gradient(x.amax(dims, keepdim=True))
    largest = torch.where(largest.abs() == math.inf, 0.0, largest)
    result = (x - largest).exp().sum(dims, keepdim=True).log() + largest
    return result if keepdim else result.squeeze(dims)


def _vector_norm(
    x: torch.Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> torch.Tensor:
    """The 2-norm has derivative 0 at 0, where that of a square root is infinite."""
    if ord != 2 or x.is_complex():
        return NotImplemented
    x = x if dtype is None else x.to(dtype)
    dims = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    square = (x * x).sum(dims, keepdim=keepdim)
    zero = square == 0
    return torch.where(zero, torch.zeros_like(square), torch.where(zero, torch.ones_like(square), square).sqrt())


def _leaky_relu(x: torch.Tensor, negative_slope: Any = 0.01) -> torch.Tensor:
    return torch.where(x > 0, x, x * negative_slope)


def _prelu(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, x * weight)


def _elu(x: torch.Tensor, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> torch.Tensor:
    """The exponential of what is positive is not taken: where it overflows, its derivative would be no number."""
    below = torch.where(x > 0, torch.zeros_like(x), x)
    return torch.where(x > 0, x * scale, torch.expm1(below * input_scale) * (alpha * scale))


def _hardsigmoid(x: torch.Tensor) -> torch.Tensor:
    return _hardtanh(x, -3.0, 3.0) / 6 + 0.5


def _hardswish(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x <= -3, torch.zeros_like(x), torch.where(x < 3, x * (x / 6 + 0.5), x))


def _softplus(x: torch.Tensor, beta: Any = 1.0, threshold: Any = 20.0) -> torch.Tensor:
    linear = x * beta > threshold
    safe = torch.where(linear, torch.zeros_like(x), x)
    return torch.where(linear, x, torch.log1p(torch.exp(safe * beta)) / beta)


def _mish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.tanh(_softplus(x))


def _sinc(x: torch.Tensor) -> torch.Tensor:
    zero = x == 0
    angle = torch.where(zero, torch.ones_like(x), x) * math.pi
    return torch.where(zero, torch.ones_like(x), torch.sin(angle) / angle)


def _fmax(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.where((x >= y) | y.isnan(), x, y)


def _fmin(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.where((x <= y) | y.isnan(), x, y)


def _asinh(x: torch.Tensor) -> torch.Tensor:
    """Accurate and differentiable at 0, and without overflow."""
    size = torch.where(x < 0, -x, x)
    is_small, is_large = size < 0.5, size > 1e8
    small = torch.where(is_small, x, torch.zeros_like(x))
    near = torch.log1p(small + small * small / (1 + torch.sqrt(small * small + 1)))
    middle = torch.where(is_small | is_large, torch.ones_like(x), size)
    far = torch.log(middle + torch.sqrt(middle * middle + 1))
    huge = torch.log(torch.where(is_large, size, torch.ones_like(x))) + math.log(2)
    away = torch.where(is_large, huge, far)
    return torch.where(is_small, near, torch.where(x < 0, -away, away))


_DIFFERENTIABLE: dict[Any, _Decomposition] = {
    _aten.leaky_relu.default: _leaky_relu,
    _aten._prelu_kernel.default: _prelu,
    _aten.elu.default: _elu,
    _aten.hardsigmoid.default: _hardsigmoid,
    _aten.hardswish.default: _hardswish,
    _aten.softplus.default: _softplus,
    _aten.mish.default: _mish,
    _aten.sinc.default: _sinc,
    _aten.fmax.default: _fmax,
    _aten.fmin.default: _fmin,
    _aten.asinh.default: _asinh,
    _aten.celu.default: lambda x, alpha=1.0: _elu(x, alpha, 1.0, 1.0 / alpha),
    _aten.relu.default: _relu,
    _aten.clamp.default: _clamp,
    _aten.clamp.Tensor: _clamp,
    _aten.clamp_min.default: lambda x, min: _clamp(x, min),
    _aten.clamp_min.Tensor: lambda x, min: _clamp(x, min),
    _aten.clamp_max.default: lambda x, max: _clamp(x, None, max),
    _aten.clamp_max.Tensor: lambda x, max: _clamp(x, None, max),
    _aten.hardtanh.default: _hardtanh,
    _aten.relu6.default: lambda x: _hardtanh(x, 0.0, 6.0),
    _aten.max.dim: _choice(torch.argmax),
    _aten.min.dim: _choice(torch.argmin),
    _aten._softmax.default: _softmax,
    _aten._log_softmax.default: _log_softmax,
    _aten.logsumexp.default: _logsumexp,
    _aten.linalg_vector_norm.default: _vector_norm,
}
