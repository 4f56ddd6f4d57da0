"""Simplification rules: elementwise functions of constants, with StableHLO's semantics for every element type.

Splats are folded at any size, other constants up to ``FOLD_LIMIT`` elements.  Integers wrap; x / 0 is all ones and
x rem 0 is x; shifts out of range give zero (or the sign).  Floats narrower than 32 bits are computed in f32 and rounded
once per operation, as the lowered code does.  What StableHLO leaves open (a float out of an integer's range) stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements, value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, TensorInfo, rule

__all__ = ["ELEMENTWISE", "evaluate"]

Array = np.ndarray[Any, Any]
_WIDTHS = (1, 8, 16, 32, 64)  # integer widths that NumPy computes in


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind in "fc":
        return a / b
    zero, minus_one = b == 0, (b == -1) if a.dtype.kind == "i" else np.zeros_like(b, bool)
    safe = np.where(zero | minus_one, np.ones_like(b), b)
    quotient = a // safe
    if a.dtype.kind == "i":
        quotient = quotient + ((a % safe != 0) & ((a < 0) != (safe < 0)))  # NumPy rounds down, we truncate
    return np.where(zero, ~np.zeros_like(a), np.where(minus_one, -a, quotient)).astype(a.dtype)


def _remainder(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.fmod(a, b)
    zero, minus_one = b == 0, (b == -1) if a.dtype.kind == "i" else np.zeros_like(b, bool)
    safe = np.where(zero | minus_one, np.ones_like(b), b)
    return np.where(zero, a, np.where(minus_one, np.zeros_like(a), np.fmod(a, safe))).astype(a.dtype)


def _shift(operation: Callable[[Array, Array], Array], fill_sign: bool) -> Callable[[Array, Array], Array]:
    def shift(a: Array, b: Array) -> Array:
        width = a.dtype.itemsize * 8
        out_of_range = (b < 0) | (b >= width)
        filled = operation(a, np.full_like(b, width - 1)) if fill_sign else np.zeros_like(a)
        return np.where(out_of_range, filled, operation(a, np.where(out_of_range, 0, b))).astype(a.dtype)

    return shift


def _unsigned(a: Array) -> Array:
    return a.view(f"u{a.dtype.itemsize}")


def _signed(a: Array) -> Array:
    return a.view(f"i{a.dtype.itemsize}")


def _integer_power(base: Array, exponent: Array) -> Array | None:
    if (exponent < 0).any():
        return None
    result, square, rest = np.ones_like(base), base.copy(), exponent.copy()
    while rest.any():
        result = np.where(rest & 1, result * square, result)
        square, rest = square * square, rest >> 1
    return result


def _sign(a: Array) -> Array | None:
    if a.dtype.kind == "c":
        return None
    return np.where(a == 0, a, np.sign(a)).astype(a.dtype)  # keeps -0.0


def _popcount(a: Array) -> Array:
    bits = np.unpackbits(np.ascontiguousarray(a).view(np.uint8).reshape(*a.shape, a.dtype.itemsize), axis=-1)
    return bits.sum(axis=-1).astype(a.dtype)


def _leading_zeros(a: Array) -> Array:
    width, rest = a.dtype.itemsize * 8, _unsigned(a).copy()
    count = np.full(a.shape, width)
    while rest.any():
        count, rest = np.where(rest != 0, count - 1, count), rest >> 1
    return count.astype(a.dtype)


def _half_away(a: Array) -> Array:
    truncated = np.trunc(a)
    return np.copysign(np.abs(truncated) + (np.abs(a - truncated) >= 0.5), a)


def _maximum(a: Array, b: Array) -> Array:
    return np.where((a == 0) & (b == 0), a + b, np.maximum(a, b)) if a.dtype.kind == "f" else np.maximum(a, b)


def _minimum(a: Array, b: Array) -> Array:
    return -_maximum(-a, -b) if a.dtype.kind == "f" else np.minimum(a, b)


def _complex(real: Array, imag: Array) -> Array:
    result = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
    result.real, result.imag = real, imag
    return result


# name -> (kinds of element it is folded for, function of arrays that may return None to leave the operation alone)
ELEMENTWISE: dict[str, tuple[str, Callable[..., Array | None]]] = {
    "abs": ("if", np.abs), "negate": ("ifuc", np.negative), "sign": ("if", _sign),
    "ceil": ("f", np.ceil), "floor": ("f", np.floor), "round_nearest_even": ("f", np.rint),
    "round_nearest_afz": ("f", _half_away), "exponential": ("f", np.exp), "exponential_minus_one": ("f", np.expm1),
    "log": ("f", np.log), "log_plus_one": ("f", np.log1p), "sqrt": ("f", np.sqrt),
    "rsqrt": ("f", lambda a: (1 / np.sqrt(a)).astype(a.dtype)), "cbrt": ("f", np.cbrt), "sine": ("f", np.sin),
    "cosine": ("f", np.cos), "tan": ("f", np.tan), "tanh": ("f", np.tanh), "not": ("biu", np.invert),
    "logistic": ("f", lambda a: (1 / (1 + np.exp(-a))).astype(a.dtype)),
    "popcnt": ("iu", _popcount), "count_leading_zeros": ("iu", _leading_zeros), "is_finite": ("f", np.isfinite),
    "real": ("fc", np.real), "imag": ("fc", np.imag),
    "add": ("biufc", np.add), "subtract": ("iufc", np.subtract), "multiply": ("biufc", np.multiply),
    "divide": ("iuf", _divide), "remainder": ("iuf", _remainder), "maximum": ("biuf", _maximum),
    "minimum": ("biuf", _minimum), "atan2": ("f", np.arctan2), "and": ("biu", np.bitwise_and),
    "or": ("biu", np.bitwise_or), "xor": ("biu", np.bitwise_xor), "shift_left": ("iu", _shift(np.left_shift, False)),
    "shift_right_arithmetic": ("iu", lambda a, b: _shift(np.right_shift, True)(_signed(a), _signed(b)).view(a.dtype)),
    "shift_right_logical": ("iu", lambda a, b: _shift(np.right_shift, False)(_unsigned(a), _unsigned(b)).view(a.dtype)),
    "power": ("iuf", lambda a, b: np.power(a, b) if a.dtype.kind == "f" else _integer_power(a, b)),
    "complex": ("f", _complex),
}  # fmt: skip


_DIRECTIONS = {
    "EQ": np.equal, "NE": np.not_equal, "LT": np.less, "LE": np.less_equal, "GT": np.greater, "GE": np.greater_equal,
}  # fmt: skip


def _convert(array: Array, source: TensorInfo, target: TensorInfo) -> Array | None:
    if "c" in (source.kind, target.kind) and target.kind != "c":
        array = array.real
    if target.kind == "b":
        return array != 0
    if target.kind in "iu" and source.kind in "fc":
        wide = array.astype(np.float64)
        signed = target.kind == "i"
        lowest, highest = -(2 ** (target.width - 1)) if signed else 0, 2 ** (target.width - signed)
        if not (np.isfinite(wide).all() and (np.trunc(wide) >= lowest).all() and (wide < highest).all()):
            return None
        array = np.trunc(wide)
    return array.astype(elements.dtype_of(target.element))


def _foldable(info: TensorInfo) -> bool:
    return info.kind in "fc" or (info.kind in "biu" and info.width in _WIDTHS)


def _compute(op: ir.Operation, infos: list[TensorInfo], target: TensorInfo, arrays: list[Array]) -> Array | None:
    """The elements of the operation's result, from arrays that NumPy broadcasts against each other."""
    name = op.name[6:]
    if name == "convert":
        return _convert(arrays[0], infos[0], target)
    if name == "select":
        return np.where(*arrays)
    if infos[0].kind == "f" and infos[0].width < 32:
        arrays = [array.astype(np.float32) for array in arrays]
    if name == "clamp":
        return _minimum(_maximum(arrays[1], arrays[0]), arrays[2])
    if name == "compare":
        if value_of(op, "compare_type") == "TOTALORDER":
            return None
        return _DIRECTIONS[value_of(op, "direction")](*arrays)
    kinds, function = ELEMENTWISE[name]
    return function(*arrays) if infos[0].kind in kinds else None


