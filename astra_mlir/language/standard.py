"""Functions of the kernel language that are written in the language itself.

Beside ``core.py``, whose operations they are made of; a kernel that calls one has it inlined.
"""

# mypy: ignore-errors
from __future__ import annotations

from astra_mlir.language import core as al
from astra_mlir.language.frontend import function
from astra_mlir.language.math import cos, exp, log, sqrt
from astra_mlir.language.types import float32, int32, uint32, uint64

__all__ = [
    "argmax", "argmin", "cdiv", "cumprod", "cumsum", "flip", "max", "min", "next_power_of_2", "ones_like", "philox",
    "rand", "randint", "randn", "ravel", "sigmoid", "silu", "softmax", "sum", "swizzle2d", "xor_sum", "zeros",
    "zeros_like",
]  # fmt: skip


@function
def cdiv(x, div):
    """``x / div`` rounded up, of integers that are not negative."""
    return (x + div - 1) // div


def next_power_of_2(n: int) -> int:
    """The least power of two that is not below a number known at compile time."""
    return 1 << (n - 1).bit_length() if n > 1 else 1


@function
def zeros(shape, dtype):
    """A tile of zeros."""
    return al.full(shape, 0, dtype)


@function
def zeros_like(x):
    """Zeros of the shape and type of a tile."""
    return al.full(x.shape, 0, x.dtype)


@function
def ones_like(x):
    """Ones of the shape and type of a tile."""
    return al.full(x.shape, 1, x.dtype)


@function
def ravel(x):
    """The elements in one dimension."""
    return al.reshape(x, (x.numel,))


@function
def sigmoid(x):
    """``1 / (1 + exp(-x))``."""
    return 1 / (1 + exp(-x))


@function
def silu(x):
    """``x * sigmoid(x)``."""
    return x / (1 + exp(-x))


# --- reductions --------------------------------------------------------------------------------------------------


@function
def _add(a, b):
    return a + b


@function
def _multiply(a, b):
    return a * b


@function
def _xor(a, b):
    return a ^ b


@function
def _larger(a, b):
    return al.maximum(a, b)


@function
def _smaller(a, b):
    return al.minimum(a, b)


@function
def _widened(x):
    """Integers of fewer than 32 bits are summed in 32."""
    if x.dtype.is_int() and x.dtype.primitive_bitwidth < 32:
        if x.dtype.kind == "i":
            return x.to(int32)
        return x.to(uint32) if x.dtype.kind == "u" else x.to(int32)
    return x


@function
def sum(input, axis=None, keep_dims=False):
    """The sum along an axis, of all elements without one."""
    return al.reduce(_widened(input), axis, _add, keep_dims)


@function
def xor_sum(input, axis=None, keep_dims=False):
    """The exclusive or of integers along an axis."""
    return al.reduce(input, axis, _xor, keep_dims)


@function
def _larger_first(v1, i1, v2, i2):
    first = (v1 > v2) | ((v1 == v2) & (i1 < i2))
    return al.where(first, v1, v2), al.where(first, i1, i2)


@function
def _smaller_first(v1, i1, v2, i2):
    first = (v1 < v2) | ((v1 == v2) & (i1 < i2))
    return al.where(first, v1, v2), al.where(first, i1, i2)


@function
def _positions(input, axis):
    """The number of each element along an axis, in the shape of the tile."""
    al.static_assert(axis is not None or len(input.shape) == 1, "give the axis of argmax, argmin")
    axis = (0 if axis is None else axis) % len(input.shape)
    shape = [1] * len(input.shape)
    shape[axis] = input.shape[axis]
    return al.broadcast_to(al.reshape(al.arange(0, input.shape[axis]), shape), input.shape)


@function
def max(input, axis=None, return_indices=False, keep_dims=False):
    """The largest element along an axis, with ``return_indices`` also the first place where it is."""
    if return_indices:
        return al.reduce((input, _positions(input, axis)), axis, _larger_first, keep_dims)
    return al.reduce(input, axis, _larger, keep_dims)


