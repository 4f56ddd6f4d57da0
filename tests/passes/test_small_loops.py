"""Loops over a few elements, which become straight-line vector code in registers, against JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> jax.Array:
    return jnp.asarray(scale * np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def products(a, x):
    return lax.scan(lambda c, _: (jnp.tanh(a @ c), c), x, None, length=50)


def nested(a, x):
    def inner(i, x):
        return lax.fori_loop(0, 7, lambda j, y: jnp.tanh(a @ y) + 0.1 * x, x)

    return lax.fori_loop(0, 20, inner, x)


def softmax_state(a, x):
    return lax.fori_loop(0, 9, lambda i, c: jax.nn.softmax(c + 0.5 * (a @ c), axis=-1), x)


def swapped(a, x):
    return lax.fori_loop(0, 5, lambda i, s: (s[1] * 0.5, s[0] + 1.0), (x, x.T if x.ndim > 1 else x[::-1]))


def outer_products(a, x):
    def step(p, _):
        v = p @ a[0]
        return p - 0.1 * jnp.outer(v, v) / (1 + a[0] @ v), jnp.sum(p, axis=0)

    return lax.scan(step, jnp.eye(a.shape[0]), None, length=6)


def flags(a, x):
    def step(s):
        i, y, seen = s
        return i + 1, jnp.where(seen, y * 0.5, y + 1.0), seen | (y > 2.0)

    return lax.while_loop(lambda s: (s[0] < 12) & jnp.any(s[1] < 3.0), step, (0, x, x > 1.0))


def positions(a, x):
    def step(i, s):
        y, where = s
        return jnp.roll(y, 1, axis=-1) + i, where + jnp.argmax(y, axis=-1)

    return lax.fori_loop(0, 6, step, (x, jnp.zeros(x.shape[:-1], jnp.int32)))


def branches(a, x):
    return lax.fori_loop(0, 8, lambda i, y: lax.cond(i % 2 == 0, lambda y: a @ y, lambda y: y[::-1] - 1.0, y), x)


def concatenated(a, x):
    return lax.fori_loop(0, 4, lambda i, y: jnp.concatenate([y[1:], y[:1] * 2.0]), x)


def norms(a, x):
    return lax.fori_loop(0, 6, lambda i, y: y / jnp.sqrt(jnp.sum(y * y)) + a[i % 2], x)


VECTORS = [products, nested, softmax_state, swapped, outer_products, flags, positions, branches, concatenated, norms]


@pytest.mark.parametrize("size", [2, 3, 4, 7, 8])
@pytest.mark.parametrize("function", VECTORS, ids=lambda f: f.__name__)
def test_vectors(function, size):
    compare(function, normal(size, size, scale=0.4), normal(size, seed=1))


@pytest.mark.parametrize("shape", [(4, 4), (2, 5), (3, 16), (1, 1)])
@pytest.mark.parametrize("function", [products, nested, softmax_state, positions], ids=lambda f: f.__name__)
def test_matrices(function, shape):
    compare(function, normal(shape[0], shape[0], scale=0.4), normal(*shape, seed=1))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "int32", "int8", "uint8"])
def test_element_types(dtype):
    def function(x, y):
        return lax.fori_loop(0, 5, lambda i, s: (s[1] + s[0], jnp.maximum(s[0], s[1][::-1])), (x, y))

    with jax.enable_x64(True):
        x, y = (jnp.asarray(np.arange(6) * k % 7, dtype) for k in (3, 5))
        compare(function, x, y, tolerance=0.0)


@pytest.mark.parametrize("function", [products, nested, outer_products, norms], ids=lambda f: f.__name__)
def test_gradients(function):
    def loss(a, x):
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(function(a, x)))

    compare(jax.grad(loss, argnums=(0, 1)), normal(4, 4, scale=0.4), normal(4, seed=1), tolerance=2e-5)


def test_state_that_starts_equal():
    compare(lambda a, x: lax.fori_loop(0, 3, lambda i, s: (s[0] + s[1], s[0] * 2.0), (x, x)), normal(2), normal(4))


def test_same_bits_for_any_number_of_threads():
    arguments = normal(8, 8, scale=0.4), normal(8, seed=1)
    function = astra.jit(lambda a, x: (products(a, x), nested(a, x)))
    results = []
    for count in (1, 2, 3, 8):
        with astra.threads(count):
            results.append([np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(function(*arguments))])
    assert all(result == results[0] for result in results)


def compare(function, *arguments, tolerance=5e-6):
    actual, expected = astra.jit(function)(*arguments), jax.jit(function)(*arguments)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a).astype(np.float64), np.asarray(b).astype(np.float64)
        assert a.shape == b.shape
        assert np.max(np.abs(a - b), initial=0) <= tolerance * max(1.0, np.max(np.abs(b), initial=0))
