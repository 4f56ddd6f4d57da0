"""What the examples share: data sets, Adam, and training through Astra and JAX side by side.

An example is a :class:`Problem`: a pure step function, its starting state, and a batch for every step.  ``compare``
compiles the step with ``astra.jit`` and with ``jax.jit`` and runs both in turn, so that the two curves and the two
times come from one run on one machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import astra_mlir as astra

Tree = Any  # a pytree of arrays


@dataclass(frozen=True)
class Problem:
    """``step(state, batch) -> (state, value)``; ``value`` is the loss or the energy that is watched."""

    name: str
    step: Callable[[Tree, Tree], tuple[Tree, jax.Array]]
    state: Tree
    batch: Callable[[int], Tree]
    value_name: str = "loss"


@dataclass
class Comparison:
    """Values and seconds of every step of Astra and of JAX (the first step compiles), and Astra's last state."""

    astra_state: Tree
    astra_values: list[float] = field(default_factory=list)
    jax_values: list[float] = field(default_factory=list)
    astra_seconds: list[float] = field(default_factory=list)
    jax_seconds: list[float] = field(default_factory=list)

    def largest_difference(self) -> float:
        """The largest relative difference of the two curves."""
        ours, theirs = np.array(self.astra_values), np.array(self.jax_values)
        return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-6)))


def _timed(step: Callable[[Tree, Tree], tuple[Tree, jax.Array]], state: Tree, batch: Tree) -> tuple[Tree, float, float]:
    start = time.perf_counter()
    state, value = jax.block_until_ready(step(state, batch))
    return state, float(value), time.perf_counter() - start


def compare(problem: Problem, steps: int) -> Comparison:
    """Run ``steps`` steps through Astra and through JAX in turn, from the same state, on the same batches."""
    ours, theirs = astra.jit(problem.step), jax.jit(problem.step)
    result, jax_state = Comparison(problem.state), problem.state
    for index in range(steps):
        batch = problem.batch(index)
        result.astra_state, value, seconds = _timed(ours, result.astra_state, batch)
        result.astra_values.append(value)
        result.astra_seconds.append(seconds)
        jax_state, value, seconds = _timed(theirs, jax_state, batch)
        result.jax_values.append(value)
        result.jax_seconds.append(seconds)
        _progress(problem, result, index + 1, steps)
    return result


def _progress(problem: Problem, result: Comparison, done: int, steps: int) -> None:
    every = max(1, steps // 10)
    line = f"step {done}/{steps}  {problem.value_name} {result.astra_values[-1]:.5f} (JAX {result.jax_values[-1]:.5f})"
    if sys.stdout.isatty():
        print(f"\r{line}", end="\n" if done % every == 0 or done == steps else "", flush=True)
    elif done == 1 or done % every == 0 or done == steps:
        print(line, flush=True)


def run(problem: Problem, steps: int) -> Comparison:
    """Compare, and print what happened: values, agreement, compile times and speed."""
    leaves = jax.tree.leaves(problem.state)
    print(f"{problem.name}: {sum(leaf.size for leaf in leaves):,} numbers of state, {steps} steps on the CPU")
    result = compare(problem, steps)
    ours = statistics.median(result.astra_seconds[1:] or result.astra_seconds)
    theirs = statistics.median(result.jax_seconds[1:] or result.jax_seconds)
    print(f"final {problem.value_name}: Astra {result.astra_values[-1]:.6f}, JAX {result.jax_values[-1]:.6f}")
    print(f"largest relative difference of the two curves: {result.largest_difference():.1e}")
    print(f"first step with compilation: Astra {result.astra_seconds[0]:.2f} s, JAX {result.jax_seconds[0]:.2f} s")
    print(f"a step: Astra {1e3 * ours:.3f} ms, JAX {1e3 * theirs:.3f} ms (Astra at {theirs / ours:.2f}x JAX's speed)")
    return result


# --- training ----------------------------------------------------------------------------------------------------


def adam(loss: Callable[[Tree, Tree], jax.Array], rate: float) -> Callable[[Tree, Tree], tuple[Tree, jax.Array]]:
    """A step of Adam on ``loss(parameters, batch)``; the state is (parameters, first moments, second moments, step)."""

    def step(state: Tree, batch: Tree) -> tuple[Tree, jax.Array]:
        parameters, mean, square, count = state
        value, gradient = jax.value_and_grad(loss)(parameters, batch)
        count = count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
        scale = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        parameters = jax.tree.map(lambda p, m, s: p - scale * m / (jnp.sqrt(s) + 1e-8), parameters, mean, square)
        return (parameters, mean, square, count), value

    return step


def adam_state(parameters: Tree) -> Tree:
    """The state of :func:`adam` before the first step."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return parameters, zeros, zeros, jnp.zeros((), jnp.float32)


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean negative log-likelihood of integer ``labels`` under ``logits`` (classes along the last dimension)."""
    log_probabilities = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[..., None], axis=-1))


def dense(key: jax.Array, inputs: int, outputs: int) -> dict[str, jax.Array]:
    """A dense layer's parameters, scaled so that activations keep their size."""
    weights = jax.random.normal(key, (inputs, outputs), jnp.float32) / np.sqrt(inputs)
    return {"weights": weights, "bias": jnp.zeros((outputs,), jnp.float32)}


# --- data --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Digits:
    """scikit-learn's 1,797 handwritten digits, 8x8 grey values in 0..1, split by a fixed shuffle."""

    images: np.ndarray  # (1500, 8, 8) float32
    labels: np.ndarray  # (1500,) int32
    test_images: np.ndarray  # (297, 8, 8)
    test_labels: np.ndarray

    def batch(self, index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch number ``index``: rows drawn by a generator seeded with it."""
        rows = np.random.default_rng(index).choice(len(self.images), size, replace=False)
        return self.images[rows], self.labels[rows]


def load_digits() -> Digits:
    """The digits data set, which ships inside scikit-learn."""
    from sklearn.datasets import load_digits as load

    data = load()
    order = np.random.default_rng(0).permutation(len(data.images))
    images = (data.images[order] / 16).astype(np.float32)
    labels = data.target[order].astype(np.int32)
    return Digits(images[:1500], labels[:1500], images[1500:], labels[1500:])


def load_text() -> np.ndarray:
    """Half a megabyte of English as bytes: the language reference that Python carries for ``help()``."""
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[name] for name in sorted(topics))
    return np.frombuffer(text.encode(), np.uint8).astype(np.int32)


def text_batch(text: np.ndarray, index: int, size: int, length: int) -> np.ndarray:
    """``size`` pieces of ``length + 1`` bytes: all but the last are the input, all but the first the target."""
    starts = np.random.default_rng(index).integers(0, len(text) - length - 1, size)
    return np.stack([text[start : start + length + 1] for start in starts])
