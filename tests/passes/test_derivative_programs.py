"""Derivatives of random JAX programs with control flow, against JAX's and against central differences.

A program is a list of steps on vectors, drawn by Hypothesis; loops and branches have programs in them.
``ASTRA_EXAMPLES`` sets how many are drawn for each test.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

import astra_mlir as astra  # noqa: E402

SIZE = 4
EXAMPLES = int(os.environ.get("ASTRA_EXAMPLES", "5"))
few = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
)  # fmt: skip

Step = tuple[Any, ...]
Values = list[Any]

# --- steps -----------------------------------------------------------------------------------------------------------

UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": jnp.sin,
    "tanh": jnp.tanh,
    "exp": lambda a: jnp.exp(jnp.sin(a)),
    "logistic": lambda a: lax.logistic(a),
    "square": lambda a: jnp.sin(a) ** 2,
    "abs": jnp.abs,
    "log1p": lambda a: jnp.log1p(a * a),
    "sqrt": lambda a: jnp.sqrt(1 + a * a),
    "rsqrt": lambda a: lax.rsqrt(1 + a * a),
    "relu": lambda a: jax.nn.relu(a),
    "softplus": lambda a: jnp.logaddexp(a, 0.0),
    "softmax": lambda a: jax.nn.softmax(a),
    "logsumexp": lambda a: a - jax.nn.logsumexp(a),
    "cumsum": lambda a: jnp.cumsum(jnp.sin(a)),
    "cumprod": lambda a: jnp.cumprod(jnp.cos(a)),
    "cummax": lambda a: lax.cummax(a),
    "sort": jnp.sort,
    "prod": lambda a: a * jnp.prod(jnp.cos(a)),
    "clip": lambda a: jnp.clip(a, -0.7, 0.9),
    "roll": lambda a: jnp.roll(a, 1) - a,
    "reverse": lambda a: a[::-1] * 1.5,
    "pad": lambda a: lax.pad(a, a[0], ((1, -1, 0),)),
    "gather": lambda a: a[np.array([0, 2, 2, 1])],
    "top": lambda a: lax.top_k(a, 2)[0].sum() * a,
    "complex": lambda a: jnp.abs(jnp.fft.fft(lax.complex(a, 0.5 * a[::-1]))),
    "checkpoint": lambda a: jax.checkpoint(lambda a: jnp.sin(jnp.sin(a)))(a),
    "stop": lambda a: a * lax.stop_gradient(a),
    "convolve": lambda a: jnp.convolve(a, jnp.sin(a[:3]), mode="same"),
    "window": lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (2,), (1,), "SAME"),
    "solve": lambda a: jnp.linalg.solve(jnp.eye(SIZE) * 3 + jnp.outer(jnp.sin(a), jnp.cos(a)), a),
    "cholesky": lambda a: jnp.linalg.cholesky(jnp.eye(SIZE) * 2 + jnp.outer(jnp.sin(a), jnp.sin(a)))[-1],
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: jnp.sin(a) * b,
    "divide": lambda a, b: a / (1 + b * b),
    "maximum": jnp.maximum,
    "where": lambda a, b: jnp.where(a > b, a * b, jnp.cos(b)),
    "atan2": lambda a, b: jnp.arctan2(a, 2 + jnp.sin(b)),
    "power": lambda a, b: (1 + a * a) ** jnp.sin(b),
    "matvec": lambda a, b: jnp.sin(jnp.outer(a, b)) @ b,
    "dot": lambda a, b: jnp.dot(a, b) * jnp.cos(a),
    "matmul": lambda a, b: (jnp.outer(a, b) @ jnp.cos(jnp.outer(b, a))).sum(0),
    "concatenate": lambda a, b: jnp.concatenate([a[2:], b])[1:5],
    "columns": lambda a, b: jnp.stack([a, b, a * b], 1).max(1),
    "read": lambda a, b: lax.dynamic_slice(jnp.concatenate([a, b]), (_place(b),), (SIZE,)),
    "write": lambda a, b: lax.dynamic_update_slice(a, b[:2], (_place(a),)),
    "scatter": lambda a, b: a.at[np.array([1, 3, 1])].add(b[:3]),
    "put": lambda a, b: a.at[np.array([2, 0])].set(b[:2] * a[2:]),
    "scatter_max": lambda a, b: a.at[np.array([0, 2])].max(b[1:3]),
    "vmap": lambda a, b: jax.vmap(lambda t: jnp.tanh(t * b).sum())(a),
}


def _place(a: Any) -> Any:
    """A position that depends on data."""
    return (jnp.abs(lax.stop_gradient(a[0])) * 3).astype(jnp.int32)


def _control(
    kind: str, values: Values, i: int, j: int, inner: Sequence[Step], other: Sequence[Step], real: bool
) -> Any:
    """Control flow; where ``real`` is false JAX gets a loop that it can run backwards in place of ``while``."""
    a, b = values[i % len(values)], values[j % len(values)]

    def body(*state: Any) -> Any:
        return run(inner, [*values, *state], real)

    if kind == "scan":
        c, ys = lax.scan(lambda c, t: (jnp.sin(body(c, t)), c * t), a, jnp.stack([b, a, a * b]))
        return c + ys.sum(0)
    if kind == "scan_reversed":
        c, ys = lax.scan(lambda c, t: (jnp.tanh(body(c)) + t, c.sum()), a, b, reverse=True)
        return c * ys
    if kind == "fori":
        return lax.fori_loop(0, 3, lambda k, c: jnp.sin(body(c)) * (k + 1), a)
    if kind == "cond":
        return lax.cond(a.sum() > 0, lambda a: body(a), lambda a: run(other, [*values, a], real), b)
    if kind == "switch":
        branches = [lambda a: a, lambda a: jnp.cos(body(a)), lambda a: run(other, [*values, a], real)]
        return lax.switch(_place(a) % 3, branches, b)
    if kind == "map":
        return lax.map(lambda t: jnp.sin(body(t * a)).sum(), b)
    assert kind == "while"
    limit = 1 + _place(a) % 3

    def step(state: Any) -> Any:
        return state[0] + 1, jnp.sin(body(state[1]))

    if real:
        return lax.while_loop(lambda s: (s[0] < limit) & (s[0] < 4), step, (jnp.int32(0), a))[1]

    def masked(state: Any, _: Any) -> Any:
        return jax.tree.map(lambda x, y: jnp.where(state[0] < limit, x, y), step(state), state), None

    return lax.scan(masked, (jnp.int32(0), a), None, length=4)[0][1]


CONTROL = ("scan", "scan_reversed", "fori", "cond", "switch", "map", "while")


def run(steps: Sequence[Step], values: Values, real: bool) -> Any:
    """The last vector that the steps compute."""
    values = list(values)
    for name, i, j, *bodies in steps:
        if name in UNARY:
            values.append(UNARY[name](values[-1 - i % len(values)]))
        elif name in BINARY:
            values.append(BINARY[name](values[-1 - i % len(values)], values[-1 - j % len(values)]))
        else:
            values.append(_control(name, values, i, j, *bodies, real))
    return values[-1]


def _steps(depth: int) -> st.SearchStrategy[list[Step]]:
    place = st.integers(0, 3)
    simple = st.tuples(st.sampled_from([*UNARY, *BINARY]), place, place)
    if not depth:
        return st.lists(simple, min_size=1, max_size=3)
    nested = st.tuples(st.sampled_from(CONTROL), place, place, _steps(depth - 1), _steps(0))
    return st.lists(st.one_of(simple, nested), min_size=1, max_size=3)


def _programs(depth: int = 2) -> st.SearchStrategy[list[Step]]:
    """Programs with at least one loop or branch."""
    place = st.integers(0, 3)
    main = st.tuples(st.sampled_from(CONTROL), place, place, _steps(depth - 1), _steps(0))
    return st.builds(lambda before, main, after: [*before, main, *after], _steps(0), main, _steps(0))


# --- checks ----------------------------------------------------------------------------------------------------------


def _function(steps: Sequence[Step], real: bool) -> Callable[[Any, Any], Any]:
    return lambda x, w: run(steps, [x, w, x * w], real)


def _arguments(seed: int) -> list[np.ndarray]:
    """The point, two directions and a cotangent."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(SIZE) for _ in range(7)]


