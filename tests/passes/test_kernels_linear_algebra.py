"""Kernels of ``astra.cholesky`` and ``astra.triangular_solve`` against numpy's f64 (complex128) results."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13, np.complex64: 2e-5, np.complex128: 1e-13}


def _random(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def _relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(got - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-30))


def _solve_error(a: np.ndarray, b: np.ndarray, left: bool, lower: bool, unit: bool, transpose: str) -> float:
    (x,) = run_operation(
        "triangular_solve", [a, b], [tensor_type(b)],
        f"left_side = {str(left).lower()}, lower = {str(lower).lower()}, unit_diagonal = {str(unit).lower()}, "
        f'transpose_a = "{transpose}"',
    )  # fmt: skip
    matrix = (np.tril if lower else np.triu)(a.astype(np.complex128))
    if unit:
        matrix[..., range(a.shape[-1]), range(a.shape[-1])] = 1
    if transpose != "NO_TRANSPOSE":
        matrix = np.swapaxes(matrix, -1, -2)
    if transpose == "ADJOINT":
        matrix = matrix.conj()
    back = matrix @ x if left else x @ matrix
    return _relative_error(back, b.astype(np.complex128))


FLAGS = list(itertools.product([True, False], [True, False], [True, False], ["NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"]))


@pytest.mark.parametrize("left,lower,unit,transpose", FLAGS)
def test_triangular_solve_flags(left: bool, lower: bool, unit: bool, transpose: str) -> None:
    rng = np.random.default_rng(0)
    a = _random(rng, (2, 9, 9), np.complex64) * np.float32(0.2) + 2 * np.eye(9, dtype=np.float32)
    b = _random(rng, (2, 9, 5) if left else (2, 5, 9), np.complex64)
    assert _solve_error(a, b, left, lower, unit, transpose) < 2e-5


@pytest.mark.parametrize(
    "shape,dtype",
    [
        ((1, 1), np.float32), ((8, 1), np.complex128), ((40, 77), np.float32), ((40, 77), np.float64),
        ((20, 9), np.complex128), ((150, 64), np.float32), ((70, 1), np.float32),
    ],
    ids=str,
)  # fmt: skip
def test_triangular_solve_shapes(shape: tuple[int, int], dtype: type) -> None:
    n, columns = shape
    rng = np.random.default_rng(1)
    a = _random(rng, (n, n), dtype) / n + 2 * np.eye(n, dtype=dtype)
    for left, transpose in ((True, "NO_TRANSPOSE"), (True, "TRANSPOSE"), (False, "NO_TRANSPOSE"), (False, "TRANSPOSE")):
        b = _random(rng, (n, columns) if left else (columns, n), dtype)
        assert _solve_error(a.astype(dtype), b, left, left, False, transpose) < TOLERANCE[dtype]


def test_triangular_solve_of_nothing() -> None:
    for a_shape, b_shape in (((0, 0), (0, 3)), ((3, 3), (3, 0)), ((0, 3, 3), (0, 3, 2))):
        assert (
            _solve_error(np.ones(a_shape, np.float32), np.ones(b_shape, np.float32), True, True, False, "TRANSPOSE")
            == 0
        )


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize(
    "shape,dtype",
    [
        ((1, 1), np.float32), ((3, 8, 8), np.complex64), ((2, 2, 37, 37), np.float32), ((37, 37), np.float64),
        ((2, 20, 20), np.complex128), ((120, 120), np.float32), ((0, 0), np.float32),
    ],
    ids=str,
)  # fmt: skip
def test_cholesky(shape: tuple[int, ...], lower: bool, dtype: type) -> None:
    rng = np.random.default_rng(2)
    root = _random(rng, shape, dtype)
    a = root @ np.swapaxes(root.conj(), -1, -2) + shape[-1] * np.eye(shape[-1], dtype=dtype)
    read = (np.tril if lower else np.triu)(a).astype(dtype)  # the other triangle is not looked at
    (got,) = run_operation("cholesky", [read], [tensor_type(read)], f"lower = {str(lower).lower()}")
    expected = np.linalg.cholesky(a.astype(np.complex128)) if a.size else a
    if not lower:
        expected = np.swapaxes(expected.conj(), -1, -2)
    assert _relative_error(got, expected) < TOLERANCE[dtype]


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_of_an_indefinite_matrix(lower: bool) -> None:
    a = np.stack([np.eye(4), np.diag([1, 1, -1, 1]), np.diag([1, np.nan, 1, 1]), np.zeros((4, 4))]).astype(np.float32)
    (got,) = run_operation("cholesky", [a], [tensor_type(a)], f"lower = {str(lower).lower()}")
    np.testing.assert_array_equal(got[0], np.eye(4))
    assert np.isnan(got[1:]).all()
