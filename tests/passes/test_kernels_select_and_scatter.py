"""Kernels of ``astra.select_and_scatter`` against the definition."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

SELECT = {"GE": np.greater_equal, "GT": np.greater, "LE": np.less_equal, "LT": np.less}


def reference(
    operand: np.ndarray, source: np.ndarray, init: np.ndarray, windows: Sequence[int], strides: Sequence[int],
    padding: Sequence[int], keeps: Callable[[np.generic, np.generic], bool],
) -> np.ndarray:  # fmt: skip
    """Windows in row-major order; what is kept stays as long as ``keeps(kept, next)``."""
    result = np.full(operand.shape, init)
    for at in itertools.product(*map(range, source.shape)):
        best = None
        for offset in itertools.product(*map(range, windows)):
            place = tuple(a * s - low + o for a, s, low, o in zip(at, strides, padding[::2], offset, strict=True))
            if all(0 <= p < size for p, size in zip(place, operand.shape, strict=True)):
                best = place if best is None or not keeps(operand[best], operand[place]) else best
        if best is not None:
            result[best] += source[at]
    return result


def _run(
    operand: np.ndarray, source: np.ndarray, init: np.ndarray, windows: Sequence[int], strides: Sequence[int],
    padding: Sequence[int], kinds: tuple[str, str] = ("GE", "add"), regions: str = "({}, {})",
) -> np.ndarray:  # fmt: skip
    def array(values: Sequence[int]) -> str:
        return f"array<i64{':' if values else ''} {', '.join(map(str, values))}>"

    (result,) = run_operation(
        "select_and_scatter", [operand, source, init], [tensor_type(operand)],
        f'window_dimensions = {array(windows)}, window_strides = {array(strides)}, padding = {array(padding)}, '
        f'select_kind = "{kinds[0]}", scatter_kind = "{kinds[1]}"',
        regions,
    )  # fmt: skip
    return result


CASES = {
    "NHWC": ((2, 9, 8, 3), (2, 4, 4, 3), (1, 2, 2, 1), (1, 2, 2, 1), (0,) * 8),
    "overlapping": ((2, 9, 8, 3), (2, 7, 6, 3), (1, 3, 3, 1), (1, 1, 1, 1), (0,) * 8),
    "padded": ((2, 3, 9, 8), (2, 3, 5, 5), (1, 1, 3, 3), (1, 1, 2, 2), (0, 0, 0, 0, 1, 1, 1, 2)),
    "all padding": ((5,), (4,), (2,), (3,), (3, 3)),
    "rank 0": ((), (), (), (), ()),
    "large": ((4, 30, 30, 16), (4, 15, 15, 16), (1, 2, 2, 1), (1, 2, 2, 1), (0,) * 8),
    "one image": ((1, 40, 41, 64), (1, 20, 20, 64), (1, 2, 2, 1), (1, 2, 2, 1), (0,) * 8),
}


@pytest.mark.parametrize("case", CASES)
def test_windows(case: str) -> None:
    shape, source_shape, windows, strides, padding = CASES[case]
    rng = np.random.default_rng(0)
    operand = np.asarray(rng.integers(-3, 3, shape)).astype(np.float32)
    source = np.asarray(rng.integers(-9, 9, source_shape)).astype(np.float32)
    init = np.full((), 2, np.float32)
    expected = reference(operand, source, init, windows, strides, padding, np.greater_equal)
    np.testing.assert_array_equal(_run(operand, source, init, windows, strides, padding), expected)


@pytest.mark.parametrize("kind", SELECT)
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint8, np.float16, ml_dtypes.bfloat16, np.float64], ids=str)
def test_kinds(kind: str, dtype: type) -> None:
    _, source_shape, windows, strides, padding = CASES["padded"]
    rng = np.random.default_rng(1)
    operand = (rng.integers(-3, 3, CASES["padded"][0]) * 50).astype(dtype)
    source = rng.integers(0, 9, source_shape).astype(dtype)
    if np.dtype(dtype).kind == "f":
        operand[0, 0, 3, 3:5] = np.nan
    init = np.zeros((), dtype)
    expected = reference(operand, source, init, windows, strides, padding, SELECT[kind])
    got = _run(operand, source, init, windows, strides, padding, (kind, "add"))
    np.testing.assert_array_equal(got, expected)


def test_custom_functions() -> None:
    regions = """({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %0 = "astra.abs"(%a) : (tensor<f32>) -> tensor<f32>
        %1 = "astra.abs"(%b) : (tensor<f32>) -> tensor<f32>
        %2 = "astra.compare"(%0, %1) {direction = "GE", compare_type = "FLOAT"}
            : (tensor<f32>, tensor<f32>) -> tensor<i1>
        "astra.yield"(%2) : (tensor<i1>) -> ()
    }, {
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %0 = "astra.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "astra.yield"(%0) : (tensor<f32>) -> ()
    })"""
    shape, source_shape, windows, strides, padding = CASES["overlapping"]
    rng = np.random.default_rng(2)
    operand = rng.integers(-9, 9, shape).astype(np.float32)
    source = rng.integers(-9, 9, source_shape).astype(np.float32)
    init = np.zeros((), np.float32)
    expected = reference(operand, source, init, windows, strides, padding, lambda a, b: abs(a) >= abs(b))
    got = _run(operand, source, init, windows, strides, padding, ("custom", "custom"), regions)
    np.testing.assert_array_equal(got, expected)
