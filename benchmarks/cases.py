"""The benchmark cases as a table: a name, a JAX function, and the arrays it is called with.

Sizes are those of ordinary models (a transformer block of width 768, images of 56x56x64) or large enough that memory
is what is measured (4M elements).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["CASES", "Case"]

Tree = Any


@dataclass(frozen=True)
class Case:
    """``function(*arguments())``; results may differ by ``tolerance`` relative to the largest expected magnitude."""

    name: str
    function: Callable[..., Tree]
    arguments: Callable[[], tuple[Tree, ...]]
    tolerance: float = 2e-6


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> jax.Array:
    """Normal f32 numbers."""
    return jnp.asarray(scale * np.random.default_rng(seed).standard_normal(shape, np.float32))


def integers(high: int, *shape: int) -> jax.Array:
    """Integers below ``high``, i32."""
    return jnp.asarray(np.random.default_rng(0).integers(0, high, shape), jnp.int32)


def arrays(*shapes: tuple[int, ...], scale: float = 1.0) -> Callable[[], tuple[jax.Array, ...]]:
    """Arguments: one normal array for each shape."""
    return lambda: tuple(normal(*shape, seed=i, scale=scale) for i, shape in enumerate(shapes))


# --- functions ---------------------------------------------------------------------------------------------------


def layer_norm(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift


def mlp(weights: Tree, x: jax.Array) -> jax.Array:
    up, up_bias, down, down_bias = weights
    return jax.nn.gelu(x @ up + up_bias) @ down + down_bias


def mlp_train_step(weights: Tree, x: jax.Array, target: jax.Array) -> tuple[Tree, jax.Array]:
    loss, gradient = jax.value_and_grad(lambda w: jnp.mean((mlp(w, x) - target) ** 2))(weights)
    return jax.tree.map(lambda w, g: w - 0.1 * g, weights, gradient), loss


def mlp_arguments(*more: tuple[int, ...]) -> Callable[[], tuple[Tree, ...]]:
    def make() -> tuple[Tree, ...]:
        shapes = [(768, 3072), (3072,), (3072, 768), (768,)]
        weights = tuple(normal(*shape, seed=i, scale=0.02) for i, shape in enumerate(shapes))
        return weights, *(normal(*shape, seed=9 + i) for i, shape in enumerate(more))

    return make


def attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Causal attention on (heads, length, features)."""
    scores = jnp.einsum("hqd,hkd->hqk", q, k) / np.float32(np.sqrt(q.shape[-1]))
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores, axis=-1), v)


def convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def scatter_add(table: jax.Array, rows: jax.Array, updates: jax.Array) -> jax.Array:
    return table.at[rows].add(updates)


def lstm(weights: jax.Array, bias: jax.Array, inputs: jax.Array) -> jax.Array:
    """The last hidden state after a scan over (time, batch, width) inputs."""
    width = inputs.shape[-1]

    def cell(carry: Tree, x: jax.Array) -> tuple[Tree, None]:
        hidden, memory = carry
        z = jnp.concatenate([x, hidden], axis=-1) @ weights + bias
        enter, forget, leave, candidate = (z[:, i * width : (i + 1) * width] for i in range(4))
        memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(leave) * jnp.tanh(memory), memory), None

    start = jnp.zeros_like(inputs[0])
    return lax.scan(cell, (start, start), inputs)[0][0]


def gpt_block(weights: Tree, x: jax.Array, heads: int = 12) -> jax.Array:
    """A pre-normalised transformer block on (length, width)."""
    length, width = x.shape
    qkv = layer_norm(x, *weights["norm1"]) @ weights["qkv"]
    q, k, v = jnp.moveaxis(qkv.reshape(length, 3, heads, width // heads), 0, 2)
    x = x + jnp.moveaxis(attention(q, k, v), 0, 1).reshape(length, width) @ weights["merge"]
    return x + mlp(weights["mlp"], layer_norm(x, *weights["norm2"]))


def gpt_block_arguments() -> tuple[Tree, ...]:
    norm = (jnp.ones((768,)), jnp.zeros((768,)))
    weights = {
        "norm1": norm,
        "norm2": norm,
        "qkv": normal(768, 3 * 768, seed=1, scale=0.02),
        "merge": normal(768, 768, seed=2, scale=0.02),
        "mlp": mlp_arguments()()[0],
    }
    return weights, normal(256, 768, seed=3)


# --- the table ---------------------------------------------------------------------------------------------------

_4M = 4 * 1024 * 1024

CASES: tuple[Case, ...] = (
    Case("matmul 256", jnp.matmul, arrays((256, 256), (256, 256)), 5e-6),
    Case("matmul 1024", jnp.matmul, arrays((1024, 1024), (1024, 1024)), 5e-6),
    Case("batched matmul 64x128^3", jnp.matmul, arrays((64, 128, 128), (64, 128, 128)), 5e-6),
    Case("softmax 2048x1024", jax.nn.softmax, arrays((2048, 1024))),
    Case("layernorm 2048x1024", layer_norm, arrays((2048, 1024), (1024,), (1024,))),
    Case("gelu 4M", jax.nn.gelu, arrays((_4M,))),
    Case("row sums 2048x2048", lambda x: jnp.sum(x, axis=1), arrays((2048, 2048)), 1e-5),
    Case("column sums 2048x2048", lambda x: jnp.sum(x, axis=0), arrays((2048, 2048)), 1e-5),
    Case("sum of 4M", jnp.sum, lambda: (jnp.abs(normal(_4M)),), 1e-5),
    Case("transpose 2048x2048", jnp.transpose, arrays((2048, 2048)), 0.0),
    Case("MLP forward 256x768x3072", mlp, mlp_arguments((256, 768)), 5e-6),
    Case("MLP train step 256x768x3072", mlp_train_step, mlp_arguments((256, 768), (256, 768)), 1e-5),
    Case("attention forward 12x512x64", attention, arrays((12, 512, 64), (12, 512, 64), (12, 512, 64)), 5e-6),
    Case("conv 3x3 8x56x56x64", convolution, arrays((8, 56, 56, 64), (3, 3, 64, 64)), 5e-6),
    Case(
        "embedding 8k of 50k x 768",
        lambda table, rows: table[rows],
        lambda: (normal(50_000, 768), integers(50_000, 8192)),
        0.0,
    ),
    Case(
        "scatter-add 8k into 50k x 768",
        scatter_add,
        lambda: (jnp.zeros((50_000, 768)), integers(50_000, 8192), normal(8192, 768)),
    ),
    Case("cumsum rows 2048x2048", lambda x: jnp.cumsum(x, axis=1), arrays((2048, 2048)), 1e-5),
    Case("cumsum flat 4M", jnp.cumsum, arrays((_4M,)), 1e-4),
    Case("sort rows 2048x512", jnp.sort, arrays((2048, 512)), 0.0),
    Case("sort 1M", jnp.sort, arrays((1024 * 1024,)), 0.0),
    Case("LSTM scan 256 steps, width 128", lstm, arrays((256, 512), (512,), (256, 1, 128), scale=0.1), 1e-5),
    Case("GPT block 768, 256 tokens", gpt_block, gpt_block_arguments, 1e-5),
)
