"""The kernels of examples/kernels on the CPU, against references in float64."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

RNG = np.random.default_rng(1)
FOLDER = Path(__file__).resolve().parents[2] / "examples/kernels"


def example(name: str) -> ModuleType:
    """A file of examples/kernels as a module."""
    spec = importlib.util.spec_from_file_location(f"kernels_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def close(actual: Any, expected: Any, tolerance: float = 2e-5) -> None:
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=tolerance, atol=tolerance)


def test_vector_add() -> None:
    x, y = floats(3, 1000), floats(3, 1000)
    np.testing.assert_array_equal(example("vector_add").add(x, y), x + y)


def test_softmax() -> None:
    x = floats(9, 200)
    powers = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    close(example("softmax").softmax(x), powers / powers.sum(1, keepdims=True), 1e-6)


def test_layer_norm() -> None:
    norm = example("layer_norm")
    x, w, b, dy = floats(37, 90), floats(90), floats(90), floats(37, 90)
    exact = x.astype(np.float64)
    mean, inverse = exact.mean(1, keepdims=True), 1 / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    normal = (exact - mean) * inverse
    out, means, deviations = norm.layer_norm(x, w, b)
    close(out, normal * w + b)
    dx, dw, db = norm.layer_norm_backward(dy, x, w, means, deviations)
    scaled = dy * w.astype(np.float64)
    close(dx, (scaled - normal * (scaled * normal).mean(1, keepdims=True) - scaled.mean(1, keepdims=True)) * inverse)
    close(dw, (dy * normal).sum(0))
    close(db, dy.astype(np.float64).sum(0))


@pytest.mark.parametrize("transposed", [False, True])
def test_matmul(transposed: bool) -> None:
    module = example("matmul")
    a, b, bias = floats(70, 50), floats(50, 90), floats(90)
    if transposed:
        a, b = np.ascontiguousarray(a.T).T, np.ascontiguousarray(b.T).T
    exact = a.astype(np.float64) @ b + bias
    close(module.matmul(a, b, bias, module.relu), np.maximum(exact, 0))
    close(module.matmul(a, b), exact - bias)


def attended(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool) -> np.ndarray:
    scores = np.einsum("hqd,hkd->hqk", q, k) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize(("causal", "shared"), [(False, 1), (True, 2)])
def test_flash_attention(causal: bool, shared: int) -> None:
    module = example("flash_attention")
    heads, length, size = 2, 75, 32
    q, dout = floats(heads, length, size), floats(heads, length, size)
    k, v = floats(heads // shared, length, size), floats(heads // shared, length, size)
    keys, values = (np.repeat(x.astype(np.float64), shared, 0) for x in (k, v))
    p = attended(q.astype(np.float64), keys, values, causal)
    out, logs = module.attention(q, k, v, causal=causal)
    close(out, p @ values)
    dq, dk, dv = module.attention_backward(dout, q, k, v, out, logs, causal=causal)
    dp = np.einsum("hqd,hkd->hqk", dout, values)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(size)

    def by_head(x: np.ndarray) -> np.ndarray:
        return x.reshape(heads // shared, shared, length, size).sum(1)

    close(dq, ds @ keys, 1e-4)
    close(dk, by_head(np.einsum("hqk,hqd->hkd", ds, q)), 1e-4)
    close(dv, by_head(np.einsum("hqk,hqd->hkd", p, dout)), 1e-4)


@pytest.mark.parametrize(("causal", "shared"), [(False, 1), (True, 2)])
def test_packed_attention(causal: bool, shared: int) -> None:
    """Sequences of 5, 0, 40 and 1 queries and 9, 3, 33 and 1 keys, each against itself alone."""
    module = example("packed_attention")
    of_queries, of_keys = np.array([0, 5, 5, 45, 46], np.int32), np.array([0, 9, 12, 45, 46], np.int32)
    heads, size = 2, 32
    q, dout = floats(46, heads, size), floats(46, heads, size)
    k, v = floats(46, heads // shared, size), floats(46, heads // shared, size)
    out, logs = module.packed_attention(q, k, v, of_queries, of_keys, causal=causal)
    found = module.packed_attention_backward(dout, q, k, v, out, logs, of_queries, of_keys, causal=causal)
    exact = [np.zeros(x.shape) for x in (q, q, k, v)]
    for i in range(4):
        rows, columns = slice(*of_queries[i : i + 2]), slice(*of_keys[i : i + 2])
        wide = [x.astype(np.float64).transpose(1, 0, 2) for x in (q[rows], k[columns], v[columns], dout[rows])]
        keys, values = (np.repeat(x, shared, 0) for x in wide[1:3])
        scores = np.einsum("hqd,hkd->hqk", wide[0], keys) / np.sqrt(size)
        seen = np.ones(scores.shape[1:], bool)
        if causal:
            seen = np.tri(*seen.shape, k=seen.shape[1] - seen.shape[0], dtype=bool)
        powers = np.where(seen, np.exp(scores - scores.max(-1, keepdims=True, initial=-100)), 0)
        p = powers / np.maximum(powers.sum(-1, keepdims=True), 1e-300)
        dp = np.einsum("hqd,hkd->hqk", wide[3], values)
        ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(size)
        of_heads = np.einsum("hqk,hqd->khd", ds, wide[0]), np.einsum("hqk,hqd->khd", p, wide[3])
        exact[0][rows] = np.einsum("hqk,hkd->qhd", p, values)
        exact[1][rows] = np.einsum("hqk,hkd->qhd", ds, keys)
        for j, x in enumerate(of_heads, 2):
            exact[j][columns] = x.reshape(-1, heads // shared, shared, size).sum(2)
    close(out, exact[0])
    for array, wanted in zip(found, exact[1:], strict=True):
        close(array, wanted, 1e-4)


def test_dropout() -> None:
    module = example("dropout")
    x = floats(5000)
    out = module.dropout(x, 0.25, seed=7)
    kept = out != 0
    assert 0.72 < kept.mean() < 0.78
    close(out[kept], x[kept] / 0.75, 1e-6)
    np.testing.assert_array_equal(out, module.dropout(x, 0.25, seed=7))
    assert (kept != (module.dropout(x, 0.25, seed=8) != 0)).any()


def test_grouped_gemm() -> None:
    pairs = [(floats(m, k), floats(k, n)) for m, n, k in ((10, 20, 30), (65, 33, 7), (1, 1, 1), (40, 100, 64))]
    for found, (x, y) in zip(example("grouped_gemm").grouped_matmul(pairs, programs=3), pairs, strict=True):
        close(found, x.astype(np.float64) @ y)


def test_quantized_matmul() -> None:
    module = example("quantized_matmul")
    x, y = floats(40, 100), floats(50, 100)
    (a, sa), (b, sb) = module.quantize(x), module.quantize(y)
    close(sa, abs(x).max(1) / 127, 1e-6)
    assert abs(a - x / sa[:, None]).max() <= 0.501
    exact = (a * sa[:, None].astype(np.float64)) @ (b * sb[:, None].astype(np.float64)).T
    close(module.quantized_matmul(a, sa, b, sb), exact, 1e-6)


def test_cross_entropy() -> None:
    x, labels = floats(6, 1500), np.array([3, 0, 1499, -100, 7, 700], np.int32)
    exact = x.astype(np.float64)
    powers = np.exp(exact - exact.max(1, keepdims=True))
    softmax = powers / powers.sum(1, keepdims=True)
    counts = labels != -100
    rows = np.arange(6)
    expected = np.where(counts, -np.log(softmax[rows, np.maximum(labels, 0)]), 0)
    gradient = softmax.copy()
    gradient[rows, np.maximum(labels, 0)] -= 1
    gradient *= counts[:, None] / counts.sum()
    losses = example("cross_entropy").cross_entropy(x, labels)
    close(losses, expected, 1e-5)
    close(x, gradient, 1e-6)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_is_a_page(path: Path) -> None:
    module = example(path.stem)
    assert module.__doc__ and len(module.__doc__.splitlines()) >= 4
