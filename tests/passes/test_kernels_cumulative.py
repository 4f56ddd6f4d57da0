"""Kernels of ``astra.cumulative`` against numpy's ``accumulate`` in double precision."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

FUNCTIONS = {
    "add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum, "logaddexp": np.logaddexp,
}  # fmt: skip
ON_BOOLS = {"add": np.logical_or, "multiply": np.logical_and, "maximum": np.logical_or, "minimum": np.logical_and}


def _run(operand: np.ndarray, dimension: int, reverse: bool, kind: str) -> np.ndarray:
    attributes = f'dimension = {dimension} : i64, reverse = {str(reverse).lower()}, kind = "{kind}"'
    return run_operation("cumulative", [operand], [tensor_type(operand)], attributes)[0]


def _reference(operand: np.ndarray, dimension: int, reverse: bool, kind: str) -> np.ndarray:
    function = FUNCTIONS[kind]
    if operand.dtype == bool:
        function = ON_BOOLS[kind]
    elif operand.dtype.kind not in "iuc":
        operand = operand.astype(np.float64)
    flipped = np.flip(operand, dimension) if reverse else operand
    result = function.accumulate(flipped, axis=dimension, dtype=operand.dtype)
    return np.flip(result, dimension) if reverse else result


def _check(operand: np.ndarray, dimension: int, reverse: bool, kind: str, tolerance: float = 0) -> None:
    got, expected = _run(operand, dimension, reverse, kind), _reference(operand, dimension, reverse, kind)
    if tolerance:
        scale = np.abs(_reference(np.abs(operand), dimension, reverse, "maximum" if kind != "add" else "add"))
        assert (np.abs(got - expected) <= tolerance * np.maximum(scale, 1)).all()
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("reverse", [False, True])
def test_kinds(kind: str, reverse: bool) -> None:
    rng = np.random.default_rng(0)
    for shape, dimension in (((5, 37), 1), ((3, 4, 5), 1), ((2, 7), 1)):
        operand = rng.standard_normal(shape).astype(np.float32)
        _check(operand, dimension, reverse, kind, 2e-6)


INTEGERS = [np.int8, np.uint8, np.int16, np.uint32, np.int64, np.uint64]


INTEGER_CASES = [(dtype, kind) for dtype in INTEGERS for kind in ("add", "maximum")] + [
    (dtype, kind) for dtype in (np.int8, np.uint8, bool) for kind in ("multiply", "minimum")
]


@pytest.mark.parametrize("dtype,kind", INTEGER_CASES, ids=str)
def test_integers(dtype: type, kind: str) -> None:
    _check(np.random.default_rng(1).integers(0, 256, (3, 45)).astype(dtype), 1, False, kind)


def test_other_floats_and_complex() -> None:
    rng = np.random.default_rng(2)
    for dtype, tolerance in ((np.float16, 1e-3), (ml_dtypes.bfloat16, 8e-3), (np.float64, 1e-14)):
        for dimension in (0, 1):
            _check(rng.standard_normal((20, 40)).astype(dtype), dimension, False, "add", tolerance)
    for kind in ("add", "multiply"):
        operand = (rng.standard_normal((3, 20)) + 1j * rng.standard_normal((3, 20))).astype(np.complex128)
        np.testing.assert_allclose(_run(operand, 1, True, kind), _reference(operand, 1, True, kind), rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape,dimension", [((300_001,), 0), ((2, 131_072), 1), ((100, 3000), 0), ((2000, 50), 1)])
def test_divided_work(shape: tuple[int, ...], dimension: int, reverse: bool) -> None:
    operand = np.random.default_rng(3).integers(-9, 9, shape).astype(np.int32)
    _check(operand, dimension, reverse, "add")
    _check(operand.astype(np.float32), dimension, reverse, "maximum")


def test_special_values() -> None:
    operand = np.array([[-0.0, -0.0, 0.0], [1, np.nan, 2], [np.inf, -np.inf, 1], [-np.inf, -np.inf, 0]], np.float32)
    operand = np.pad(operand, ((0, 0), (0, 20)), constant_values=-0.0)
    with np.errstate(invalid="ignore"):
        for kind in FUNCTIONS:
            got, expected = (run(operand, 1, False, kind) for run in (_run, _reference))
            np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert np.signbit(_run(operand, 1, False, "add")[0, :2]).all()


@pytest.mark.parametrize("shape,dimension", [((0, 5), 1), ((5, 0), 1), ((0, 5), 0), ((1,), 0), ((4, 1), 1)])
def test_empty_and_single(shape: tuple[int, ...], dimension: int) -> None:
    _check(np.ones(shape, np.float32), dimension, True, "add")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind,tolerance", [("add", 1e-6), ("multiply", 1.2e-7)])
@pytest.mark.parametrize("shape,dimension", [((400_003,), 0), ((9, 20_001), 1), ((20_001, 3), 0), ((40, 3), 0)])
def test_accuracy_of_long_scans(
    shape: tuple[int, ...], dimension: int, kind: str, tolerance: float, reverse: bool
) -> None:
    """Rounding errors do not grow in proportion to the length, also where all of them have the same sign."""
    values = np.random.default_rng(4).random(shape).astype(np.float32)
    equal = np.full(shape, 1.0001, np.float32)
    for operand in (equal, values if kind == "add" else 1 + (values - 0.5) / 100):
        got, expected = (run(operand, dimension, reverse, kind) for run in (_run, _reference))
        normal = (expected > 1e-37) & (expected < 3e38)
        np.testing.assert_allclose(got[normal], expected[normal], rtol=tolerance)


def test_long_logaddexp() -> None:
    operand = np.random.default_rng(5).standard_normal((300, 300)).astype(np.float32)
    _check(operand, 1, True, "logaddexp", 1e-6)
