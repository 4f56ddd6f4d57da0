"""Matrix products with what follows them in one kernel: against JAX, with the bits of the separate operations, on any
number of threads."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.passes.kernel_rules import contraction


def normal(*shape: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def used_twice(a, b, c):
    y = a @ b + c
    return y, jax.nn.relu(y)


def in_a_scan(a, b, c):
    return jax.lax.scan(lambda h, x: (jnp.tanh(0.1 * (h @ b) + c + x), h[0, 0]), a[:, : b.shape[1]], jnp.arange(3.0))


A, B, ROW, COLUMN, FULL = normal(37, 70), normal(70, 83), normal(83), normal(37, 1), normal(37, 83)
SQUARE = normal(66, 66)
PROGRAMS = {
    "bias": (lambda a, b, c: a @ b + c, (A, B, ROW)),
    "gelu": (lambda a, b, c: jax.nn.gelu(a @ b + c), (A, B, ROW)),
    "exact gelu": (lambda a, b, c: jax.nn.gelu(a @ b + c, approximate=False), (A, B, ROW)),
    "relu and residual": (lambda a, b, c, r: r + jax.nn.relu(a @ b + c), (A, B, ROW, FULL)),
    "silu of rows": (lambda a, b, c: jax.nn.silu(a @ b * c), (A, B, COLUMN)),
    "scaled by an argument": (lambda a, b, s: jnp.exp(-jnp.abs(a @ b * s)), (A, B, np.float32(0.1))),
    "used twice": (used_twice, (A, B, ROW)),
    "two products": (lambda a, b, c, d: jnp.tanh(a @ b) * (c @ d), (A, B, A, B)),
    "sum of products": (lambda a, b, c, d: jax.nn.relu(a @ b + c @ d), (A, B, A, B)),
    "transposed": (lambda a, b, c: jnp.tanh(a.T @ b.T + c), (normal(70, 37), normal(83, 70), ROW)),
    "three dimensions": (lambda a, b, c: jax.nn.relu(a @ b + c), (normal(3, 20, 70), B, ROW)),
    "batched": (lambda a, b, c: jax.nn.relu(a @ b + c), (normal(3, 20, 70), normal(3, 70, 83), ROW)),
    "mask": (lambda a, b: jnp.where(jnp.tril(jnp.ones((66, 66), bool)), a @ b, -1e9), (SQUARE, SQUARE)),
    "scan": (in_a_scan, (SQUARE, SQUARE, normal(66))),
    "f64": (lambda a, b, c: jnp.tanh(a @ b + c), (A.astype(np.float64), B.astype(np.float64), ROW.astype(np.float64))),
    "rounded and widened": (
        lambda a, b: jnp.dot(a, b, preferred_element_type=jnp.bfloat16).astype(jnp.float32),
        (A.astype(jnp.bfloat16), B.astype(jnp.bfloat16)),
    ),
    "many rows": (lambda a, b, c: jax.nn.relu(a @ b + c), (normal(2200, 130), normal(130, 300), normal(300))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_jax_and_same_bits_as_separate_operations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, arguments = PROGRAMS[name]
    with jax.enable_x64(name == "f64"):
        expected = jax.tree.leaves(jax.jit(function)(*arguments))
        fused = astra.jit(function)
        actual = []
        for threads in (1, 2, 3, 8):
            with astra.threads(threads):
                actual.append([np.asarray(x) for x in jax.tree.leaves(fused(*arguments))])
        monkeypatch.setattr(contraction, "epilogue_of", lambda *_: None)
        separate = jax.tree.leaves(astra.jit(lambda *x: function(*x))(*arguments))
    tolerance = 1e-2 if name == "rounded and widened" else 2e-5  # XLA leaves the rounding out
    for i, want in enumerate(expected):
        np.testing.assert_allclose(actual[0][i], want, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(actual[0][i], np.asarray(separate[i]))
        assert all(np.array_equal(actual[0][i], other[i]) for other in actual[1:])


def test_gradients_of_a_fused_layer() -> None:
    def loss(w, x, b):
        return jnp.sum(jax.nn.gelu(x @ w + b) ** 2)

    for ours, want in zip(
        astra.jit(jax.grad(loss, (0, 1, 2)))(B, A, ROW), jax.jit(jax.grad(loss, (0, 1, 2)))(B, A, ROW), strict=True
    ):
        np.testing.assert_allclose(ours, want, rtol=1e-4, atol=1e-3)