@function
def min(input, axis=None, return_indices=False, keep_dims=False):
    """The smallest element along an axis, with ``return_indices`` also the first place where it is."""
    if return_indices:
        return al.reduce((input, _positions(input, axis)), axis, _smaller_first, keep_dims)
    return al.reduce(input, axis, _smaller, keep_dims)


@function
def argmax(input, axis=None, keep_dims=False):
    """The first place of the largest element along an axis."""
    _, places = al.reduce((input, _positions(input, axis)), axis, _larger_first, keep_dims)
    return places


@function
def argmin(input, axis=None, keep_dims=False):
    """The first place of the smallest element along an axis."""
    _, places = al.reduce((input, _positions(input, axis)), axis, _smaller_first, keep_dims)
    return places


@function
def cumsum(input, axis=0, reverse=False):
    """The running sum along an axis."""
    return al.associative_scan(_widened(input), axis, _add, reverse)


@function
def cumprod(input, axis=0, reverse=False):
    """The running product along an axis."""
    return al.associative_scan(_widened(input), axis, _multiply, reverse)


@function
def softmax(x, axis=None):
    """``exp(x - max) / sum`` along an axis (the last one)."""
    axis = len(x.shape) - 1 if axis is None else axis
    powers = exp(x - max(x, axis, keep_dims=True))
    return powers / sum(powers, axis, keep_dims=True)


@function
def flip(x, axis=0):
    """The elements along an axis in reverse order."""
    size = x.shape[axis]
    shape = [1] * len(x.shape)
    shape[axis] = size
    index = al.reshape(size - 1 - al.arange(0, size), shape)
    return al.gather(x, al.broadcast_to(index, x.shape), axis)


@function
def swizzle2d(i, j, size_i, size_j, size_g):
    """The place of program (i, j) when rows are walked in groups of ``size_g``, so that neighbours share columns."""
    ij = i * size_j + j
    size_gj = size_g * size_j
    group = ij // size_gj
    first = group * size_g
    rows = al.minimum(size_i - first, size_g)
    inside = ij % size_gj
    return first + inside % rows, inside // rows


# --- random numbers ----------------------------------------------------------------------------------------------


@function
def philox(seed, c0, c1, c2, c3, n_rounds=10):
    """Philox 4x32 (Salmon et al. 2011): four random 32-bit integers of a 64-bit seed and a counter of four words."""
    seed = al.cast(seed, uint64)
    k0 = seed.to(uint32)
    k1 = (seed >> 32).to(uint32)
    for _ in al.static_range(n_rounds):
        old0, old2 = c0, c2
        c0 = al.umulhi(old2, 0xCD9E8D57) ^ c1 ^ k0
        c2 = al.umulhi(old0, 0xD2511F53) ^ c3 ^ k1
        c1 = old2 * 0xCD9E8D57
        c3 = old0 * 0xD2511F53
        k0 = k0 + 0x9E3779B9
        k1 = k1 + 0xBB67AE85
    return c0, c1, c2, c3


@function
def _draw(seed, offset, n_rounds):
    counter = al.cast(offset, uint32) if offset.dtype.primitive_bitwidth <= 32 else offset.to(uint32)
    zero = zeros_like(counter) if len(counter.shape) else al.cast(0, uint32)
    return philox(seed, counter, zero, zero, zero, n_rounds)


@function
def randint(seed, offset, n_rounds=10):
    """Random 32-bit integers, one for each number in ``offset``."""
    a, _, _, _ = _draw(seed, offset, n_rounds)
    return a.to(int32)


@function
def _uniform(bits):
    """[0, 1) of the upper 24 bits."""
    return (bits >> 8).to(float32) * 5.9604644775390625e-08


@function
def rand(seed, offset, n_rounds=10):
    """Random numbers in [0, 1), one for each number in ``offset``: f32."""
    a, _, _, _ = _draw(seed, offset, n_rounds)
    return _uniform(a)


@function
def randn(seed, offset, n_rounds=10):
    """Normally distributed random numbers, one for each number in ``offset``: f32, by Box and Muller's formula."""
    a, b, _, _ = _draw(seed, offset, n_rounds)
    u = 1.0 - _uniform(a)
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * _uniform(b))
