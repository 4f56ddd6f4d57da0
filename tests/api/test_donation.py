"""Donated arguments whose memory results take over: right values whatever is still read, and the same memory."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def train_step(state, x):
    weights, momentum = state
    loss, gradient = jax.value_and_grad(
        lambda w: jnp.mean(jnp.tanh(jnp.tanh(x @ w["in"] + w["bias"]) @ w["out"]) ** 2)
    )(weights)
    momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradient)
    return (jax.tree.map(lambda w, m: w - 0.1 * m, weights, momentum), momentum), loss


def train_state():
    weights = {"in": normal(40, 64), "bias": normal(64, seed=1), "out": normal(64, 8, seed=2)}
    return weights, jax.tree.map(jnp.zeros_like, weights)


A, B = normal(96, 96), normal(96, 96, seed=3)
CASES = {
    "returned": lambda a, b: (a, a + b),
    "swapped": lambda a, b: (b, a),
    "swapped and changed": lambda a, b: (b * 2.0, a + 1.0),
    "read after": lambda a, b: (a + 1.0, jnp.sin(a) + b),
    "read in other order": lambda a, b: (a + b, a.T + b),
    "product": lambda a, b: (a @ b, b @ a),
    "rows swapped": lambda a, b: (a[::-1], b[:, ::-1]),
    "reshaped": lambda a, b: ((a.reshape(-1) * 2.0).reshape(a.shape), b.T.reshape(a.shape)),
    "sums": lambda a, b: (a - jnp.sum(a, axis=0), b / jnp.max(b, axis=1, keepdims=True)),
    "one constant": lambda a, b: (jnp.zeros_like(a), b + a),
    "updated": lambda a, b: (a.at[3].set(b[5]), b.at[:, 7].add(a[:, 2])),
    "updated from itself": lambda a, b: (a.at[3].set(a[5]), b.at[1:].add(b[:-1])),
    "loop": lambda a, b: lax.fori_loop(0, 5, lambda i, s: (s[0] + 0.1 * s[1], s[1] - 0.1 * s[0]), (a, b)),
    "loop over products": lambda a, b: lax.fori_loop(0, 3, lambda i, s: (jnp.tanh(0.1 * s[0] @ s[1]), s[1].T), (a, b)),
    "while": lambda a, b: lax.while_loop(lambda s: jnp.sum(s[0]) < 50.0, lambda s: (s[0] + 0.01, s[1] + s[0]), (a, b)),
    "twice the same": lambda a, b: (a + b, a + b),
    "branch": lambda a, b: lax.cond(jnp.sum(a) > 0, lambda: (a + b, b), lambda: (b, a)),
    "softmax": lambda a, b: (jax.nn.softmax(a), jax.nn.softmax(b, axis=0) + a),
    "sorted": lambda a, b: (jnp.sort(a), jnp.cumsum(b, axis=0)),
}


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_values(name, which):
    function = astra.jit(CASES[name], donate_argnums=which)
    state, expected = (A + 0.0, B + 0.0), (A, B)
    for _ in range(3):  # the first call takes memory of JAX, the next ones that of results
        expected = jax.jit(CASES[name])(*expected)
        state = function(*(x if i in which else x + 0.0 for i, x in enumerate(state)))
        for a, b in zip(state, expected, strict=True):
            a, b = np.asarray(a), np.asarray(b)
            assert np.max(np.abs(a - b)) <= 2e-5 * max(1.0, np.max(np.abs(b)))


def pointers(tree):
    return [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(tree)]


def test_a_train_step_updates_parameters_in_place():
    step, x = astra.jit(train_step, donate_argnums=0), normal(32, 40, seed=4)
    memory = step.compile(train_state(), x).memory()
    state_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(train_state()))
    assert memory.alias_bytes == state_bytes
    assert memory.peak_bytes == memory.argument_bytes + 4 + memory.arena_bytes + memory.constant_bytes
    state, _ = step(train_state(), x)
    expected, _ = jax.jit(train_step)(train_state(), x)
    before = pointers(state)
    for _ in range(3):
        state, loss = step(state, x)
        expected, expected_loss = jax.jit(train_step)(expected, x)
    assert pointers(state) == before
    assert abs(loss - expected_loss) < 1e-6
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_same_bits_donated_or_not_and_for_any_number_of_threads():
    x, results = normal(32, 40, seed=4), []
    for donated in (None, 0):
        step = astra.jit(train_step, donate_argnums=donated)
        for count in (1, 2, 3, 8):
            state = train_state()
            with astra.threads(count):
                for _ in range(3):
                    state, _ = step(state, x)
            results.append([np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state)])
    assert all(result == results[0] for result in results)


def test_views_of_donated_arrays_keep_their_values():
    increment = astra.jit(lambda x: x + 1.0, donate_argnums=0)
    x = increment(normal(1000))
    view = np.asarray(x)
    kept = view.copy()
    x = increment(x)
    np.testing.assert_array_equal(view, kept)
    np.testing.assert_array_equal(np.asarray(x), kept + 1.0)


def test_computations_of_jax_that_still_read_a_donated_array():
    increment = astra.jit(lambda x: x + 1.0, donate_argnums=0)
    x = increment(jnp.zeros((700, 700)))
    for i in range(5):
        product = x @ x  # not waited for
        x = increment(x)
        assert float(product[0, 0]) == 700.0 * (i + 1) ** 2


def test_numpy_arrays_are_not_given_up():
    increment = astra.jit(lambda x: x + 1.0, donate_argnums=0)
    x = np.ones(100, np.float32)
    np.testing.assert_array_equal(increment(x), 2.0)
    np.testing.assert_array_equal(x, 1.0)


def test_programs_with_donated_arguments():
    exe = astra.compile(
        """func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
          %0 = stablehlo.add %x, %x : tensor<4xf32>
          return %0 : tensor<4xf32>
        }"""
    )
    assert exe.aliases == (0,)
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(exe(x)[0], 2 * x)
    np.testing.assert_array_equal(x, np.arange(4))


def test_a_product_does_not_keep_what_is_subtracted_from_it_from_being_updated_in_place() -> None:
    def descend(w: np.ndarray, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        return w - 0.1 * (x.T @ g)

    arguments = np.ones((64, 48), np.float32), np.ones((32, 64), np.float32), np.ones((32, 48), np.float32)
    exe = astra.jit(descend, donate_argnums=0).compile(*arguments)
    assert "astra.aliases = array<i64: 0>" in exe.ir("kernels")
    assert astra.jit(descend).compile(*arguments).memory().arena_bytes == 0  # a kernel does it all
