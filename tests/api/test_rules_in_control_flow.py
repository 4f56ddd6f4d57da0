"""Rules of programs inside of control flow, and control flow inside of them: derivatives equal JAX's.

Gradients, directional derivatives of gradients, and gradients of batches, by ``astra`` and by ``jax``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra

X, W = np.random.default_rng(0).standard_normal((2, 4))


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@jax.custom_jvp
def cubic(x: Any, w: Any) -> Any:
    """x^3 w, whose rule is written out (and uses the function itself)."""
    return x**3 * w


@cubic.defjvp
def _cubic_jvp(primals: Any, tangents: Any) -> Any:
    (x, w), (tx, tw) = primals, tangents
    return cubic(x, w), 3 * x * x * w * tx + x**3 * tw


@jax.custom_vjp
def scaled(x: Any, n: Any) -> tuple[Any, Any]:
    """sin(x) n with an integer n, and n, whose rule says that the gradient is three times x."""
    return jnp.sin(x) * n, n


scaled.defvjp(lambda x, n: (scaled(x, n), x), lambda x, c: (3 * c[0] * x, None))


def checkpoint_of_scan(x: Any, w: Any) -> Any:
    c, ys = jax.checkpoint(
        lambda c: lax.scan(lambda c, t: (jnp.sin(c * t), jnp.cos(c)), c, jnp.stack([x, w]))
    )(x * w)  # fmt: skip
    return (c * ys).sum()


def scan_of_checkpoint(x: Any, w: Any) -> Any:
    @partial(jax.checkpoint, policy=jax.checkpoint_policies.dots_saveable)
    def body(c: Any, t: Any) -> Any:
        d = jnp.sin(jnp.outer(jnp.sin(c), t) @ w)
        return d, d.sum()

    c, ys = lax.scan(body, x, jnp.stack([x, w]))
    return c.sum() * ys.sum()


def checkpoint_in_checkpoint(x: Any, w: Any) -> Any:
    inner = jax.checkpoint(lambda b: jnp.sin(jnp.sin(b) * w))
    return jax.checkpoint(lambda a: inner(jnp.cos(a)))(x).sum()


def checkpoint_with_integers(x: Any, w: Any) -> Any:
    a, n, b = jax.checkpoint(lambda a, n: (a, n + 1, jnp.sin(a) * n))(x, jnp.arange(4))
    return (a * b * n * w).sum()


def checkpoint_of_branch(x: Any, w: Any) -> Any:
    choose = jax.checkpoint(lambda a: lax.cond(w[0] > 0, lambda: cubic(a, w), lambda: jnp.cos(a)))
    return choose(x).sum()


def forward_rule_in_scan(x: Any, w: Any) -> Any:
    c, ys = lax.scan(lambda c, t: (jnp.sin(cubic(c, t)), cubic(t, c)), x, jnp.stack([x, w]))
    return (c * ys).sum()


def reverse_rule_in_scan(x: Any, w: Any) -> Any:
    def body(c: Any, t: Any) -> Any:
        y, n = scaled(c, jnp.arange(4))
        return y * t, n * y

    c, ys = lax.scan(body, x, jnp.stack([x, w]))
    return (c * ys).sum()


def constant_in_scan(x: Any, w: Any) -> Any:
    c, _ = lax.scan(lambda c, t: (c * lax.stop_gradient(jnp.sin(c)) + t, None), x, jnp.stack([x, w]))
    return c.sum()


def solve_in_scan(x: Any, w: Any) -> Any:
    def body(c: Any, t: Any) -> Any:
        s = lax.custom_linear_solve(
            lambda v: v * (2 + t * t), c, lambda _, b: b / (2 + t * t), transpose_solve=lambda _, b: b / (2 + t * t)
        )
        return jnp.sin(s) * w, s

    c, ys = lax.scan(body, x, jnp.stack([x, w]))
    return (c * ys).sum()


def root_by_newton(x: Any, w: Any) -> Any:
    root = lax.custom_root(
        lambda v: v**3 + v - x.sum(), 0.5,
        lambda f, guess: lax.fori_loop(0, 30, lambda _, v: v - f(v) / (3 * v * v + 1), guess),
        lambda g, y: y / g(1.0),
    )  # fmt: skip
    return root * w.sum()


PROGRAMS = (
    checkpoint_of_scan, scan_of_checkpoint, checkpoint_in_checkpoint, checkpoint_with_integers, checkpoint_of_branch,
    forward_rule_in_scan, reverse_rule_in_scan, constant_in_scan, solve_in_scan, root_by_newton,
)  # fmt: skip


def gradient(library: Any, function: Callable[..., Any]) -> Any:
    return library.grad(function, argnums=(0, 1))(X, W)


def second(library: Any, function: Callable[..., Any]) -> Any:
    return library.jvp(library.grad(function, argnums=(0, 1)), (X, W), (W, X))


def of_a_batch(library: Any, function: Callable[..., Any]) -> Any:
    batched = library.vmap(function, in_axes=(0, None))
    return library.grad(lambda x, w: batched(x, w).sum(), argnums=(0, 1))(np.stack([X, W, X * W]), W)


CASES = [
    (function, derivative)
    for function in PROGRAMS
    for derivative in (gradient, second, of_a_batch)
    if (function, derivative) != (reverse_rule_in_scan, second)  # a rule for reverse mode only
]


@pytest.mark.parametrize(("function", "derivative"), CASES, ids=lambda f: f.__name__)
def test_rules_in_control_flow(function: Callable[..., Any], derivative: Callable[..., Any]) -> None:
    expected, found = (jax.tree_util.tree_leaves(derivative(library, function)) for library in (jax, astra))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-10)
