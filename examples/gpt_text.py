"""A GPT-2-shaped transformer learns to write like Python's documentation, byte by byte.

    python examples/gpt_text.py [--steps 100] [--layers 4 --heads 4 --width 128 --context 64 --batch 8]
    python examples/gpt_text.py --size 124M --steps 5     # GPT-2's own shape: 12 layers, 12 heads, width 768

Plain JAX: pre-normalised blocks, causal attention, GELU, learned positions, the output tied to the embedding.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import common
import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Shape:
    """The sizes of the model and of a batch."""

    layers: int = 4
    heads: int = 4
    width: int = 128
    context: int = 64
    vocabulary: int = 256
    batch: int = 8


SIZES = {
    "small": Shape(),
    "124M": Shape(layers=12, heads=12, width=768, context=256, vocabulary=50257, batch=1),
}


def initial_parameters(shape: Shape, seed: int = 0) -> common.Tree:
    """GPT-2's initialisation: normal of 0.02, projections into the residual stream scaled by depth."""
    generator = np.random.default_rng(seed)

    def normal(*dimensions: int, scale: float = 0.02) -> jax.Array:
        return jnp.asarray(scale * generator.standard_normal(dimensions, np.float32))

    width, into_residual = shape.width, 0.02 / np.sqrt(2 * shape.layers)
    norm = {"scale": jnp.ones((width,)), "shift": jnp.zeros((width,))}
    return {
        "tokens": normal(shape.vocabulary, width),
        "positions": normal(shape.context, width),
        "blocks": [
            {
                "attention_norm": norm,
                "qkv": {"weights": normal(width, 3 * width), "bias": jnp.zeros((3 * width,))},
                "merge": {"weights": normal(width, width, scale=into_residual), "bias": jnp.zeros((width,))},
                "mlp_norm": norm,
                "up": {"weights": normal(width, 4 * width), "bias": jnp.zeros((4 * width,))},
                "down": {"weights": normal(4 * width, width, scale=into_residual), "bias": jnp.zeros((width,))},
            }
            for _ in range(shape.layers)
        ],
        "last_norm": norm,
    }


def layer_norm(parameters: common.Tree, x: jax.Array) -> jax.Array:
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * parameters["scale"] + parameters["shift"]


def linear(parameters: common.Tree, x: jax.Array) -> jax.Array:
    return x @ parameters["weights"] + parameters["bias"]


def attention(parameters: common.Tree, x: jax.Array, heads: int) -> jax.Array:
    """Causal self-attention on (batch, length, width)."""
    batch, length, width = x.shape
    qkv = linear(parameters["qkv"], x).reshape(batch, length, 3, heads, width // heads)
    query, key, value = qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2]
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(width // heads).astype(np.float32)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e9)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), value)
    return linear(parameters["merge"], mixed.reshape(batch, length, width))


def block(parameters: common.Tree, x: jax.Array, heads: int) -> jax.Array:
    x = x + attention(parameters, layer_norm(parameters["attention_norm"], x), heads)
    hidden = jax.nn.gelu(linear(parameters["up"], layer_norm(parameters["mlp_norm"], x)))
    return x + linear(parameters["down"], hidden)


def logits(parameters: common.Tree, tokens: jax.Array, heads: int) -> jax.Array:
    """(batch, length) token numbers to (batch, length, vocabulary) scores of the next token."""
    x = parameters["tokens"][tokens] + parameters["positions"][: tokens.shape[1]]
    for layer in parameters["blocks"]:
        x = block(layer, x, heads)
    return layer_norm(parameters["last_norm"], x) @ parameters["tokens"].T


def problem(text: np.ndarray, shape: Shape) -> common.Problem:
    def loss(parameters: common.Tree, batch: jax.Array) -> jax.Array:
        return common.cross_entropy(logits(parameters, batch[:, :-1], shape.heads), batch[:, 1:])

    return common.Problem(
        f"GPT, {shape.layers} layers of width {shape.width}, on Python's documentation",
        common.adam(loss, 1e-3 if shape.width < 512 else 3e-4),
        common.adam_state(initial_parameters(shape)),
        lambda index: common.text_batch(text, index, shape.batch, shape.context),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--size", choices=SIZES, default="small")
    for name in vars(SIZES["small"]):
        parser.add_argument(f"--{name}", type=int, help="overrides the size's")
    options = parser.parse_args()
    given = {name: value for name, value in vars(options).items() if name in vars(Shape()) and value is not None}
    common.run(problem(common.load_text(), replace(SIZES[options.size], **given)), options.steps)


if __name__ == "__main__":
    main()
