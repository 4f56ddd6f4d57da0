"""``linearize`` and ``vjp`` of sorts and of control flow within loops, which both parts run, against JAX's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra


def scan_in_scan(x: Any) -> Any:
    def outer(c: Any, _: Any) -> Any:
        return lax.scan(lambda a, _: (jnp.sin(a) * c, a.sum()), c, None, length=3)

    return lax.scan(outer, x, None, length=2)


def scans_three_deep(x: Any) -> Any:
    def middle(d: Any, _: Any) -> Any:
        return lax.scan(lambda e, _: (jnp.sin(e) * d, e[0] * d), d, None, length=2)

    return lax.scan(lambda c, _: lax.scan(middle, c, None, length=3), x, None, length=2)


def cond_in_scan(x: Any) -> Any:
    def body(c: Any, i: Any) -> Any:
        return lax.cond(i % 2 == 0, lambda a: (jnp.sin(a), a * a), lambda a: (a * a / 4, jnp.cos(a)), c)

    return lax.scan(body, x, jnp.arange(4))


def while_in_scan(x: Any) -> Any:
    def body(c: Any, i: Any) -> Any:
        d, _ = lax.while_loop(lambda s: s[1] < i, lambda s: (jnp.sin(s[0]), s[1] + 1), (c, 0))
        return d, d * c

    return lax.scan(body, x, jnp.arange(4))


def loop_in_scan(x: Any) -> Any:
    def body(c: Any, _: Any) -> Any:
        d = lax.fori_loop(0, 3, lambda i, a: jnp.sin(a) * c + i, c)
        return d, d * c

    return lax.scan(body, x, None, length=2)


def sort_in_cond_in_scan(x: Any) -> Any:
    def body(c: Any, i: Any) -> Any:
        return lax.cond(i > 1, lambda a: jnp.sin(jnp.sort(a)), lambda a: a * a / 4, c), jnp.median(c)

    return lax.scan(body, x, jnp.arange(4))


SORTS: dict[str, Callable[[Any], Any]] = {
    "sort": jnp.sort,
    "sort of a dimension": lambda x: jnp.sort(x.reshape(2, 4), axis=0, descending=True),
    "sort of several": lambda x: lax.sort((jnp.floor(x), jnp.cos(x), x**3), num_keys=1),
    "sort by two, unstable": lambda x: lax.sort((jnp.floor(x), jnp.cos(x), x**3), num_keys=2, is_stable=False),
    "sort of complex numbers": lambda x: jnp.sort(x + 1j * x**2),
    "median": jnp.median,
    "ranks": lambda x: (x[jnp.argsort(x)] ** 2, lax.top_k(x, 3)[0]),
}
LOOPS: dict[str, Callable[[Any], Any]] = {
    "scan in scan": scan_in_scan,
    "scans three deep": scans_three_deep,
    "cond in scan": cond_in_scan,
    "while in scan": while_in_scan,
    "counted loop in scan": loop_in_scan,
    "sort in cond in scan": sort_in_cond_in_scan,
    "checkpoint in scan": lambda x: lax.scan(jax.checkpoint(lambda c, _: (jnp.sin(jnp.sort(c)), c)), x, None, length=3),
}
X = np.array([0.5, -1.2, 2.0, 0.7, -0.3, 1.6, -2.2, 0.1], np.float32)


def assert_same(ours: Any, theirs: Any) -> None:
    """Equal trees of arrays with the same shapes and element types."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.shape(a) == np.shape(b)
        assert a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", [*SORTS, *LOOPS])
def test_linearize(name: str) -> None:
    function = (SORTS | LOOPS)[name]
    out, push = astra.linearize(function, jnp.asarray(X))
    expected, expected_push = jax.linearize(function, jnp.asarray(X))
    assert_same(out, expected)
    for tangent in (jnp.cos(X), X * X):
        assert_same(push(tangent), expected_push(tangent))


@pytest.mark.parametrize("name", [name for name in (*SORTS, *LOOPS) if name != "while in scan"])  # not in JAX either
def test_vjp(name: str) -> None:
    function = (SORTS | LOOPS)[name]
    out, pull = astra.vjp(function, jnp.asarray(X))
    expected, expected_pull = jax.vjp(function, jnp.asarray(X))
    assert_same(out, expected)
    for scale in (1.0, 2.5):
        cotangent = jax.tree.map(lambda y, scale=scale: jnp.cos(scale * y).astype(y.dtype), expected)
        assert_same(pull(cotangent), expected_pull(cotangent))


def test_ties_keep_their_order_in_both_parts() -> None:
    """A sort that need not be stable puts values and tangents in the same order all the same."""

    def function(x: Any) -> Any:
        return lax.sort((jnp.zeros_like(x), x), num_keys=1, is_stable=False)[1]

    out, push = astra.linearize(function, jnp.asarray(X))
    np.testing.assert_array_equal(np.asarray(push(jnp.asarray(X))), np.asarray(out))
