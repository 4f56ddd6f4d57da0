"""A small convolutional network learns handwritten digits: convolutions, max-pooling and their gradients.

python examples/cnn_digits.py [--steps 200] [--channels 16]
"""

from __future__ import annotations

import argparse

import common
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import astra_mlir as astra


def convolve(layer: common.Tree, x: jax.Array) -> jax.Array:
    """A 3x3 convolution over (batch, height, width, channels) with a bias."""
    y = lax.conv_general_dilated(x, layer["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + layer["bias"]


def logits(parameters: common.Tree, images: jax.Array) -> jax.Array:
    """(batch, 8, 8) images to (batch, 10) scores."""
    x = jax.nn.relu(convolve(parameters["first"], images[..., None]))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = jax.nn.relu(convolve(parameters["second"], x))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(x.shape[0], -1)
    return x @ parameters["last"]["weights"] + parameters["last"]["bias"]


def loss(parameters: common.Tree, batch: common.Tree) -> jax.Array:
    images, labels = batch
    return common.cross_entropy(logits(parameters, images), labels)


def problem(digits: common.Digits, channels: int = 16, batch_size: int = 128) -> common.Problem:
    keys = jax.random.split(jax.random.key(0), 3)

    def kernel(key: jax.Array, inputs: int, outputs: int) -> dict[str, jax.Array]:
        flat = common.dense(key, 9 * inputs, outputs)
        return {"kernel": flat["weights"].reshape(3, 3, inputs, outputs), "bias": flat["bias"]}

    parameters = {
        "first": kernel(keys[0], 1, channels),
        "second": kernel(keys[1], channels, 2 * channels),
        "last": common.dense(keys[2], 4 * 2 * channels, 10),
    }
    state = common.adam_state(parameters)
    return common.Problem("CNN on digits", common.adam(loss, 3e-3), state, lambda i: digits.batch(i, batch_size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--channels", type=int, default=16)
    options = parser.parse_args()
    digits = common.load_digits()
    result = common.run(problem(digits, options.channels), options.steps)
    predicted = np.argmax(astra.jit(logits)(result.astra_state[0], jnp.asarray(digits.test_images)), axis=1)
    correct = np.mean(predicted == digits.test_labels)
    print(f"accuracy on {len(digits.test_labels)} images it has not seen: {100 * correct:.1f}%")


if __name__ == "__main__":
    main()
