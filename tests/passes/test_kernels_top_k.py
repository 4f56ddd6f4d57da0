"""Kernels of ``astra.top_k`` against a stable sort."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type


def _check(operand: np.ndarray, k: int, largest: bool) -> None:
    shape = "x".join(map(str, [*operand.shape[:-1], k]))
    element = tensor_type(operand).rpartition("x")[2].removesuffix(">")
    values, indices = run_operation(
        "top_k", [operand], [f"tensor<{shape}x{element}>", f"tensor<{shape}xi32>"],
        f"k = {k} : i64, largest = {str(largest).lower()}",
    )  # fmt: skip
    wide = operand.astype(np.float64) if operand.dtype.kind not in "iu" else operand
    ranks = np.unique(wide, return_inverse=True)[1].reshape(operand.shape)
    order = np.argsort(-ranks if largest else ranks, axis=-1, kind="stable")[..., :k]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(values, np.take_along_axis(operand, order, -1))


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(
    "length,k", [(7, 3), (50, 50), (300, 1), (300, 17), (300, 64), (300, 200), (70_000, 5), (70_000, 500)]
)
def test_lengths(length: int, k: int, largest: bool) -> None:
    operand = np.random.default_rng(0).integers(-90, 90, (2, length)).astype(np.float32)
    operand[0, ::11] = np.nan
    _check(operand, k, largest)


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint16, np.int32, np.uint32, np.int64, np.float16, ml_dtypes.bfloat16, np.float64], ids=str
)
def test_element_types(dtype: type) -> None:
    rng = np.random.default_rng(1)
    operand = (rng.standard_normal((2, 3, 200)) * 100).astype(np.int64).astype(dtype)
    _check(operand, 9, True)
    _check(operand, 200, False)


def test_equal_elements() -> None:
    _check(np.ones((2, 500), np.float32), 20, True)


@pytest.mark.parametrize("length", [8, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16], ids=str)
def test_total_order_of_floats(dtype: type, length: int) -> None:
    """Zeros and NaNs of either sign are told apart, as JAX does on CPU."""
    operand = np.zeros((1, length), dtype)
    operand[0, :6] = [-0.0, np.nan, np.copysign(np.nan, -1), 1.0, np.inf, -np.inf]
    element = {np.float32: "f32", np.float64: "f64", np.float16: "f16"}[dtype]
    results = [f"tensor<1x{length}x{element}>", f"tensor<1x{length}xi32>"]
    values, indices = run_operation("top_k", [operand], results, f"k = {length} : i64, largest = true")
    zeros = list(range(6, length))
    np.testing.assert_array_equal(indices[0], [1, 4, 3, *zeros, 0, 5, 2])
    np.testing.assert_array_equal(np.signbit(values), np.signbit(operand[0, indices[0]])[None])
