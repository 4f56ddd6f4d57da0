"""Products of whole programs become the kernels made for Hopper: the launch that they say, played on their PTX."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.gpu.runtime import Kernel
from tools.ptx_emulator import TensorMap, launch

RNG = np.random.default_rng(0)
BYTES = {1: 32, 2: 64, 3: 128}  # the driver's numbers of swizzles


def small(*shape: int, dtype: Any = ml_dtypes.bfloat16) -> np.ndarray:
    return RNG.integers(-3, 4, shape).astype(dtype)


def play(kernel: Kernel, ptx: str, arrays: list[np.ndarray]) -> None:
    """The launch as the runtime does it: parameters, and tensor maps behind them."""
    maps = [TensorMap(arrays[m.parameter], m.sizes, m.strides[1:], m.box, BYTES[m.swizzle]) for m in kernel.tensor_maps]
    launch(
        ptx, kernel.name, grid=kernel.grid, block=(kernel.threads,), arguments=[*arrays, *maps],
        shared_bytes=kernel.shared_bytes, cluster=kernel.cluster, late=True,
    )  # fmt: skip


PRODUCTS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "rows times columns": (lambda a, b: a @ b, (small(64, 128), small(128, 64))),
    "both transposed": (lambda a, b: a.T @ b.T, (small(64, 64), small(72, 64))),
    "a batch, by the last dimension": (
        lambda a, b: jnp.einsum("bij,bkj->bik", a, b),
        (small(2, 64, 64, dtype=np.float16), small(2, 64, 64, dtype=np.float16)),
    ),
    "dimensions as one": (lambda a, b: jnp.tensordot(a, b, 2), (small(64, 8, 16), small(8, 16, 64))),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_programs(name: str) -> None:
    function, arguments = PRODUCTS[name]
    compiled = astra.compile(function, *arguments, target="cuda:sm_90a")
    (kernel,) = compiled.executable.code.launches
    assert "wgmma" in compiled.ptx()
    assert kernel.grid != (0, 0, 0)
    expected = np.asarray(function(*(a.astype(np.float32) for a in arguments)))
    result = np.zeros(expected.shape, arguments[0].dtype)
    play(kernel, compiled.ptx(), [*arguments, result])
    np.testing.assert_array_equal(result, expected.astype(result.dtype))


@pytest.mark.parametrize("kind", [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2])
def test_f8_in_an_order_that_wgmma_does_not_take(kind: Any) -> None:
    """Multiplied as bf16, which has all of their numbers: the sums are exact."""
    a, b = small(64, 64, dtype=kind), small(64, 48, dtype=kind)
    compiled = astra.compile(
        lambda a, b: jax.lax.dot(a, b, preferred_element_type=jnp.float32), a, b, target="cuda:sm_90a"
    )
    (kernel,) = compiled.executable.code.launches
    assert ".f32.bf16.bf16" in compiled.ptx()
    (programs,) = re.findall(r"grid = array<i64: (\d+), 1, 1>", compiled.ir("tile"))
    result = np.zeros((64, 48), np.float32)
    play(replace(kernel, grid=(int(programs), 1, 1)), compiled.ptx(), [a, b, result])
    np.testing.assert_array_equal(result, a.astype(np.float32) @ b.astype(np.float32))


def quantized(a: Any, b: Any, scale: Any) -> Any:
    total = jax.lax.dot_general(a, b, (((1,), (1,)), ((), ())), preferred_element_type=jnp.int32)
    return jnp.clip(jnp.round(total * scale), -127, 127).astype(jnp.int8)


BF16 = ml_dtypes.bfloat16
# function, operands of the product, what the epilogue reads, the result's type
EPILOGUES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...], Any]] = {
    "bias, activation, residual; edges": (
        lambda a, w, b, y: y + jax.nn.gelu(a @ w + b),
        (small(72, 64), small(64, 136), small(136), small(72, 136)), BF16,
    ),
    "a normalization, to f32": (
        lambda a, w, v, m, r: jax.nn.relu((a @ w).astype(jnp.float32) * jax.lax.rsqrt(v + 1e-5) - m) + r[:, None],
        (
            small(64, 64), small(64, 72), *(np.abs(small(72, dtype=np.float32)) for _ in "vm"),
            small(64, dtype=np.float32),
        ),
        np.float32,
    ),
    "derivative of an activation, in a batch": (
        lambda a, w, h: jnp.where(h > 0, jnp.einsum("bij,bkj->bik", a, w), 0),
        (small(2, 64, 64), small(2, 64, 64), small(2, 64, 64)), BF16,
    ),
    "steps of k shared": (
        lambda a, w, b: jnp.tanh(a @ w + b), (small(64, 1024), small(1024, 64), small(64)), BF16,
    ),
    "quantized": (
        quantized, (small(64, 128, dtype=np.int8), small(64, 128, dtype=np.int8), np.float32(0.11)), np.int8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EPILOGUES)
def test_what_follows_a_product_is_in_its_kernel(name: str) -> None:
    function, arguments, dtype = EPILOGUES[name]
    compiled = astra.compile(function, *arguments, target="cuda:sm_90a")
    (kernel,) = compiled.executable.code.launches
    assert kernel.grid != (0, 0, 0)
    assert "wgmma" in compiled.ptx()
    assert all(report.spill_bytes == 0 for report in compiled.kernels())
    expected = np.asarray(jax.jit(function)(*arguments))
    assert expected.dtype == dtype
    result = np.zeros(expected.shape, dtype)
    play(kernel, compiled.ptx(), [*arguments[:2], result, *map(np.asarray, arguments[2:])])
    tolerance = {"rtol": 1 / 64, "atol": 1 / 64} if dtype == BF16 else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(result.astype(np.float32), expected.astype(np.float32), **tolerance)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_programs(causal: bool) -> None:
    q, k, v = (RNG.standard_normal((1, 72, 2, 64)).astype(ml_dtypes.bfloat16) for _ in "qkv")

    def attend(q: Any, k: Any, v: Any) -> Any:
        return jax.nn.dot_product_attention(q, k, v, is_causal=causal)

    compiled = astra.compile(attend, q, k, v, target="cuda:sm_90a")
    (kernel,) = compiled.executable.code.launches
    assert len(kernel.tensor_maps) == 4
    assert kernel.grid == (1, 2, 1)  # tiles of queries, heads, batch
    expected = np.asarray(attend(*(a.astype(np.float32) for a in (q, k, v))))
    result, logsums = np.zeros_like(q), np.zeros((1, 2, 72), np.float32)
    play(kernel, compiled.ptx(), [q, k, v, result, logsums])
    np.testing.assert_allclose(result.astype(np.float32), expected, rtol=1 / 64, atol=1 / 64)


@pytest.mark.parametrize("heads", [2, 1], ids=["every head its keys", "a group of heads"])
def test_derivatives_of_attention_of_programs(heads: int) -> None:
    """All four kernels of a derivative in turn; those of queries and keys are the ones made for Hopper."""
    normal = lambda *shape: RNG.standard_normal(shape).astype(BF16)  # noqa: E731
    q, k, v, cotangent = normal(1, 72, 2, 64), normal(1, 72, heads, 64), normal(1, 72, heads, 64), normal(1, 72, 2, 64)

    def derivative(q: Any, k: Any, v: Any, cotangent: Any) -> Any:
        return jax.vjp(lambda *x: jax.nn.dot_product_attention(*x, is_causal=True), q, k, v)[1](cotangent)

    compiled = astra.compile(derivative, q, k, v, cotangent, target="cuda:sm_90a")
    kernels = {kernel.name.rpartition("_")[0]: kernel for kernel in compiled.executable.code.launches}
    assert set(kernels) == {"attention", "attention_deltas", "attention_queries", "attention_keys"}
    assert all(report.spill_bytes == 0 for report in compiled.kernels())
    result, logsums, deltas = np.zeros_like(q), np.zeros(144, np.float32), np.zeros(144, np.float32)
    found = [np.zeros_like(x) for x in (q, k, v)]
    given = [q, k, v, cotangent, logsums, deltas]
    blocks = 3 if heads == 1 else 4  # of 64 queries: those of a group are one after the other
    kernels["attention_deltas"] = replace(kernels["attention_deltas"], grid=(blocks, 1, 1))
    arguments = {
        "attention": [q, k, v, result, logsums], "attention_deltas": [result, cotangent, deltas],
        "attention_queries": [*given, found[0]], "attention_keys": [*given, *found[1:]],
    }  # fmt: skip
    for name, arrays in arguments.items():
        if name != "attention_deltas":
            assert len(kernels[name].tensor_maps) >= 4
        play(kernels[name], compiled.ptx(), arrays)
    expected = derivative(*(x.astype(np.float32) for x in (q, k, v, cotangent)))
    for array, exact in zip(found, expected, strict=True):
        np.testing.assert_allclose(array.astype(np.float32), np.asarray(exact), rtol=1 / 32, atol=1 / 32)


@pytest.mark.parametrize("width", [64, pytest.param(128, marks=pytest.mark.slow)])
def test_derivatives_of_f32_keep_everything_in_registers(width: int) -> None:
    q = jax.ShapeDtypeStruct((1, 256, 2, width), np.float32)

    def loss(q: Any, k: Any, v: Any) -> Any:
        return (jax.nn.dot_product_attention(q, k, v, is_causal=True) ** 2).sum()

    compiled = astra.compile(jax.grad(loss, (0, 1, 2)), q, q, q, target="cuda:sm_90a")
    assert all(report.spill_bytes == 0 for report in compiled.kernels())


def test_attention_of_other_kinds_is_a_tile_function() -> None:
    q = RNG.standard_normal((1, 64, 2, 64)).astype(ml_dtypes.bfloat16)
    mask = RNG.integers(0, 2, (1, 2, 64, 64)).astype(bool)
    masked = astra.compile(
        lambda q, m: jax.nn.dot_product_attention(q, q, q, mask=m), q, mask, target="cuda:sm_90a"
    )  # fmt: skip
    assert all(kernel.grid == (0, 0, 0) for kernel in masked.executable.code.launches)
    assert all(report.spill_bytes == 0 for report in masked.kernels())


@pytest.mark.parametrize(
    ("function", "arguments", "target"),
    [
        (lambda a, b: a @ b, (small(64, 128), small(128, 64)), "cuda:sm_80"),
        (lambda a, b: a @ b, (small(64, 33), small(33, 64)), "cuda:sm_90a"),  # rows of 66 bytes
        (lambda a, b: jnp.einsum("ibj,bkj->bik", a, b), (small(64, 2, 64), small(2, 64, 64)), "cuda:sm_90a"),
    ],
    ids=["another GPU", "rows that tensor maps do not take", "a batch between rows"],
)
def test_other_products_are_tile_functions(
    function: Callable[..., Any], arguments: tuple[np.ndarray, ...], target: str
) -> None:
    compiled = astra.compile(function, *arguments, target=target)
    assert all(kernel.grid == (0, 0, 0) for kernel in compiled.executable.code.launches)