def _close(expected: Any, found: Any, tolerance: float = 1e-8) -> None:
    for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        scale = max(1.0, float(np.max(np.abs(one), initial=0)))
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance * scale)


def _both(derive: Callable[[Any, Callable[..., Any]], Callable[..., Any]], steps: Any, arguments: Any) -> None:
    """What ``derive`` makes of a program with the transformations of JAX and of Astra agree."""
    with jax.enable_x64(True):
        expected = jax.jit(derive(jax, _function(steps, False)))(*arguments)
        found = astra.jit(derive(astra, _function(steps, True)))(*arguments)
    if all(np.isfinite(x).all() for x in jax.tree.leaves(expected)):
        _close(expected, found)


@few
@given(_programs(), st.integers(0, 2**32))
def test_first(steps: list[Step], seed: int) -> None:
    def derive(api: Any, f: Callable[..., Any]) -> Callable[..., Any]:
        def first(x: Any, w: Any, tx: Any, tw: Any, c: Any) -> Any:
            out, tangent = api.jvp(f, (x, w), (tx, tw))
            return out, tangent, api.vjp(f, x, w)[1](c)

        return first

    _both(derive, steps, _arguments(seed)[:5])


@few
@given(_programs(), st.integers(0, 2**32))
def test_second(steps: list[Step], seed: int) -> None:
    def derive(api: Any, f: Callable[..., Any]) -> Callable[..., Any]:
        def second(x: Any, w: Any, tx: Any, tw: Any, c: Any) -> Any:
            def gradient(x: Any, w: Any) -> Any:
                return api.vjp(f, x, w)[1](c)

            forward = api.jvp(gradient, (x, w), (tx, tw))[1]
            return forward, api.vjp(gradient, x, w)[1]((tx, tw))

        return second

    _both(derive, steps, _arguments(seed)[:5])


