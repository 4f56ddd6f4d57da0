"""``astra-recognize-attention`` and the kernels of attention: against float64, in the forms that programs have."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from tests.passes.kernel_harness import run_operation

Function = Callable[..., jax.Array]


def plain(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    scores = jnp.einsum("hqd,hkd->hqk", q, k) / np.sqrt(q.shape[-1]).astype(q.dtype)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores), v)


def causal(q: jax.Array, k: jax.Array, v: jax.Array, fill: float = -jnp.inf) -> jax.Array:
    scores = jnp.einsum("hqd,hkd->hqk", q, k) * 0.2
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, fill)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores), v)


def causal_by_large_number(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return causal(q, k, v, -1e9)


def causal_by_constant(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    scores = jnp.einsum("hqd,hkd->hqk", q, k) + np.where(np.tri(q.shape[1], k.shape[1], 3) > 0, 0, -np.inf)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores.astype(q.dtype)), v)


def by_hand(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Sums in the middle, the scale on the queries, keys on the left, the derivative through everything."""
    scores = jnp.einsum("hkd,hqd->hqk", k, q * 0.3)
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-1, keepdims=True)))
    weights = weights / weights.sum(-1, keepdims=True)
    return jnp.einsum("hkd,hqk->hqd", v, weights)