def evaluate(op: ir.Operation, rw: Rewriter, operands: list[tuple[Array, TensorInfo]]) -> Array | None:
    """The elements of an elementwise operation's result for these operands, in the result's dtype, or ``None``."""
    target = rw.info(op.results[0])
    infos = [info for _, info in operands]
    if not _foldable(target) or not all(_foldable(info) for info in infos):
        return None
    with np.errstate(all="ignore"):
        result = _compute(op, infos, target, [array for array, _ in operands])
        return None if result is None else np.asarray(result).astype(elements.dtype_of(target.element))


@rule(*ELEMENTWISE, "convert", "compare", "select", "clamp")
def fold(op: ir.Operation, rw: Rewriter) -> Replacement:
    """An elementwise function of constants is a constant."""
    operands = op.operands
    if any(rw.attribute(value) is None for value in operands):
        return None
    target = rw.info(op.results[0])
    if not target.static or target.size == 0:
        return None
    splats = [rw.splat_of(value) for value in operands]
    infos = [rw.info(value) for value in operands]
    arrays: list[Array]
    if all(splat is not None for splat in splats):
        arrays = [np.asarray(splat).reshape(1) for splat in splats]
    else:
        arrays = [array for array in map(rw.array, operands) if array is not None]
        if len(arrays) < len(infos):
            return None
    result = evaluate(op, rw, list(zip(arrays, infos, strict=True)))
    if result is None:
        return None
    if result.size == 1:
        return rw.splat(result.reshape(1)[0], target.type)
    return rw.constant(np.broadcast_to(result, target.shape), target.type)