@few
@given(_programs(), st.integers(0, 2**32))
def test_batched_gradients(steps: list[Step], seed: int) -> None:
    def derive(api: Any, f: Callable[..., Any]) -> Callable[..., Any]:
        return api.vmap(api.grad(lambda x, w: f(x, w).sum(), argnums=(0, 1)), in_axes=(0, None))

    x, w, *others = _arguments(seed)
    _both(derive, steps, [np.stack([x, *others[:2]]), w])


@few
@given(_programs(), st.integers(0, 2**32))
def test_gradients_of_batched(steps: list[Step], seed: int) -> None:
    def derive(api: Any, f: Callable[..., Any]) -> Callable[..., Any]:
        return api.grad(lambda x, w: jnp.sin(api.vmap(f, in_axes=(0, None))(x, w)).sum(), argnums=(0, 1))

    x, w, *others = _arguments(seed)
    _both(derive, steps, [np.stack([x, *others[:2]]), w])


@few
@given(_programs(1), st.integers(0, 2**32))
def test_central_differences(steps: list[Step], seed: int) -> None:
    """In one direction; where two step lengths disagree, a kink is near and nothing is compared."""
    x, w, tx, tw, *_ = _arguments(seed)
    f = _function(steps, True)
    with jax.enable_x64(True):
        value = astra.jit(f)
        _, tangent = astra.jit(lambda x, w, tx, tw: astra.jvp(f, (x, w), (tx, tw)))(x, w, tx, tw)
        coarse, fine = (
            (np.asarray(value(x + h * tx, w + h * tw)) - np.asarray(value(x - h * tx, w - h * tw))) / (2 * h)
            for h in (2e-5, 1e-5)
        )
    # stop_gradient is not what differences see.
    if "stop" not in str(steps) and np.allclose(coarse, fine, rtol=1e-5, atol=1e-7 * (1 + np.max(np.abs(fine)))):
        _close(fine, tangent, 1e-4)
