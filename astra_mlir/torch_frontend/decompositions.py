"""Which PyTorch operations ``torch_frontend/capture.py`` decomposes while it makes a graph functional, and into what.

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
from astra_mlir.errors import UnsupportedError
from astra_mlir.torch_frontend.markers import stop_gradient

__all__ = ["table"]

_aten = torch.ops.aten
real_part, imaginary_part = torch.ops.astra.real.default, torch.ops.astra.imag.default
make_complex = torch.ops.astra.complex.default
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
    return _except_at_zero(_variance(x, dim, correction=correction, keepdim=keepdim), torch.sqrt)


def _except_at_zero(x: torch.Tensor, function: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """``function`` of what is not 0, and 0 with derivative 0 elsewhere."""
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), function(torch.where(zero, torch.ones_like(x), x)))


def _conjugate(z: torch.Tensor) -> torch.Tensor:
    if not z.is_complex():
        return _aten.alias.default(z)
    return make_complex(real_part(z), -imaginary_part(z))


def _view_as_complex(x: torch.Tensor) -> torch.Tensor:
    return make_complex(x.select(-1, 0), x.select(-1, 1))


def _view_as_real(z: torch.Tensor) -> torch.Tensor:
    return torch.stack([real_part(z), imaginary_part(z)], -1)


def _roll(x: torch.Tensor, shifts: Any, dims: Any = ()) -> torch.Tensor:
    shifts = [shifts] if isinstance(shifts, int) else list(shifts)
    dims = [dims] if isinstance(dims, int) else list(dims)
    if not dims:
        return _roll(x.reshape(-1), shifts, [0]).reshape(x.shape)
    for shift, dim in zip(shifts, dims, strict=True):
        size = x.shape[dim]
        first = size - shift % size if size else 0
        x = torch.cat([x.narrow(dim, first, size - first), x.narrow(dim, 0, first)], dim)
    return x


def _promoted(x: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as tensors of one shape and element type."""
    dtype = torch.result_type(x, y)
    x, y = torch.broadcast_tensors(_as_type(x, dtype), _as_type(y, dtype))
    return x, y


def _as_type(x: Any, dtype: torch.dtype) -> torch.Tensor:
    if not dtype.is_complex:
        return x.to(dtype) if isinstance(x, torch.Tensor) else torch.full((), x, dtype=dtype)
    real = dtype.to_real()
    if not isinstance(x, torch.Tensor):
        return make_complex(torch.full((), x.real, dtype=real), torch.full((), x.imag, dtype=real))
    if x.dtype == dtype:
        return x
    if x.is_complex():
        return make_complex(real_part(x).to(real), imaginary_part(x).to(real))
    return make_complex(x.to(real), torch.zeros(x.shape, dtype=real))


def _fmod(x: Any, y: Any) -> torch.Tensor:
    """With the sign of the dividend: what StableHLO calls the remainder."""
    return _operation("remainder", *_promoted(x, y))


def _remainder(x: Any, y: Any) -> torch.Tensor:
    """With the sign of the divisor; torch-mlir gives it that of the dividend."""
    x, y = _promoted(x, y)
    rest = _operation("remainder", x, y)
    if not x.dtype.is_signed:
        return rest
    return torch.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def _operation(name: str, *operands: torch.Tensor) -> torch.Tensor:
    """StableHLO's operation of operands of one shape and element type."""
    result: torch.Tensor = getattr(torch.ops.astra, name).default(*operands)
    return result


def _of_complex(name: str) -> _Decomposition:
    """An operation of complex numbers, which torch-mlir converts of real ones only."""

    def operation(*operands: Any, alpha: Any = 1) -> Any:
        if not any(v.is_complex() if isinstance(v, torch.Tensor) else isinstance(v, complex) for v in operands):
            return NotImplemented
        if alpha != 1:
            operands = (operands[0], operands[1] * alpha)
        return _operation(name, *(_promoted(*operands) if len(operands) == 2 else operands))

    return operation


def _equal(x: Any, y: Any) -> Any:
    dtype = torch.result_type(x, y)
    if not dtype.is_complex:
        return NotImplemented
    x, y = _promoted(x, y)
    return (real_part(x) == real_part(y)) & (imaginary_part(x) == imaginary_part(y))


def _unequal(x: Any, y: Any) -> Any:
    same = _equal(x, y)
    return same if same is NotImplemented else ~same


def _absolute(z: torch.Tensor) -> Any:
    if not z.is_complex():
        return NotImplemented
    real, imag = real_part(z), imaginary_part(z)
    return _except_at_zero(real * real + imag * imag, torch.sqrt)


