"""A multilayer perceptron learns handwritten digits: plain JAX, trained through Astra's compiler.

python examples/mlp_digits.py [--steps 300] [--width 128]
"""

from __future__ import annotations

import argparse
import itertools

import common
import jax
import jax.numpy as jnp
import numpy as np

import astra_mlir as astra


def logits(parameters: common.Tree, images: jax.Array) -> jax.Array:
    """(batch, 8, 8) images to (batch, 10) scores."""
    x = images.reshape(images.shape[0], 64)
    for layer in parameters[:-1]:
        x = jax.nn.relu(x @ layer["weights"] + layer["bias"])
    return x @ parameters[-1]["weights"] + parameters[-1]["bias"]


def loss(parameters: common.Tree, batch: common.Tree) -> jax.Array:
    images, labels = batch
    return common.cross_entropy(logits(parameters, images), labels)


def problem(digits: common.Digits, width: int = 128, batch_size: int = 128) -> common.Problem:
    sizes = [64, width, width, 10]
    keys = jax.random.split(jax.random.key(0), len(sizes) - 1)
    parameters = [common.dense(key, *shape) for key, shape in zip(keys, itertools.pairwise(sizes), strict=True)]
    state = common.adam_state(parameters)
    return common.Problem("MLP on digits", common.adam(loss, 3e-3), state, lambda i: digits.batch(i, batch_size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--width", type=int, default=128)
    options = parser.parse_args()
    digits = common.load_digits()
    result = common.run(problem(digits, options.width), options.steps)
    predicted = np.argmax(astra.jit(logits)(result.astra_state[0], jnp.asarray(digits.test_images)), axis=1)
    correct = np.mean(predicted == digits.test_labels)
    print(f"accuracy on {len(digits.test_labels)} images it has not seen: {100 * correct:.1f}%")


if __name__ == "__main__":
    main()
