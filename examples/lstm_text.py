"""An LSTM by ``lax.scan`` learns to predict the next byte of Python's documentation.

    python examples/lstm_text.py [--steps 100] [--width 128] [--length 64]

The loop over time is one ``astra.scan`` forward and one backward; both become native loops.
"""

from __future__ import annotations

import argparse

import common
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

VOCABULARY = 256


def initial_parameters(width: int) -> common.Tree:
    keys = jax.random.split(jax.random.key(0), 3)
    return {
        "embedding": 0.1 * jax.random.normal(keys[0], (VOCABULARY, width), jnp.float32),
        "gates": common.dense(keys[1], 2 * width, 4 * width),
        "output": common.dense(keys[2], width, VOCABULARY),
    }


def logits(parameters: common.Tree, tokens: jax.Array) -> jax.Array:
    """(batch, length) bytes to (batch, length, 256) scores of the next byte."""
    gates = parameters["gates"]

    def cell(carry: common.Tree, x: jax.Array) -> tuple[common.Tree, jax.Array]:
        hidden, memory = carry
        z = jnp.concatenate([x, hidden], axis=-1) @ gates["weights"] + gates["bias"]
        enter, forget, leave, candidate = jnp.split(z, 4, axis=-1)
        memory = jax.nn.sigmoid(forget + 1) * memory + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
        hidden = jax.nn.sigmoid(leave) * jnp.tanh(memory)
        return (hidden, memory), hidden

    inputs = jnp.swapaxes(parameters["embedding"][tokens], 0, 1)
    start = jnp.zeros_like(inputs[0])
    _, hidden = lax.scan(cell, (start, start), inputs)
    output = parameters["output"]
    return jnp.swapaxes(hidden @ output["weights"] + output["bias"], 0, 1)


def loss(parameters: common.Tree, batch: jax.Array) -> jax.Array:
    return common.cross_entropy(logits(parameters, batch[:, :-1]), batch[:, 1:])


def problem(text: np.ndarray, width: int = 128, length: int = 64, batch_size: int = 16) -> common.Problem:
    return common.Problem(
        f"LSTM of width {width} on Python's documentation",
        common.adam(loss, 3e-3),
        common.adam_state(initial_parameters(width)),
        lambda index: common.text_batch(text, index, batch_size, length),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--length", type=int, default=64)
    options = parser.parse_args()
    common.run(problem(common.load_text(), options.width, options.length), options.steps)


if __name__ == "__main__":
    main()