def heads_in_the_middle(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return jax.nn.dot_product_attention(*(x[None].transpose(0, 2, 1, 3) for x in (q, k, v)), is_causal=True)


def grouped_queries(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (x[None].transpose(0, 2, 1, 3) for x in (q, k, v))
    return jax.nn.dot_product_attention(q, k[:, :, : q.shape[2] // 2], v[:, :, : q.shape[2] // 2])


def biased(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    distance = jnp.arange(k.shape[1])[None, :] - jnp.arange(q.shape[1])[:, None]
    scores = jnp.einsum("hqd,hkd->hqk", q, k) * 0.2 - 0.1 * jnp.abs(distance).astype(q.dtype)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores), v)


def padded(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    kept = jnp.sin(jnp.arange(k.shape[1])) < 0.5  # any mask
    scores = jnp.where(kept, jnp.einsum("hqd,hkd->hqk", q, k) * 0.2, jnp.finfo(q.dtype).min)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores), v)


def of_lengths(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (jnp.stack([x, x[::-1]]).transpose(0, 2, 1, 3) for x in (q, k, v))
    of_queries, of_keys = _lengths(q, q.shape[1] - 7, 9), _lengths(q, k.shape[1] - 31, k.shape[1])
    return jax.nn.dot_product_attention(q, k, v, query_seq_lengths=of_queries, key_value_seq_lengths=of_keys)


def of_lengths_causal(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (jnp.stack([x, x[::-1]]).transpose(0, 2, 1, 3) for x in (q, k, v))
    of_keys = _lengths(q, k.shape[1] - 31, k.shape[1])
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, key_value_seq_lengths=of_keys)


def _lengths(q: jax.Array, *numbers: int) -> jax.Array:
    """Lengths that are known when the program runs."""
    return jnp.array(numbers, jnp.int32) + jnp.isnan(q.sum()).astype(jnp.int32)


def window(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    row, column = jnp.arange(q.shape[1])[:, None], jnp.arange(k.shape[1])
    kept = (row >= column) & (row - column < 30)
    scores = jnp.where(kept, jnp.einsum("hqd,hkd->hqk", q, k) * 0.2, -jnp.inf)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores), v)


FORMS: list[Function] = [
    plain, causal, causal_by_large_number, causal_by_constant, by_hand, heads_in_the_middle, grouped_queries, biased,
    padded, window, of_lengths, of_lengths_causal,
]  # fmt: skip


def arrays(*shapes: tuple[int, ...], dtype: type = np.float32) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def expected(function: Function, inputs: list[np.ndarray]) -> list[np.ndarray]:
    with jax.enable_x64(True):
        return [
            np.asarray(x) for x in jax.tree.leaves(jax.jit(function)(*(jnp.asarray(x, jnp.float64) for x in inputs)))
        ]


def gradient(of: Callable[..., Function], function: Function) -> Function:
    """The gradient of a sum with weights that differ everywhere."""

    def loss(*arguments: jax.Array) -> jax.Array:
        result = function(*arguments)
        return jnp.sum(result * jnp.cos(jnp.arange(result.size, dtype=result.dtype)).reshape(result.shape))

    return lambda *arguments: of(loss, argnums=(0, 1, 2))(*arguments)


def check(
    function: Function, reference: Function, inputs: list[np.ndarray], kernels: int, tolerance: float = 3e-6
) -> None:
    executable = astra.compile(function, *inputs)
    assert executable.ir("linalg").count('"astra.kernel_call"') == kernels
    for result, wanted in zip(jax.tree.leaves(executable(*inputs)), expected(reference, inputs), strict=True):
        np.testing.assert_allclose(
            np.asarray(result, np.float64), wanted, atol=tolerance * np.abs(wanted).max(), rtol=0
        )


@pytest.mark.parametrize("function", FORMS, ids=lambda f: f.__name__)
def test_forms(function: Function) -> None:
    check(function, function, arrays(*[(4, 70, 24)] * 3), kernels=1)


@pytest.mark.parametrize("function", FORMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("of", [astra.grad, jax.grad], ids=["astra", "jax"])
def test_gradients(of: Callable[..., Function], function: Function) -> None:
    check(gradient(of, function), gradient(jax.grad, function), arrays(*[(4, 70, 24)] * 3), kernels=2, tolerance=1e-5)


@pytest.mark.parametrize(
    ("queries", "keys", "depth", "features"),
    [(8, 200, 3, 5), (130, 257, 64, 64), (300, 40, 33, 80), (65, 129, 100, 2)],
)
def test_sizes(queries: int, keys: int, depth: int, features: int) -> None:
    inputs = arrays((2, queries, depth), (2, keys, depth), (2, keys, features))
    check(plain, plain, inputs, kernels=1)
    check(gradient(jax.grad, plain), gradient(jax.grad, plain), inputs, kernels=2, tolerance=1e-5)


def test_element_types() -> None:
    with jax.enable_x64(True):
        check(causal, causal, arrays(*[(2, 100, 20)] * 3, dtype=np.float64), kernels=1, tolerance=1e-14)
    low = [jnp.asarray(x, jnp.bfloat16) for x in arrays(*[(2, 100, 20)] * 3)]
    result = astra.jit(heads_in_the_middle)(*low)
    wanted = expected(heads_in_the_middle, [np.asarray(x, np.float32) for x in low])[0]
    np.testing.assert_allclose(np.asarray(result, np.float64), wanted, atol=0.02 * np.abs(wanted).max())


def test_scores_below_what_masked_ones_are_given() -> None:
    """Masked scores count where all others are lower still: chunks behind the diagonal are then computed, too."""
    q, k, v = arrays(*[(1, 600, 32)] * 3)
    inputs = [np.abs(q) * 6, -np.abs(k) * 6, v]

    def function(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return causal(q, k, v, -10.0)

    check(function, function, inputs, kernels=1, tolerance=2e-5)
    check(gradient(jax.grad, function), gradient(jax.grad, function), inputs, kernels=2, tolerance=1e-4)


@pytest.mark.parametrize("kind", ["plain", "causal", "mask"])
def test_pytorch(kind: str) -> None:
    """Heads split from the features; PyTorch's softmax is 0 where nothing is kept."""
    torch = pytest.importorskip("torch")
    inputs = [torch.from_numpy(x) for x in arrays(*[(2, 50, 64)] * 3)]
    mask = torch.from_numpy(np.cos(np.arange(2500)).reshape(50, 50) > 0)

    def function(*arguments: torch.Tensor) -> torch.Tensor:
        q, k, v = (x.view(2, 50, 4, 16).transpose(1, 2) for x in arguments)
        options = {"plain": {}, "causal": {"is_causal": True}, "mask": {"attn_mask": mask}}[kind]
        result = torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)
        return result.transpose(1, 2).reshape(2, 50, 64)

    def loss(*arguments: torch.Tensor) -> torch.Tensor:
        return (function(*arguments) ** 2).sum()

    doubles = [x.double().requires_grad_() for x in inputs]
    wanted = [function(*doubles), *torch.autograd.grad(loss(*doubles), doubles)]
    executable = astra.compile(lambda *x: (function(*x), *astra.grad(loss, argnums=(0, 1, 2))(*x)), *inputs)
    assert executable.ir("linalg").count('"astra.kernel_call"') == 2
    for found, expected in zip(executable(*inputs), wanted, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), atol=1e-5)


def test_rows_without_a_score() -> None:
    """NaN, or 0 if asked for."""
    q, k, v = arrays((1, 40, 2, 8), (1, 50, 2, 8), (1, 50, 2, 8))
    mask = np.ones((40, 50), np.int8)
    mask[3] = 0
    attributes = (
        'subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.5 : f64, fill = 0xFFF0000000000000 : f64, mask = "qk"'
    )
    types = ["tensor<1x40x2x8xf32>", "tensor<1x2x40xf32>"]
    result, logsumexp = run_operation("attention", [q, k, v, mask], types, attributes)
    assert np.isnan(result[0, 3]).all() and not np.isnan(np.delete(result, 3, 1)).any()
    assert (logsumexp[0, :, 3] == -np.inf).all()
    result, _ = run_operation("attention", [q, k, v, mask], types, attributes + ", empty_is_zero = true")
    assert (result[0, 3] == 0).all() and not np.isnan(result).any()


def test_scores_have_no_memory() -> None:
    inputs = arrays(*[(2, 512, 16)] * 3)
    for function in (plain, gradient(jax.grad, causal), gradient(astra.grad, causal)):
        executable = astra.compile(function, *inputs)
        assert executable.memory().arena_bytes < 512 * 512 * 4


def test_little_is_packed_at_a_time() -> None:
    """Memory beside arguments and results is a small part of them; several waves of heads give the same results."""
    for function in (plain, causal):
        inputs = arrays(*[(16, 1024, 32)] * 3)
        executable = astra.compile(function, *inputs)
        assert executable.memory().arena_bytes < (1 if function is plain else 2) * inputs[0].nbytes // 3
        expected = np.asarray(jax.jit(function)(*inputs))
        np.testing.assert_allclose(np.asarray(executable(*inputs)), expected, rtol=1e-4, atol=1e-5)


def test_same_bits_for_any_number_of_threads() -> None:
    inputs = arrays(*[(3, 300, 40)] * 3)
    executable = astra.compile(lambda *x: (causal(*x), gradient(jax.grad, causal)(*x)), *inputs)
    found = []
    for threads in (1, 2, 3, 8):
        with astra.threads(threads):
            found.append([np.asarray(x).tobytes() for x in jax.tree.leaves(executable(*inputs))])
    assert all(x == found[0] for x in found)
