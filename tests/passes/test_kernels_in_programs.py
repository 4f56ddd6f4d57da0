"""Kernels within compiled JAX programs: through the whole pipeline, inside of loops, on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 300)).astype(np.float32)
IDS = RNG.integers(0, 40, 500)
IMAGES = RNG.standard_normal((2, 12, 12, 3)).astype(np.float32)
POSITIVE = (X @ X.T / 300 + np.eye(40)).astype(np.float32)


def _embedding_gradient(table: jax.Array, ids: jax.Array) -> jax.Array:
    return jax.grad(lambda t: (jnp.sin(t[ids]) ** 2).sum())(table)


def _gathered_in_a_scan(x: jax.Array) -> jax.Array:
    rows = x.reshape(5, 8, 300)

    def loss(weights: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda h, v: (jnp.tanh(h @ weights + v), None), rows[0], rows)[0].sum()

    return jax.grad(loss)(x.T @ x / 300)


def _packed_before_nested_scans(x: jax.Array) -> tuple[jax.Array, ...]:
    weights, heads = x.T @ x / 300, x[:32].reshape(2, 16, 300)
    rows = x.reshape(5, 8, 300)
    narrow = (weights / 20).astype(jnp.bfloat16)

    def inner(h: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        scores = jnp.einsum("bi,hqi->hbq", h, heads)
        return jnp.tanh(h @ weights + v @ weights.T), scores.sum(0)

    def outer(h: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        h, scores = jax.lax.scan(inner, h, rows)
        return h, scores + (v.astype(jnp.bfloat16) @ narrow).astype(jnp.float32)[:, :16]

    return jax.lax.scan(outer, rows[0], rows)


def _sums_of_products(x: jax.Array) -> tuple[jax.Array, ...]:
    y, z = x @ x.T, (x + 1) @ x.T
    kept = jnp.sin(x) @ x.T
    tiny = jnp.outer(x[:3, 0], x[0, :3])
    return (
        tiny @ tiny + (x @ x.T)[:3, :3],
        tiny @ x[:3, :20] + jnp.outer(x[:3, 0], x[0, :20]),
        y @ z + z @ x @ x.T + jnp.cos(x) @ x.T,
        kept + x @ kept[:3].repeat(100, 0).T[:, :300].T,
        kept,
    )


def _pooling_gradient(images: jax.Array) -> jax.Array:
    def loss(x: jax.Array) -> jax.Array:
        pooled = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        return (pooled**2).sum()

    return jax.grad(loss)(images)


def _sorts_in_a_loop(x: jax.Array) -> jax.Array:
    def body(i: jax.Array, state: jax.Array) -> jax.Array:
        return jnp.sort(state * jnp.sin(i + state), axis=1)

    return jax.lax.fori_loop(0, 5, body, x)


def _solves_in_a_scan(a: jax.Array, b: jax.Array) -> jax.Array:
    def step(carry: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        solved = jax.lax.linalg.triangular_solve(a, carry + x[:40, None], left_side=True, lower=True)
        return solved, solved.sum()

    return jax.lax.scan(step, jnp.ones((40, 1), a.dtype), b)[1]


PROGRAMS: dict[str, tuple[Callable, Sequence[np.ndarray], float]] = {
    "sort": (lambda x: jnp.sort(x, axis=0), [X], 0),
    "descending": (lambda x: jnp.sort(x, descending=True), [X], 0),
    "argsort": (lambda x: jnp.argsort(jnp.round(x), axis=1), [X], 0),
    "several keys": (lambda x: jax.lax.sort((jnp.round(x), -x, x), num_keys=2), [X], 0),
    "median": (jnp.median, [X], 1e-6),
    "unsigned": (lambda x: jnp.sort(x.astype(jnp.uint32) << 24, axis=1), [np.abs(X)], 0),
    "cumulative": (lambda x: (jnp.cumsum(x, 0), jnp.cumprod(x, 1), jax.lax.cummax(x, 1, reverse=True)), [X], 1e-5),
    "cumulative log-sum-exp": (lambda x: jax.lax.cumlogsumexp(x, 1), [X], 1e-5),
    "long cumulative sum": (lambda x: jnp.cumsum(jnp.tile(x.reshape(-1), 20)), [X], 1e-3),
    "embedding gradient": (_embedding_gradient, [X, IDS], 1e-5),
    "histogram": (lambda i: jnp.zeros(40, jnp.int32).at[i].add(1), [IDS], 0),
    "segment maximum": (lambda x, i: jax.ops.segment_max(x[0, i], i, 40), [X, IDS % 40], 0),
    "applied at indices": (lambda x: x.at[jnp.array([1, 1, 3])].apply(lambda v: jnp.sin(v) * 2), [X], 1e-6),
    "updates out of bounds": (lambda x: x.at[jnp.array([3, 99, -1])].set(1.0, mode="drop"), [X], 0),
    "pooling gradient": (_pooling_gradient, [IMAGES], 1e-6),
    "top k": (lambda x: jax.lax.top_k(x, 7), [X], 0),
    "fft": (lambda x: (jnp.fft.fft2(x), jnp.fft.irfft(jnp.fft.rfft(x) * 2)), [X], 2e-5),
    "cholesky": (jnp.linalg.cholesky, [POSITIVE], 1e-5),
    "solve": (lambda a, b: jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(a), True), b), [POSITIVE, X], 1e-4),
    "random bits": (lambda: jax.random.bits(jax.random.key(3, impl="rbg"), (1000, 3)), [], 0),
    "random normal": (lambda: jax.random.normal(jax.random.key(3), (1000, 3)), [], 1e-5),
    "weight gradient of a scan": (_gathered_in_a_scan, [X], 1e-5),
    "operands packed before scans": (_packed_before_nested_scans, [X], 2e-3),
    "sums of products": (_sums_of_products, [X], 1e-5),
    "integer products in a loop": (
        lambda i: jax.lax.fori_loop(0, 3, lambda _, s: s + jnp.outer(i, i[:30] + s[0, 0]) @ jnp.ones((30, 50), int),
                                    jnp.zeros((500, 50), int)), [IDS], 0,
    ),
    "sorts in a loop": (_sorts_in_a_loop, [X], 1e-5),
    "solves in a scan": (_solves_in_a_scan, [POSITIVE, X], 1e-5),
    "bytes reversed from the middle on": (
        lambda b: jnp.concatenate([b, b[:, :0:-1]], 1), [np.arange(24, dtype=np.uint8).reshape(2, 3, 4)], 0,
    ),
    "vmap of updates": (
        jax.vmap(lambda x, i: jax.lax.dynamic_update_slice(x, x[:3] * 2, (i,))), [X, np.arange(40)], 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    function, arguments, tolerance = PROGRAMS[name]
    got = jax.tree.leaves(astra.jit(function)(*arguments))
    expected = jax.tree.leaves(jax.jit(function)(*arguments))
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        scale = np.abs(b[np.isfinite(b)]).max(initial=1) if tolerance else 1
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def test_comparator_with_a_value_from_outside() -> None:
    program = astra.compile(
        """
        func.func @main(%x: tensor<70000xf32>, %middle: tensor<f32>) -> tensor<70000xf32> {
          %0 = "stablehlo.sort"(%x) <{dimension = 0 : i64, is_stable = true}> ({
          ^bb0(%a: tensor<f32>, %b: tensor<f32>):
            %1 = stablehlo.subtract %a, %middle : tensor<f32>
            %2 = stablehlo.subtract %b, %middle : tensor<f32>
            %3 = stablehlo.abs %1 : tensor<f32>
            %4 = stablehlo.abs %2 : tensor<f32>
            %5 = stablehlo.compare LT, %3, %4, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
            stablehlo.return %5 : tensor<i1>
          }) : (tensor<70000xf32>) -> tensor<70000xf32>
          return %0 : tensor<70000xf32>
        }"""
    )
    x, middle = np.resize(X.reshape(-1), 70000), np.full((), 0.5, np.float32)
    (got,) = jax.tree.leaves(program(x, middle))
    np.testing.assert_array_equal(got, x[np.argsort(np.abs(x - middle), kind="stable")])


def test_the_same_bits_on_any_number_of_threads() -> None:
    def program(x: jax.Array, ids: jax.Array) -> tuple[jax.Array, ...]:
        flat = jnp.tile(x.reshape(-1), 20)
        scattered = jnp.zeros((40, 300), x.dtype).at[ids].add(x[ids])
        return (
            jnp.sort(flat),
            jnp.cumsum(flat),
            jnp.cumsum(x, 0),
            scattered,
            jnp.fft.rfft(x),
            jnp.linalg.cholesky(x @ x.T),
        )

    compiled = astra.jit(program)
    results = []
    for count in (1, 2, 4):
        with astra.threads(count):
            results.append([np.asarray(leaf) for leaf in compiled(X, IDS)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a.view(np.uint8), b.view(np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32, np.complex64])
def test_a_product_without_contraction_in_a_sum(dtype: type) -> None:
    rng = np.random.default_rng(0)
    a, b = ((3 * rng.normal(size=n)).astype(dtype) for n in (4, 5))

    def outer_sum(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.sum(jax.lax.dot_general(a, b, (((), ()), ((), ()))), axis=0)

    tolerance = 1e-2 if dtype == np.float16 else 1e-5
    np.testing.assert_allclose(astra.jit(outer_sum)(a, b), np.outer(a, b).sum(0), rtol=tolerance, atol=tolerance)


def test_sums_of_tall_columns_are_accurate_and_have_the_same_bits_on_any_number_of_threads() -> None:
    x = np.random.default_rng(1).uniform(1, 2, (8, 32, 32, 48)).astype(np.float32)
    compiled = astra.jit(lambda x: (x.sum((0, 1, 2)), ((x - x.mean((0, 1, 2))) ** 2).sum((0, 1, 2))))
    results = []
    for count in (1, 2, 3):
        with astra.threads(count):
            results.append([np.asarray(leaf) for leaf in compiled(x)])
    wide = x.astype(np.float64)
    expected = wide.sum((0, 1, 2)), wide.var((0, 1, 2)) * x[..., 0].size
    for result in results:
        for got, first, value in zip(result, results[0], expected, strict=True):
            np.testing.assert_array_equal(got, first)
            np.testing.assert_allclose(got, value, rtol=5e-7)