def _max_pool(
    x: torch.Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """Windows that stick out at the end, as padding before: torch-mlir pads for them wrongly."""
    if not ceil_mode:
        return NotImplemented
    kernel, step, pad, spread = (_pair(v) for v in (kernel_size, stride or kernel_size, padding, dilation))
    pads: list[int] = []
    for size, k, s, p, d in zip(x.shape[-2:], kernel, step, pad, spread, strict=True):
        reach = d * (k - 1) + 1
        count = -(-(size + 2 * p - reach) // s) + 1
        count -= (count - 1) * s >= size + p  # a window that starts in the padding at the end is left out
        pads = [p, max(0, (count - 1) * s + reach - size - p), *pads]
    lowest = -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
    padded = _aten.constant_pad_nd.default(x, pads, lowest)
    values, index = _aten.max_pool2d_with_indices.default(padded, kernel, step, [0, 0], spread, False)
    width = padded.shape[-1]
    rows, columns = index // width - pads[2], index % width - pads[0]
    return values, rows * x.shape[-1] + columns


def _pair(value: Any) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


def _diagonal(x: torch.Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> torch.Tensor:
    x = x.movedim((dim1, dim2), (-2, -1))
    rows, columns = x.shape[-2:]
    row, column = max(0, -offset), max(0, offset)
    index = torch.arange(max(0, min(rows - row, columns - column)))
    return x.reshape(*x.shape[:-2], -1).index_select(-1, (index + row) * columns + index + column)


def _windows(x: torch.Tensor, dim: int, size: int, step: int) -> torch.Tensor:
    """``Tensor.unfold``."""
    dim %= x.dim()
    count = (x.shape[dim] - size) // step + 1
    index = (torch.arange(count)[:, None] * step + torch.arange(size)).reshape(-1)
    found = x.index_select(dim, index)
    return found.reshape(*x.shape[:dim], count, size, *x.shape[dim + 1 :]).movedim(dim + 1, -1)


def _cumulative_product(x: torch.Tensor, dim: int, *, dtype: Any = None) -> torch.Tensor:
    """By doubling: after a step each element is the product of twice as many."""
    x = x.to(dtype or (torch.int64 if not (x.is_floating_point() or x.is_complex()) else x.dtype))
    reach = 1
    while x.dim() and reach < x.shape[dim]:
        before = x.narrow(dim, 0, x.shape[dim] - reach)
        x = x * torch.cat([torch.ones_like(x.narrow(dim, 0, reach)), before], dim)
        reach *= 2
    return x


_ALWAYS: dict[Any, _Decomposition] = {
    _aten.var.correction: _variance,
    _aten.var_mean.correction: _variance_mean,
    _aten.std.correction: _deviation,
    _aten.roll.default: _roll,
    _aten.diagonal.default: _diagonal,
    _aten.unfold.default: _windows,
    _aten.cumprod.default: _cumulative_product,
    _aten.max_pool2d_with_indices.default: _max_pool,
    _aten.fmod.Tensor: _fmod,
    _aten.fmod.Scalar: _fmod,
    _aten.remainder.Tensor: _remainder,
    _aten.remainder.Scalar: _remainder,
    _aten.remainder.Scalar_Tensor: _remainder,
    _aten.add.Tensor: _of_complex("add"),
    _aten.sub.Tensor: _of_complex("subtract"),
    _aten.mul.Tensor: _of_complex("multiply"),
    _aten.mul.Scalar: _of_complex("multiply"),
    _aten.div.Tensor: _of_complex("divide"),
    _aten.neg.default: _of_complex("negate"),
    _aten.exp.default: _of_complex("exponential"),
    _aten.abs.default: _absolute,
    _aten.eq.Tensor: _equal,
    _aten.eq.Scalar: _equal,
    _aten.ne.Tensor: _unequal,
    _aten.ne.Scalar: _unequal,
    _aten._conj.default: _conjugate,
    _aten.conj_physical.default: _conjugate,
    _aten._conj_physical.default: _conjugate,
    _aten.complex.default: lambda x, y: make_complex(*torch.broadcast_tensors(x, y)),
    _aten.view_as_complex.default: _view_as_complex,
    _aten.view_as_real.default: _view_as_real,
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
    """Derivative 0 at 0, also where that of a root or a power is infinite."""
    if ord in (0, 1, math.inf, -math.inf) or x.is_complex():
        return NotImplemented
    x = x if dtype is None else x.to(dtype)
    dims = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    powers = x * x if ord == 2 else _except_at_zero(x.abs(), lambda size: size**ord)
    total = powers.sum(dims, keepdim=keepdim)
    return _except_at_zero(total, torch.sqrt if ord == 2 else lambda total: total ** (1 / ord))


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


def _embedding(
    weight: torch.Tensor, indices: torch.Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:  # fmt: skip
    """The row for padding gets no gradient."""
    if scale_grad_by_freq:
        raise UnsupportedError("embedding: scale_grad_by_freq=True has no derivative in Astra; scale gradients outside")
    if padding_idx < 0:
        return NotImplemented
    rows = _aten.embedding.default(weight, indices)
    return torch.where((indices == padding_idx).unsqueeze(-1), stop_gradient(rows), rows)


def _x_log_y(x: Any, y: Any) -> torch.Tensor:
    """0 with derivative 0 where x is 0 and y has no logarithm."""
    x, y = _promoted(x, y)
    outside = (x == 0) & (y <= 0)
    return torch.where(outside, torch.zeros_like(x), x * torch.log(torch.where(outside, torch.ones_like(y), y)))


def _log_cumulative_sum(x: torch.Tensor, dim: int) -> torch.Tensor:
    """By doubling, as the cumulative product."""
    reach = 1
    while x.dim() and reach < x.shape[dim]:
        later = torch.logaddexp(x.narrow(dim, reach, x.shape[dim] - reach), x.narrow(dim, 0, x.shape[dim] - reach))
        x = torch.cat([x.narrow(dim, 0, reach), later], dim)
        reach *= 2
    return x


_DIFFERENTIABLE: dict[Any, _Decomposition] = {
    _aten.leaky_relu.default: _leaky_relu,
    _aten._prelu_kernel.default: _prelu,
    _aten.elu.default: _elu,
    _aten.hardsigmoid.default: _hardsigmoid,
    _aten.hardswish.default: _hardswish,
    _aten.softplus.default: _softplus,
    _aten.mish.default: _mish,
    _aten.sinc.default: _sinc,
    _aten.embedding.default: _embedding,
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
    _aten.logcumsumexp.default: _log_cumulative_sum,
    _aten.xlogy.Tensor: _x_log_y,
    _aten.xlogy.Scalar_Other: _x_log_y,
    _aten.xlogy.Scalar_Self: _x_log_y,
}
