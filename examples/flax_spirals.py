"""A Flax network that tells three spirals apart, trained with Optax on JAX's backend of choice.

Nothing here knows of Astra: ``JAX_PLATFORMS=astra python examples/flax_spirals.py`` trains on it, ``JAX_PLATFORMS=cpu``
on JAX's own backend.  Needs ``pip install 'astra-mlir[ecosystem]'``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen

STEPS = 300


def spirals(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Points of three arms and the number of the arm of each."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    radius = np.sqrt(random.uniform(0.02, 1, count))
    angle = 5 * radius + labels * 2 * np.pi / 3 + random.normal(0, 0.08, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return points.astype(np.float32), labels


class Network(linen.Module):
    """Two hidden layers with normalization."""

    @linen.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for size in (64, 64):
            x = linen.gelu(linen.LayerNorm()(linen.Dense(size)(x)))
        return linen.Dense(3)(x)


def training(points: jax.Array, labels: jax.Array) -> tuple[Callable[..., Any], object, object]:
    """A step of training on the points, and the parameters and the optimizer's state that it begins with."""
    network, optimizer = Network(), optax.adam(1e-2)
    parameters = network.init(jax.random.key(0), points)

    def loss_of(parameters: object) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(network.apply(parameters, points), labels).mean()

    def step(parameters: object, state: object) -> tuple[object, object, jax.Array]:
        loss, gradient = jax.value_and_grad(loss_of)(parameters)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, loss

    return step, parameters, optimizer.init(parameters)


def train(steps: int = STEPS) -> tuple[list[float], float]:
    """The loss of each step and the share of points that are told right in the end."""
    points, labels = map(jnp.asarray, spirals())
    step, parameters, state = training(points, labels)
    step = jax.jit(step)
    losses = []
    for _ in range(steps):
        parameters, state, loss = step(parameters, state)
        losses.append(float(loss))
    right = jax.jit(Network().apply)(parameters, points).argmax(1) == labels
    return losses, float(right.mean())


if __name__ == "__main__":
    losses, right = train()
    platform = jax.devices()[0].platform
    print(f"{platform}: loss {losses[0]:.5f}, after 10 steps {losses[10]:.5f}, then {losses[-1]:.5f}")
    print(f"{right:.1%} of the points are told right")
    assert right > 0.97
