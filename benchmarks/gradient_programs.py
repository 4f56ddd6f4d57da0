"""The programs whose gradients are timed, as a table: a name, a scalar function of parameters and data, and arguments.

``benchmarks/gradients.py`` differentiates each with respect to its first argument.  Everything is f32 and written as a
JAX user would write it: norms and attention in ``jnp``, recurrences by ``lax.scan`` and ``lax.fori_loop``.
"""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.case import Case, Tree, arrays, integers, normal
from benchmarks.loops import n_body, n_body_arguments
from benchmarks.models import attention, cross_entropy, lstm, mlp, resnet_arguments, resnet_loss
from benchmarks.operations import layer_norm

__all__ = ["PROGRAMS"]


# --- MLP ------------------------------------------------------------------------------------------------------------

_MLP_SIZES = (784, 1024, 1024, 10)


def mlp_loss(layers: Tree, x: jax.Array, labels: jax.Array) -> jax.Array:
    for weights, bias in layers[:-1]:
        x = jax.nn.relu(x @ weights + bias)
    weights, bias = layers[-1]
    return cross_entropy(x @ weights + bias, labels)


def mlp_arguments() -> tuple[Tree, ...]:
    sizes = list(itertools.pairwise(_MLP_SIZES))
    layers = [(normal(i, o, seed=k, scale=i**-0.5), jnp.zeros(o)) for k, (i, o) in enumerate(sizes)]
    return layers, normal(256, _MLP_SIZES[0], seed=9), integers(10, 256)


# --- GPT block ------------------------------------------------------------------------------------------------------

_HEADS = 8


def causal_attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Causal attention on (batch, heads, length, features)."""
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / np.float32(np.sqrt(q.shape[-1]))
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(scores, axis=-1), v)


def gpt_block_loss(weights: Tree, x: jax.Array, target: jax.Array) -> jax.Array:
    batch, length, width = x.shape
    qkv = layer_norm(x, *weights["norm1"]) @ weights["qkv"]
    q, k, v = jnp.moveaxis(qkv.reshape(batch, length, 3, _HEADS, width // _HEADS), (2, 3), (0, 2))
    y = jnp.moveaxis(causal_attention(q, k, v), 1, 2).reshape(x.shape)
    x = x + y @ weights["merge"]
    x = x + mlp(weights["mlp"], layer_norm(x, *weights["norm2"]))
    return jnp.mean((x - target) ** 2)


def gpt_block_arguments() -> tuple[Tree, ...]:
    width = 256
    norm = (jnp.ones(width), jnp.zeros(width))
    shapes = [(width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    weights = {
        "norm1": norm,
        "norm2": norm,
        "qkv": normal(width, 3 * width, seed=1, scale=width**-0.5),
        "merge": normal(width, width, seed=2, scale=width**-0.5),
        "mlp": tuple(normal(*shape, seed=3 + i, scale=0.03) for i, shape in enumerate(shapes)),
    }
    return weights, normal(4, 256, width, seed=8), normal(4, 256, width, seed=9)


# --- LSTM -----------------------------------------------------------------------------------------------------------


def lstm_loss(parameters: Tree, inputs: jax.Array, target: jax.Array) -> jax.Array:
    """(time, batch, width) inputs; the mean squared error of the last hidden state."""
    return jnp.mean((lstm(*parameters, inputs) - target) ** 2)


def lstm_arguments(batch: int, width: int = 128) -> tuple[Tree, ...]:
    weights = normal(2 * width, 4 * width, scale=0.5 * width**-0.5)
    return (
        (weights, normal(4 * width, seed=1, scale=0.1)),
        normal(256, batch, width, seed=2),
        normal(batch, width, seed=3),
    )


# --- attention ------------------------------------------------------------------------------------------------------


def attention_loss(qkv: Tree, target: jax.Array) -> jax.Array:
    return jnp.mean((attention(*qkv) - target) ** 2)


def attention_arguments(heads: int = 8, length: int = 512, features: int = 64) -> tuple[Tree, ...]:
    *qkv, target = arrays(*[(heads, length, features)] * 4)()
    return tuple(qkv), target


# --- a Gibbs-like chain ---------------------------------------------------------------------------------------------


def gibbs_loss(parameters: Tree, uniforms: jax.Array) -> jax.Array:
    """Block Gibbs sampling of a restricted Boltzmann machine, relaxed: each unit is a steep logistic of its noise.

    ``uniforms`` is (steps, visible + hidden); the loss is the mean energy of the chain.
    """
    weights, visible_bias, hidden_bias = parameters
    visible_units, hidden_units = weights.shape

    def relaxed(logits: jax.Array, uniform: jax.Array) -> jax.Array:
        return jax.nn.sigmoid((logits + jnp.log(uniform) - jnp.log1p(-uniform)) / 0.5)

    def step(visible: jax.Array, uniform: jax.Array) -> tuple[jax.Array, jax.Array]:
        hidden = relaxed(visible @ weights + hidden_bias, uniform[:hidden_units])
        visible = relaxed(weights @ hidden + visible_bias, uniform[hidden_units:])
        energy = -(visible @ weights @ hidden) - visible @ visible_bias - hidden @ hidden_bias
        return visible, energy

    return jnp.mean(lax.scan(step, jnp.full((visible_units,), 0.5), uniforms)[1])


def gibbs_arguments(visible: int = 16, hidden: int = 8, steps: int = 500) -> tuple[Tree, ...]:
    uniforms = jnp.asarray(np.random.default_rng(3).uniform(0.01, 0.99, (steps, visible + hidden)), jnp.float32)
    parameters = normal(visible, hidden, scale=0.3), normal(visible, seed=1), normal(hidden, seed=2)
    return parameters, uniforms


# --- the table ------------------------------------------------------------------------------------------------------

PROGRAMS: tuple[Case, ...] = (
    Case("MLP 256x784-1024-1024-10", mlp_loss, mlp_arguments, 2e-5),
    # a rectifier within rounding errors of 0 passes or stops a whole element of the gradient
    Case("ResNet-18, batch 8", resnet_loss, resnet_arguments(8, 32, 3, 10, False), 1e-1),
    Case("GPT block 256, 4x256 tokens", gpt_block_loss, gpt_block_arguments, 2e-5),
    Case("LSTM scan 256, batch 16, width 128", lstm_loss, lambda: lstm_arguments(16), 5e-5),
    Case("LSTM scan 256, batch 64, width 128", lstm_loss, lambda: lstm_arguments(64), 5e-5),
    Case("attention 8x512x64", attention_loss, attention_arguments, 2e-5),
    Case("attention 8x1024x64", attention_loss, lambda: attention_arguments(length=1024), 2e-5),
    Case("N-body 128, fori_loop of 100", n_body, n_body_arguments, 1e-4),
    Case("Gibbs-like scan 500, 16+8 units", gibbs_loss, gibbs_arguments, 1e-4),
)
