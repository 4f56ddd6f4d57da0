"""Kernels of ``astra.sort``: stable, in JAX's order, any operands, element types, dimensions and comparators."""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type


def _sort(operands: Sequence[np.ndarray], attributes: str, region: str = "({})") -> list[np.ndarray]:
    return run_operation(
        "sort", operands, [tensor_type(operand) for operand in operands], f"is_stable = true, {attributes}", region
    )


def _order(keys: Sequence[np.ndarray], descending: bool) -> np.ndarray:
    """The stable order of rows (last dimension) by several keys: NaN above everything, -0.0 equal to 0.0."""
    columns = []
    for key in reversed(keys):
        ranks = np.unique(key.astype(key.dtype if key.dtype.kind in "iub" else np.float64), return_inverse=True)[1]
        ranks = ranks.reshape(key.shape)  # NaNs are one value for unique, and the last
        columns.append(-ranks if descending else ranks)
    return np.lexsort(columns, axis=-1)


def _data(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if np.dtype(dtype).kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        values[..., ::7] = values[..., :1]
        return values
    values = rng.standard_normal(shape).astype(dtype)
    values[..., ::5] = rng.choice([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40], values[..., ::5].shape)
    return values


ALL = [
    bool, np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64, np.float16, ml_dtypes.bfloat16,
    np.float32, np.float64,
]  # fmt: skip


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ALL, ids=lambda t: np.dtype(t).name)
def test_orders(dtype: type, descending: bool) -> None:
    rng = np.random.default_rng(0)
    for length in (37, 300):
        keys, values = _data(rng, (3, length), dtype), rng.standard_normal((3, length)).astype(np.float32)
        order = _order([keys], descending)
        kind = "descending" if descending else "ascending"
        got = _sort([keys, values], f'dimension = 1 : i64, kind = "{kind}"')
        for result, operand in zip(got, (keys, values), strict=True):
            np.testing.assert_array_equal(
                result.view(np.uint8), np.take_along_axis(operand, order, -1).view(np.uint8), strict=True
            )


@pytest.mark.parametrize("length", [20, 150])
def test_several_keys(length: int) -> None:
    rng = np.random.default_rng(1)
    keys = [rng.integers(0, 4, (2, length)).astype(t) for t in (np.int8, np.float32, np.int64)]
    values = np.arange(2 * length, dtype=np.int32).reshape(2, length)
    got = _sort([*keys, values], 'dimension = 1 : i64, kind = "ascending", num_keys = 3 : i64')
    order = _order(keys, False)
    for result, operand in zip(got, (*keys, values), strict=True):
        np.testing.assert_array_equal(result, np.take_along_axis(operand, order, -1))


@pytest.mark.parametrize("dimension", [0, 1, 2])
@pytest.mark.parametrize("kind", ["ascending", "custom"])
def test_dimensions(dimension: int, kind: str) -> None:
    keys = np.random.default_rng(2).permutation(5 * 70 * 3).reshape(5, 70, 3).astype(np.float32)
    region = LESS.replace("KEY", "f32") if kind == "custom" else "({})"
    (got,) = _sort([keys], f'dimension = {dimension} : i64, kind = "{kind}"', region)
    np.testing.assert_array_equal(got, np.sort(keys, axis=dimension))


@pytest.mark.parametrize("shape", [(0,), (4, 0), (0, 4), (1,), (3, 1)])
def test_empty_and_single(shape: tuple[int, ...]) -> None:
    keys = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    (got,) = _sort([keys], f'dimension = {len(shape) - 1} : i64, kind = "ascending"')
    np.testing.assert_array_equal(got, keys)


LESS = """({
  ^bb0(%a: tensor<KEY>, %b: tensor<KEY>):
    %0 = "astra.compare"(%a, %b) {direction = "LT", compare_type = "FLOAT"} : (tensor<KEY>, tensor<KEY>) -> tensor<i1>
    "astra.yield"(%0) : (tensor<i1>) -> ()
})"""

# By the absolute value of the first operand, the second is carried along.
BY_MAGNITUDE = """({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %m: tensor<i32>, %n: tensor<i32>):
    %0 = "astra.abs"(%a) : (tensor<f32>) -> tensor<f32>
    %1 = "astra.abs"(%b) : (tensor<f32>) -> tensor<f32>
    %2 = "astra.compare"(%0, %1) {direction = "LT", compare_type = "FLOAT"} : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "astra.yield"(%2) : (tensor<i1>) -> ()
})"""


@pytest.mark.parametrize("length", [1, 5, 8, 9, 64, 100, 1000, 30000, 70001])
def test_comparator(length: int) -> None:
    rng = np.random.default_rng(3)
    keys, values = rng.integers(-20, 20, (2, length)).astype(np.float32), np.arange(2 * length, dtype=np.int32)
    values = values.reshape(2, length)
    got = _sort([keys, values], 'dimension = 1 : i64, kind = "custom"', BY_MAGNITUDE)
    order = np.argsort(np.abs(keys), axis=-1, kind="stable")
    np.testing.assert_array_equal(got[0], np.take_along_axis(keys, order, -1))
    np.testing.assert_array_equal(got[1], np.take_along_axis(values, order, -1))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("shape", [(2, 200_000), (9, 30_000), (5, 66_000)])
def test_long_rows(dtype: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    keys, values = _data(rng, shape, dtype), rng.standard_normal(shape)
    if shape[0] == 2:
        keys[1] = rng.integers(0, 200, shape[1])  # most bytes are the same everywhere
    order = _order([keys], True)
    got = _sort([keys, values], 'dimension = 1 : i64, kind = "descending"')
    np.testing.assert_array_equal(got[0], np.take_along_axis(keys, order, -1))
    np.testing.assert_array_equal(got[1], np.take_along_axis(values, order, -1))
