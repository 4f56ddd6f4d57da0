"""Elementwise operations, reductions and movements as whole kernels: against float64, and the same bits on any threads.

The shapes are those at which kernels are cut into tasks, split into blocks and unrolled, and some that none of it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra

Program = Callable[..., Any]  # of a numpy-like module and arrays


def layer_norm(xp: Any, x: Any) -> Any:
    centred = x - xp.mean(x, -1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, -1, keepdims=True) + 1e-5)


def batch_norm(xp: Any, x: Any) -> Any:
    axes = tuple(range(x.ndim - 1))
    centred = x - xp.mean(x, axes)
    return centred / xp.sqrt(xp.mean(centred * centred, axes) + 1e-5)


def softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - xp.max(x, -1, keepdims=True))
    return e / xp.sum(e, -1, keepdims=True)


PROGRAMS: dict[str, tuple[Program, Sequence[tuple[int, ...]]]] = {
    "sum of all": (lambda xp, x: xp.sum(x), [(1 << 20,), (1000, 1000), (65537,)]),
    "row sums": (lambda xp, x: xp.sum(x, 1), [(512, 1024), (300, 1001), (3, 100)]),
    "column sums": (lambda xp, x: xp.sum(x, 0), [(1024, 512), (1000, 777), (4096, 24), (67, 6000)]),
    "sums of the middle": (lambda xp, x: xp.sum(x, 1), [(16, 256, 128), (3, 1000, 130)]),
    "variance of columns": (lambda xp, x: xp.var(x, 0), [(1024, 512), (999, 300)]),
    "layer norm": (layer_norm, [(512, 768), (100, 513)]),
    "batch norm": (batch_norm, [(8, 28, 28, 64), (4, 7, 9, 33)]),
    "softmax": (softmax, [(512, 1024), (5, 50257), (100, 77)]),
    "elementwise": (lambda xp, x: xp.tanh(x) * 2 + xp.exp(-x * x), [(1 << 20,), (1000001,), (1000, 33)]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_close_to_float64_with_the_same_bits_on_any_number_of_threads(name: str) -> None:
    program, shapes = PROGRAMS[name]
    compiled = astra.jit(lambda x: program(jnp, x))
    for shape in shapes:
        x = np.random.default_rng(0).standard_normal(shape, np.float32) + np.float32(0.5)
        results = []
        for count in (1, 2, 3, 8):
            with astra.threads(count):
                results.append([np.asarray(leaf) for leaf in jax.tree.leaves(compiled(x))])
        expected = jax.tree.leaves(program(np, x.astype(np.float64)))
        for result in results:
            for got, first, value in zip(result, results[0], expected, strict=True):
                np.testing.assert_array_equal(got, first)
                np.testing.assert_allclose(got, value, rtol=2e-6, atol=2e-6 * np.max(np.abs(value)))


STREAMED: dict[str, tuple[Callable[..., Any], Sequence[np.ndarray]]] = {
    "flat": (lambda xp, x: x * 2 + 1, [np.arange(8_500_003, dtype=np.float32)]),
    "rows": (lambda xp, x: x[:, ::-1] - x[:, :1], [np.arange(9_000_000, dtype=np.float32).reshape(9000, 1000)]),
    "gather": (
        lambda xp, x, rows: x[rows],
        [np.arange(1 << 16, dtype=np.float32).reshape(128, 512), np.arange(17000, dtype=np.int32) % 128],
    ),
    "bytes of one bit": (lambda xp, x: x % 3 == 0, [np.arange(9_000_000, dtype=np.int32)]),
    "wider": (lambda xp, x: x.astype(np.float32), [np.arange(9_000_000, dtype=np.int16)]),
    "updated": (
        lambda xp, x: x.at[3:].add(1.0) if xp is jnp else np.concatenate([x[:3], x[3:] + 1]),
        [np.arange(9_000_000, dtype=np.float32)],
    ),
    "read again": (lambda xp, x: (x + 1, xp.sum(x + 1, 0)), [np.ones((9000, 1024), np.float32)]),
}


@pytest.mark.parametrize("name", STREAMED)
def test_results_larger_than_the_cache(name: str) -> None:
    program, arguments = STREAMED[name]
    compiled = astra.jit(lambda *arrays: program(jnp, *arrays))
    expected = jax.tree.leaves(program(np, *arguments))
    for count in (1, 2, 3, 8):
        with astra.threads(count):
            for got, value in zip(jax.tree.leaves(compiled(*arguments)), expected, strict=True):
                np.testing.assert_array_equal(np.asarray(got), value)


PADDED: dict[str, Sequence[tuple[int, int]]] = {
    "all around": [(1, 1), (2, 2)],
    "one side": [(0, 3), (0, 0)],
    "cut": [(-1, 2), (3, -4)],
    "mostly padding": [(200, 400), (0, 300)],
}


@pytest.mark.parametrize("name", PADDED)
def test_padding_of_large_arrays(name: str) -> None:
    x = np.arange(400 * 600, dtype=np.float32).reshape(400, 600)
    got = astra.jit(lambda x: jax.lax.pad(x, 7.0, [(*amounts, 0) for amounts in PADDED[name]]))(x)
    (top, bottom), (left, right) = PADDED[name]
    cut = x[max(0, -top) : 400 + min(0, bottom), max(0, -left) : 600 + min(0, right)]
    around = [(max(0, top), max(0, bottom)), (max(0, left), max(0, right))]
    np.testing.assert_array_equal(np.asarray(got), np.pad(cut, around, constant_values=7.0))


def test_cross_entropy_needs_no_memory_of_the_size_of_its_input() -> None:
    def loss(x: jax.Array, labels: jax.Array) -> jax.Array:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], 1))

    x = 4 * np.random.default_rng(0).standard_normal((32, 5003), np.float32)
    labels = np.arange(32, dtype=np.int32) * 150
    compiled = astra.compile(loss, x, labels)
    wide = x.astype(np.float64)
    expected = np.mean(np.log(np.exp(wide).sum(1)) - wide[np.arange(32), labels])
    np.testing.assert_allclose(np.asarray(compiled(x, labels)), expected, rtol=1e-6)
    assert compiled.memory().arena_bytes < 4096
    gradient = np.exp(wide) / np.exp(wide).sum(1, keepdims=True)
    gradient[np.arange(32), labels] -= 1
    got = astra.jit(jax.grad(loss))(x, labels)
    np.testing.assert_allclose(np.asarray(got), gradient / 32, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("scanned", [False, True])
def test_gathers_of_few_elements_of_computed_arrays(scanned: bool) -> None:
    x, scale = np.linspace(-2, 2, 6000, dtype=np.float32).reshape(60, 100), np.linspace(1, 2, 100, dtype=np.float32)
    rows = np.array([3, 59, 0, 3], np.int32)

    def program(x: jax.Array, scale: jax.Array, rows: jax.Array) -> jax.Array:
        table = jnp.exp(x * scale) - x.T.reshape(60, 100)[::-1]
        if scanned:
            return jax.lax.scan(lambda total, row: (total + table[row], total), jnp.zeros(100), rows)[0]
        return table[rows]

    table = np.exp(x.astype(np.float64) * scale) - x.T.reshape(60, 100)[::-1]
    expected = table[rows].sum(0) if scanned else table[rows]
    np.testing.assert_allclose(np.asarray(astra.jit(program)(x, scale, rows)), expected, rtol=1e-5, atol=1e-5)


PAIRS = """
    ^bb0(%a: tensor<f64>, %b: tensor<f64>, %c: tensor<f64>, %d: tensor<f64>):
      %p = stablehlo.compare GE, %a, %c : (tensor<f64>, tensor<f64>) -> tensor<i1>
      %m = stablehlo.select %p, %a, %c : tensor<i1>, tensor<f64>
      %n = stablehlo.select %p, %b, %d : tensor<i1>, tensor<f64>
      stablehlo.return %m, %n : tensor<f64>, tensor<f64>
