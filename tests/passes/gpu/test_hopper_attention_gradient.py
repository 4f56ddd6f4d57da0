"""The derivative of attention for Hopper: the PTX of its two kernels, run without a GPU against float64."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.hopper_attention import HopperAttention
from astra_mlir.passes.gpu.hopper_attention_gradient import HopperAttentionGradient

from .hopper_harness import DTYPES, attention_arrays, check_resources, ptx_of, run


def reference(attention: HopperAttention, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The derivatives of queries, keys and values, the logarithms of sums and the row sums, heads first, in f64."""
    swapped = (x.transpose(0, 2, 1, 3) if attention.token_major else x for x in arrays)
    q, k, v, cotangent = (x.astype(np.float64) for x in swapped)
    k, v = (np.repeat(x, attention.group, 1) for x in (k, v))
    scale = attention.width**-0.5
    scores = q @ k.transpose(0, 1, 3, 2) * scale
    if attention.causal:
        last = np.arange(attention.queries)[:, None] + attention.keys - attention.queries
        scores = np.where(np.arange(attention.keys) <= last, scores, -np.inf)
    most = scores.max(-1, keepdims=True)
    exponentials = np.exp(scores - most)
    sums = exponentials.sum(-1, keepdims=True)
    p = exponentials / sums
    deltas = (cotangent * (p @ v)).sum(-1, keepdims=True)
    ds = p * (cotangent @ v.transpose(0, 1, 3, 2) - deltas) * scale

    def of_group(x: np.ndarray) -> np.ndarray:
        shape = (attention.batch, attention.heads // attention.group, attention.group, *x.shape[2:])
        return x.reshape(shape).sum(2)

    transposed = ds.transpose(0, 1, 3, 2), p.transpose(0, 1, 3, 2)
    derivatives = ds @ k, of_group(transposed[0] @ q), of_group(transposed[1] @ cotangent)
    return *derivatives, (most + np.log(sums))[..., 0], deltas[..., 0]


CASES = {
    "plain": HopperAttention(1, 1, 128, 192, 128),
    "edges, groups of heads, heads last, causal": HopperAttention(
        1, 2, 72, 200, 64, element="f16", group=2, token_major=True, causal=True
    ),
    "causal": HopperAttention(2, 1, 200, 200, 64, causal=True),
}


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("name", CASES)
def test_derivatives_are_right(name: str, late: bool) -> None:
    """Within the rounding of probabilities, their derivatives and results to 16 bits."""
    attention = CASES[name]
    q, k, v, cotangent = attention_arrays(attention, cotangents=True)
    *expected, logsums, deltas = reference(attention, q, k, v, cotangent)
    results = [np.zeros_like(x) for x in (q, k, v)]
    given = (q, k, v, cotangent, logsums.astype(np.float32), deltas.astype(np.float32))
    for of, made in (("keys", results[1:]), ("queries", results[:1])):
        gradient = HopperAttentionGradient(attention, of)
        run(ptx_of(gradient), gradient, (*given, *made), late=late)
    precision = float(ml_dtypes.finfo(DTYPES[attention.element]).eps)
    for result, exact in zip(results, expected, strict=True):
        found = result.transpose(0, 2, 1, 3) if attention.token_major else result
        np.testing.assert_allclose(found.astype(np.float64), exact, rtol=precision, atol=2 * precision)


@pytest.mark.parametrize("of", ["keys", "queries"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("width", [64, 128])
def test_the_default_schedule(width: int, causal: bool, of: str) -> None:
    """No spills, no serialised wgmma, and all registers of the multiprocessor."""
    gradient = HopperAttentionGradient(HopperAttention(4, 16, 4096, 4096, width, causal=causal), of)
    text = ptx_of(gradient)
    assert f"wgmma.mma_async.sync.aligned.m64n{width}k16" in text
    check_resources(text, gradient.threads)


def test_what_has_no_form_is_refused() -> None:
    attention = HopperAttention(1, 1, 64, 64, 128)
    with pytest.raises(UnsupportedError, match="expected keys or queries"):
        HopperAttentionGradient(attention, "values")
    with pytest.raises(UnsupportedError, match="8 stages"):
        HopperAttentionGradient(attention, "keys", stages=8)
