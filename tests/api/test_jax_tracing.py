"""Functions of ``jax.numpy`` called while a function is traced write what their jaxprs would have written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.jax_frontend import tracing as jax_tracing
from astra_mlir.jax_frontend.tracing import capturing

ARRAY = np.linspace(0.5, 2, 12, dtype=np.float32).reshape(3, 4)

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "scalars": lambda x: (x + 1) * 0.1 - x / 3.0 + x**2 + 2**x,
    "narrow": lambda x: x.astype(jnp.bfloat16) * 0.1 + x.astype(jnp.float16) * 0.3,
    "comparisons": lambda x: jnp.where(x > 1, x, -1) + (x == 2) + ~(x < 1),
    "integers": lambda x: (x.astype(jnp.int8) // 2) % 3 + (x.astype(jnp.uint8) << 1),
    "reductions": lambda x: x.mean(0) + jnp.var(x, axis=0) + x.sum(0, keepdims=True) - x.max(),
    "products": lambda x: jnp.einsum("ij,kj->ik", x, x) @ x + jnp.dot(x, x.T) @ x,
    "indices": lambda x: x[1:, ::2] + jnp.take(x, jnp.array([0, 2]), axis=1)[:2] + x[[0, 1], :2],
    "shapes": lambda x: jnp.concatenate([jnp.tril(x), jnp.pad(x, 1)[1:4, 1:5]]).reshape(-1).sort(),
    "numpy": lambda x: np.float64(2) * x + np.arange(4) + np.float32(3),
    "arrays of Python": lambda x: jnp.clip(x, 1, jnp.float32(1.5)) + jnp.asarray([1, 2.5, 3, True]),
    "derivative": jax.grad(lambda x: jnp.sum(jax.nn.softmax(jnp.tanh(x) * 0.5) * jnp.abs(x))),
    "mapped": jax.vmap(lambda row: jnp.cumsum(row) / jnp.linalg.norm(row)),
    "second derivative": lambda x: jax.jvp(jax.grad(lambda y: jnp.sum(jnp.log1p(y) ** 3)), (x,), (x,)),
    "recomputed": jax.grad(jax.checkpoint(lambda x: jnp.sum(jnp.sin(x) * jnp.maximum(x, 1)))),
}


def _jaxpr(function: Callable[..., Any], captures: bool) -> str:
    jax.clear_caches()
    jax_tracing._calls.clear()
    token = capturing.set(captures)
    try:
        return str(jax.jit(lambda x: function(x)).trace(ARRAY).jaxpr)
    finally:
        capturing.reset(token)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_jaxpr_is_the_same(name: str) -> None:
    jax_tracing.install()
    assert _jaxpr(FUNCTIONS[name], True) == _jaxpr(FUNCTIONS[name], False)


def test_functions_are_called_twice_and_then_have_a_jaxpr(monkeypatch: pytest.MonkeyPatch) -> None:
    jax_tracing.install()
    calls = []
    count = jax_tracing._count
    monkeypatch.setattr(jax_tracing, "_count", lambda entry: calls.append(count(entry)) or calls[-1])
    _jaxpr(lambda x: x + x + x + x + x, True)
    assert calls == [0, 1, 2]
    calls.clear()
    _jaxpr(lambda x: x + x, False)
    assert calls == []


def test_functions_of_the_user_keep_their_jaxprs() -> None:
    inner = jax.jit(lambda x: x * jnp.ones(x.shape), inline=True)  # a number is an array to it
    np.testing.assert_allclose(astra.jit(lambda x: x + inner(2.0))(ARRAY), ARRAY + 2)


def test_an_error_is_that_of_jax() -> None:
    with pytest.raises(OverflowError, match="parsing an argument"):
        astra.jit(lambda x: jnp.add(x, 2**70))(ARRAY)
    with pytest.raises(TypeError):
        astra.jit(lambda x: jnp.add(x, "text"))(ARRAY)
