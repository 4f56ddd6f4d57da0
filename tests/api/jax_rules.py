"""Functions with derivative rules, and scalars to differentiate: what the tests of JAX's rules share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Function = Callable[..., Any]


def numbers(*shape: int, seed: int = 0, low: float = 0.3, high: float = 0.9) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


VECTOR = numbers(3)


def weighted(function: Function) -> Function:
    """A scalar that depends on every element of the result, in a way that is not linear."""

    def scalar(x: Any) -> Any:
        y = function(x)
        return jnp.sum(jnp.sin(y * jnp.linspace(0.5, 1.5, y.size, dtype=y.dtype).reshape(y.shape)))

    return scalar


def second(grad: Function, scalar: Function) -> Function:
    """The derivative of a directional derivative."""
    return grad(lambda x: jnp.sum(grad(scalar)(x) * jnp.linspace(1, 2, x.size, dtype=x.dtype).reshape(x.shape)))


def assert_close(ours: Any, theirs: Any, tolerance: float = 2e-4) -> None:
    scale = max(1.0, float(np.max(np.abs(np.nan_to_num(np.asarray(theirs))), initial=0)))
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=tolerance, atol=tolerance * scale)


@jax.custom_jvp
def by_first_only(x: Any, y: Any) -> Any:
    return x * y


@partial(by_first_only.defjvp, symbolic_zeros=True)
def _by_first_only_jvp(primals: Any, tangents: Any) -> Any:
    x, y = primals
    if type(tangents[1]) is not jax.custom_derivatives.SymbolicZero:
        raise NotImplementedError("no derivative by y")
    return by_first_only(x, y), 3 * y * tangents[0]
