"""The kernels of padded window reductions against JAX: layouts, strides, dilations, kinds, element types, threads."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra

KINDS = {"sum": (0, lax.add), "maximum": (-np.inf, lax.max), "minimum": (np.inf, lax.min), "product": (1, lax.mul)}


def pooling(kind: str, window, strides, padding, dilation=None):
    start, combine = KINDS[kind]

    def pool(x):
        init = start
        if not jnp.issubdtype(x.dtype, jnp.floating) and abs(start) == np.inf:
            init = jnp.iinfo(x.dtype).min if start < 0 else jnp.iinfo(x.dtype).max
        init = np.asarray(init, x.dtype)
        return lax.reduce_window(x, init, combine, window, strides, padding, window_dilation=dilation)

    return pool


def numbers(*shape: int, dtype=np.float32) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 9, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


ONE = ((0, 0), (1, 1), (1, 1), (0, 0))
FIRST = ((0, 0), (0, 0), (1, 1), (1, 1))
NHWC, NCHW = (2, 11, 9, 37), (2, 5, 11, 41)
CASES = {
    "channels last": (("maximum", (1, 3, 3, 1), (1, 2, 2, 1), ONE), NHWC),
    "stride 1": (("sum", (1, 3, 3, 1), (1, 1, 1, 1), ONE), (1, 6, 7, 130)),
    "many channels": (("minimum", (1, 2, 3, 1), (1, 2, 1, 1), ONE), (1, 4, 5, 150)),
    "uneven padding": (("sum", (1, 4, 2, 1), (1, 3, 2, 1), ((0, 0), (0, 3), (1, 0), (0, 0))), NHWC),
    "more padding than window": (("sum", (1, 2, 2, 1), (1, 1, 1, 1), ((0, 0), (3, 2), (0, 4), (0, 0))), NHWC),
    "dilated": (("maximum", (1, 3, 2, 1), (1, 1, 2, 1), ((0, 0), (2, 2), (3, 1), (0, 0)), (1, 2, 3, 1)), NHWC),
    "large window": (("sum", (1, 6, 6, 1), (1, 1, 1, 1), ((0, 0), (3, 2), (2, 3), (0, 0))), NHWC),
    "batch too": (("sum", (2, 1, 3, 1), (1, 1, 1, 1), ((1, 0), (0, 0), (1, 1), (0, 0))), NHWC),
    "channels first": (("maximum", (1, 1, 3, 3), (1, 1, 2, 2), FIRST), NCHW),
    "channels first, stride 1": (("sum", (1, 1, 3, 3), (1, 1, 1, 1), FIRST), NCHW),
    "channels first, stride 3": (("minimum", (1, 1, 2, 5), (1, 1, 3, 3), FIRST), NCHW),
    "channels first, dilated": (("sum", (1, 1, 3, 3), (1, 1, 1, 1), FIRST, (1, 1, 1, 3)), NCHW),
    "channels first, large": (("sum", (1, 1, 6, 7), (1, 1, 2, 1), ((0, 0), (0, 0), (3, 3), (4, 90))), NCHW),
    "one dimension": (("maximum", (5,), (1,), ((2, 2),)), (301,)),
    "rows of one dimension": (("product", (1, 4), (1, 4), ((0, 0), (1, 2))), (3, 97)),
    "three dimensions": (
        ("maximum", (1, 2, 3, 2, 1), (1, 2, 2, 1, 1), ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))), (2, 5, 7, 6, 17)
    ),
    "parallel": (("maximum", (1, 3, 3, 1), (1, 1, 1, 1), ONE), (4, 40, 40, 64)),
    "parallel, channels first": (("sum", (1, 1, 3, 3), (1, 1, 1, 1), FIRST), (4, 24, 60, 60)),
}  # fmt: skip
TYPES = [np.float32, np.float64, ml_dtypes.bfloat16, np.float16, np.int32, np.int8, np.uint8, np.uint32, np.int64]


def check(program, x: np.ndarray) -> str:
    """Compare with JAX (in f64 for floats) on several numbers of threads; the IR of the kernels."""
    with jax.enable_x64(True):
        wide = x.astype(np.float64) if np.dtype(x.dtype).kind not in "iu" else x
        expected = np.asarray(jax.jit(program)(wide))
        compiled = astra.jit(program)
        results = []
        for threads in (1, 2, 3, 8):
            with astra.threads(threads):
                results.append(np.asarray(compiled(x)))
        kernels = compiled.compile(x).ir("linalg")
    assert all(np.array_equal(results[0], other, equal_nan=False) for other in results[1:])
    if wide is x:
        np.testing.assert_array_equal(results[0], expected)
    else:
        epsilon = float(ml_dtypes.finfo(x.dtype).eps)
        actual = results[0].astype(np.float64)
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(actual[~finite], expected[~finite])
        scale = np.abs(expected[finite]).max()
        np.testing.assert_allclose(actual[finite], expected[finite], rtol=2 * epsilon, atol=4 * epsilon * scale)
    return kernels


@pytest.mark.parametrize("name", CASES)
def test_same_as_jax_without_a_copy(name: str) -> None:
    window, shape = CASES[name]
    text = check(pooling(*window), numbers(*shape))
    assert "@astra_window_" in text
    assert "insert_slice" not in text


@pytest.mark.parametrize(("number", "dtype"), enumerate(TYPES), ids=[np.dtype(t).name for t in TYPES])
def test_element_types(number: int, dtype) -> None:
    kind = ("sum", "maximum", "minimum")[number % 3]
    (_, *window), shape = CASES[("channels last", "channels first")[number % 2]]
    assert "@astra_window_" in check(pooling(kind, *window), numbers(*shape, dtype=dtype))


def test_nan_stays_and_infinity_is_not_padding() -> None:
    x = numbers(1, 6, 7, 16)
    x[0, 0, 0, 3], x[0, 3, 3], x[0, 5, 6, 7] = np.nan, -np.inf, np.inf
    program = pooling("maximum", (1, 3, 3, 1), (1, 1, 1, 1), ONE)
    np.testing.assert_array_equal(astra.jit(program)(x), jax.jit(program)(x))


@pytest.mark.parametrize(
    "program",
    [
        lambda x: lax.reduce_window(x, 0 * x[0, 0, 0, 0], lax.add, (1, 3, 3, 1), (1, 1, 1, 1), ONE),
        lambda x: lax.reduce_window(x, 0.0, lambda a, b: a + 2 * b, (1, 3, 3, 1), (1, 1, 1, 1), ONE),
        lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), ONE, base_dilation=(1, 2, 1, 1)),
        lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "VALID"),
        lambda x: lax.reduce_window(x[..., :2], 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), ONE),
    ],
)
def test_other_forms_keep_their_loops(program) -> None:
    x = numbers(2, 6, 7, 16)
    np.testing.assert_allclose(astra.jit(program)(x), jax.jit(program)(x), rtol=1e-5, atol=1e-5)
    assert "@astra_window_" not in astra.jit(program).compile(x).ir("linalg")


def test_gradient_of_average_pooling() -> None:
    def average(x):
        ones = pooling("sum", (1, 3, 3, 1), (1, 1, 1, 1), ONE)
        return jnp.sum((ones(x) / ones(jnp.ones_like(x))) ** 2)

    x = numbers(*NHWC)
    np.testing.assert_allclose(astra.jit(jax.grad(average))(x), jax.jit(jax.grad(average))(x), rtol=1e-4, atol=1e-4)
