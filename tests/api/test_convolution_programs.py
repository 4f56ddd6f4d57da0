"""Convolutions and window reductions, and their gradients, in whole programs: against JAX, on any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra

NHWC, NCHW = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng((seed, *shape)).standard_normal(shape, np.float32))


def convolve(layout=NHWC, stride=1, groups=1, holes=1, padding="SAME") -> Callable[..., jax.Array]:
    def function(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(
            x, kernel, (stride,) * 2, padding, (holes,) * 2, None, layout, feature_group_count=groups
        )

    return function


def gradients(function: Callable[..., jax.Array]) -> Callable[..., tuple[jax.Array, ...]]:
    return lambda *arguments: jax.grad(lambda *a: jnp.sum(jnp.sin(function(*a))), tuple(range(len(arguments))))(
        *arguments
    )


PROGRAMS = {
    "3x3": (convolve(), (4, 40, 40, 24), (3, 3, 24, 40)),
    "gradients of 3x3": (gradients(convolve()), (4, 30, 30, 40), (3, 3, 40, 64)),
    "transposed": (convolve(holes=2, padding=((2, 2), (2, 2))), (4, 30, 30, 24), (4, 4, 24, 40)),
    "transposed, NCHW": (convolve(NCHW, holes=2, padding=((2, 2), (2, 2))), (4, 24, 30, 30), (40, 24, 4, 4)),
    "gradients of 3x3 at stride 2": (gradients(convolve(stride=2)), (4, 40, 40, 24), (3, 3, 24, 40)),
    "gradients of 3x3 at stride 2, NCHW": (gradients(convolve(NCHW, stride=2)), (4, 24, 40, 40), (40, 24, 3, 3)),
    "gradients of 1x1 at stride 2": (gradients(convolve(stride=2)), (4, 40, 40, 24), (1, 1, 24, 40)),
    "examples": (jax.vmap(convolve()), (5, 2, 17, 18, 40), (5, 3, 3, 40, 48)),
    "examples at stride 2": (jax.vmap(convolve(stride=2)), (5, 2, 17, 18, 20), (5, 3, 3, 20, 24)),
    "examples, NCHW": (jax.vmap(convolve(NCHW)), (5, 2, 20, 17, 18), (5, 24, 20, 3, 3)),
    "gradients of examples": (gradients(jax.vmap(convolve(stride=2))), (5, 2, 17, 18, 20), (5, 3, 3, 20, 24)),
    "small groups": (convolve(groups=10), (4, 40, 40, 40), (3, 3, 4, 40)),
    "gradients of patches": (gradients(convolve(stride=8, padding="VALID")), (4, 64, 64, 3), (8, 8, 3, 96)),
    "gradients of depthwise at stride 2": (gradients(convolve(stride=2, groups=40)), (4, 40, 40, 40), (3, 3, 1, 40)),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_agrees_with_jax_with_the_same_bits_on_any_number_of_threads(program: str) -> None:
    function, *shapes = PROGRAMS[program]
    arguments = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    compiled = astra.compile(function, *arguments)
    expected = jax.tree.leaves(jax.jit(function)(*arguments))
    with astra.threads(1):
        first = [np.asarray(value) for value in jax.tree.leaves(compiled(*arguments))]
    for actual, value in zip(first, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-4, atol=1e-5 * np.abs(value).max())
    for count in (2, 3, 8):
        with astra.threads(count):
            for actual, value in zip(jax.tree.leaves(compiled(*arguments)), first, strict=True):
                np.testing.assert_array_equal(np.asarray(actual), value)


def test_gradients_of_one_channel_are_products_without_an_epilogue() -> None:
    def loss(kernel, x):
        numbers = jax.lax.ConvDimensionNumbers((0, 2, 1), (2, 1, 0), (0, 2, 1))
        return jax.lax.conv_general_dilated(x, kernel, (1,), [(2, 0)], dimension_numbers=numbers).sum()

    random = np.random.default_rng(0)
    arguments = [random.standard_normal(shape).astype(np.float32) for shape in ((3, 1, 16), (64, 32, 1))]
    for ours, want in zip(*(jit(jax.grad(loss, (0, 1)))(*arguments) for jit in (astra.jit, jax.jit)), strict=True):
        np.testing.assert_allclose(ours, want, rtol=1e-4, atol=1e-3)