"""


@pytest.mark.parametrize(
    ("operation", "attribute", "shape", "result"),
    [
        ("reduce", "dimensions = array<i64: 0>", (2, 3), 3),
        ("reduce", "dimensions = array<i64: 0>", (7, 5), 5),
        ("reduce_window", "window_dimensions = array<i64: 2>", (4,), 3),
    ],
)
def test_column_reductions_with_a_result_that_nobody_reads(
    operation: str, attribute: str, shape: tuple[int, ...], result: int
) -> None:
    """Values of y where x is largest: the largest x themselves are in a buffer inside of the kernel."""
    kind, out = f"tensor<{'x'.join(map(str, shape))}xf64>", f"tensor<{result}xf64>"
    program = f"""func.func @main(%x: {kind}, %y: {kind}) -> {out} {{
  %i = stablehlo.constant dense<0xFFF0000000000000> : tensor<f64>
  %z = stablehlo.constant dense<0.0> : tensor<f64>
  %0:2 = "stablehlo.{operation}"(%x, %y, %i, %z) <{{{attribute}}}> ({{{PAIRS}}})
    : ({kind}, {kind}, tensor<f64>, tensor<f64>) -> ({out}, {out})
  return %0#1 : {out}
}}"""
    random = np.random.default_rng(1)
    x, y = random.normal(size=shape), random.normal(size=shape)
    (got,) = astra.compile(program)(x, y)
    rows = [(x[i : i + 2], y[i : i + 2]) for i in range(result)] if x.ndim == 1 else list(zip(x.T, y.T, strict=True))
    np.testing.assert_array_equal(got, [values[np.argmax(keys)] for keys, values in rows])
