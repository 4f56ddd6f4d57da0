"""Attention for Hopper: the PTX it becomes, run without a GPU against float64, and what ptxas says of it."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.hopper_attention import HopperAttention

from .hopper_harness import DTYPES, attention_arrays, check_resources, ptx_of, run


def reference(attention: HopperAttention, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Results and logarithms of sums in f64, heads first."""
    q, k, v = ((x.transpose(0, 2, 1, 3) if attention.token_major else x).astype(np.float64) for x in (q, k, v))
    k, v = (np.repeat(x, attention.group, 1) for x in (k, v))
    scores = q @ k.transpose(0, 1, 3, 2) * attention.width**-0.5
    if attention.causal:
        last = np.arange(attention.queries)[:, None] + attention.keys - attention.queries
        scores = np.where(np.arange(attention.keys) <= last, scores, -np.inf)
    most = scores.max(-1, keepdims=True)
    exponentials = np.exp(scores - most)
    sums = exponentials.sum(-1, keepdims=True)
    return exponentials / sums @ v, (most + np.log(sums))[..., 0]


CASES = {
    "plain": HopperAttention(1, 1, 128, 384, 128),
    "more keys than whole tiles, groups of heads, heads last": HopperAttention(
        1, 2, 72, 200, 64, element="f16", group=2, token_major=True, block_keys=64
    ),
    "causal": HopperAttention(2, 1, 200, 200, 64, causal=True, block_keys=64),
    "causal, more keys than queries": HopperAttention(1, 1, 64, 200, 128, causal=True),
    "three stages": HopperAttention(1, 1, 64, 320, 64, stages=3, block_keys=64),
}


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("name", CASES)
def test_attention_is_right(name: str, late: bool) -> None:
    """Within the rounding of probabilities and results to 16 bits, whenever what is asynchronous happens."""
    attention = CASES[name]
    q, k, v = attention_arrays(attention)
    result = np.zeros_like(q)
    sums = np.zeros((attention.batch, attention.heads, attention.queries), np.float32)
    run(ptx_of(attention), attention, (q, k, v, result, sums), late=late)
    expected, expected_sums = reference(attention, q, k, v)
    found = result.transpose(0, 2, 1, 3) if attention.token_major else result
    precision = float(ml_dtypes.finfo(DTYPES[attention.element]).eps)
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=precision, atol=precision)
    np.testing.assert_allclose(sums, expected_sums, rtol=0, atol=4e-6)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("width", [64, 128])
def test_the_default_schedule(width: int, causal: bool) -> None:
    """No spills, no serialised wgmma, and the instructions that Hopper has for it."""
    attention = HopperAttention(4, 16, 4096, 4096, width, causal=causal)
    text = ptx_of(attention)
    for instruction in ("wgmma.mma_async.sync.aligned.m64n128k16", "cp.async.bulk.tensor.4d", "setmaxnreg", "stmatrix"):
        assert instruction in text
    check_resources(text, attention.threads)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 80}, "heads of 80"),
        ({"element": "f32"}, "attention of f32"),
        ({"group": 3}, "groups of 3"),
        ({"stages": 4}, "do not fit"),
    ],
)
def test_what_has_no_form_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        HopperAttention(**{"batch": 1, "heads": 4, "queries": 64, "keys": 64, "width": 128, **arguments})
