"""What reverse mode keeps, within which memory, and how long loops may run: ``astra.ReverseMode``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra

LAYERS, ROWS, WIDTH = 8, 512, 32


def _layers(ws: tuple[jax.Array, ...], h: jax.Array) -> jax.Array:
    x = h  # products with an array, unlike ones with a number, take memory where reverse mode keeps them
    for w in ws:
        h = jnp.sin(jnp.tanh(h @ w) * x)
    return jnp.sum(h * h)


def _arguments() -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    rng = np.random.default_rng(0)
    ws = tuple((rng.standard_normal((WIDTH, WIDTH)) * 0.2).astype(np.float32) for _ in range(LAYERS))
    return ws, rng.standard_normal((ROWS, WIDTH)).astype(np.float32)


def _arena(reverse_mode: astra.ReverseMode | None) -> int:
    ws, h = _arguments()
    gradient = astra.grad(_layers, reverse_mode=reverse_mode)
    compiled = gradient.compile(ws, h)
    for found, expected in zip(gradient(ws, h), jax.grad(_layers)(ws, h), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-3)
    return compiled.memory().arena_bytes


def test_policies_and_budgets_take_less_and_less_memory() -> None:
    value = ROWS * WIDTH * 4
    save_all = _arena(astra.ReverseMode(policy="save-all"))
    default = _arena(None)
    budget = _arena(astra.ReverseMode(memory_budget=6 * value))
    assert default <= save_all - (LAYERS - 2) * value
    assert budget <= default - LAYERS // 2 * value


@pytest.mark.parametrize("values", (6, 8))
def test_budgets_hold(values: int) -> None:
    """No later pass takes what is computed a second time for the value that was computed first."""
    budget = values * ROWS * WIDTH * 4
    assert _arena(astra.ReverseMode(memory_budget=budget)) <= budget


def test_the_peak_is_predicted() -> None:
    ws, h = _arguments()
    compiled = astra.grad(_layers).compile(ws, h)
    predicted, measured = compiled.predicted_peak_bytes(), compiled.memory().arena_bytes
    assert 0.7 * measured <= predicted <= 1.1 * measured


def _grow(x: jax.Array) -> jax.Array:
    return lax.while_loop(lambda s: jnp.sum(jnp.abs(s)) < 50, lambda s: s * 1.5 + jnp.sin(s), x).sum()


X = np.array([1.0, 2.0], np.float32)


def test_while_loops_run_backwards_within_a_bound() -> None:
    gradient = astra.grad(_grow, reverse_mode=astra.ReverseMode(while_bound=30))(X)
    np.testing.assert_allclose(gradient, jax.jacfwd(_grow)(X), rtol=1e-5)
    _, pull_back = astra.vjp(_grow, X, reverse_mode=astra.ReverseMode(while_bound=30))
    np.testing.assert_allclose(pull_back(np.float32(2))[0], 2 * gradient, rtol=1e-5)
    hessian = astra.hessian(_grow, reverse_mode=astra.ReverseMode(while_bound=12))(X)
    np.testing.assert_allclose(hessian, jax.jacfwd(jax.jacfwd(_grow))(X), rtol=1e-3, atol=1e-3)


def test_a_bound_that_is_too_low_shows() -> None:
    assert np.isnan(astra.grad(_grow, reverse_mode=astra.ReverseMode(while_bound=2))(X)).all()


def test_counts_of_a_loop_are_right_whatever_the_bound() -> None:
    def halvings(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return lax.while_loop(lambda s: s[0] > 1, lambda s: (s[0] / 2, s[1] + 1), (x, 0))

    for bound in (2, 30):
        options = astra.ReverseMode(while_bound=bound)
        (_, count), _ = astra.value_and_grad(halvings, has_aux=True, reverse_mode=options)(np.float32(100))
        assert count == 7


def test_options_are_of_their_class() -> None:
    with pytest.raises(astra.AstraError, match="reverse_mode must be an astra.ReverseMode"):
        astra.grad(lambda x: x, reverse_mode="save-all")(np.float32(1))


def test_a_loop_without_bound_is_refused() -> None:
    with pytest.raises(astra.UnsupportedError, match=r"test_reverse_mode.py:\d+:\d+: 'astra.while' .*while_bound"):
        astra.grad(_grow)(X)


def test_a_counter_bounds_a_loop() -> None:
    def limited(x: jax.Array) -> jax.Array:
        return lax.while_loop(lambda s: (s[0] < 9) & (s[1] < 50), lambda s: (s[0] + 1, s[1] * x + 1), (0, x))[1]

    x = np.float32(1.7)
    np.testing.assert_allclose(astra.grad(limited)(x), jax.jacfwd(limited)(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": "all"}, "policy 'all' is not one of save-all, recompute-cheap"),
        ({"memory_budget": -1}, "memory_budget must be an integer of at least 0"),
        ({"while_bound": 1.5}, "while_bound must be an integer"),
        ({"while_bound": 0}, "while_bound must be an integer of at least 1"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(astra.AstraError, match=message):
        astra.ReverseMode(**options)
