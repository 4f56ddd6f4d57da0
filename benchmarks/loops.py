"""The loop cases: recurrences with small bodies, simulations, iterative solvers, and bodies that XLA runs op by op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.case import Case, arrays, normal, uniform
from benchmarks.models import example, mlp, mlp_arguments

__all__ = ["CALLS", "HARD_LOOPS", "LOOPS", "TRAINING", "n_body", "n_body_arguments"]

Tree = Any


def small_products(count: int) -> Callable[..., jax.Array]:
    def function(a: jax.Array, b: jax.Array, x: jax.Array) -> jax.Array:
        return lax.scan(lambda x, _: (a @ x + b, None), x, None, length=count)[0]

    return function


def n_body(state: Tree, masses: jax.Array, steps: int = 100, dt: float = 1e-3) -> jax.Array:
    """Softened gravity by leapfrog steps; how far the bodies get."""

    def acceleration(position: jax.Array) -> jax.Array:
        apart = position[None, :, :] - position[:, None, :]
        inverse = lax.rsqrt(jnp.sum(apart**2, axis=-1) + 1e-2)
        return jnp.einsum("ij,ijd->id", masses[None, :] * inverse**3, apart)

    def step(_: int, state: Tree) -> Tree:
        position, velocity = state
        velocity = velocity + dt * acceleration(position)
        return position + dt * velocity, velocity

    position, _ = lax.fori_loop(0, steps, step, state)
    return jnp.mean(jnp.sum(position**2, axis=-1))


def n_body_arguments(bodies: int = 128) -> tuple[Tree, ...]:
    return (normal(bodies, 3), normal(bodies, 3, seed=1)), jnp.abs(normal(bodies, seed=2))


def wave(size: int, steps: int) -> tuple[Callable[..., Tree], Callable[[], tuple[Tree, ...]]]:
    """The step function and arguments of ``examples/wave.py``."""

    def function(state: Tree, courant: jax.Array) -> Tree:
        return example("wave").problem(8, steps).step(state, courant)[0]

    def arguments() -> tuple[Tree, ...]:
        problem = example("wave").problem(size, steps)
        return problem.state, problem.batch(0)

    return function, arguments


def mandelbrot(x: jax.Array, y: jax.Array) -> jax.Array:
    """The mean number of iterations of each row's points until they leave, at most 100."""
    limit = 100

    def alive(state: Tree) -> jax.Array:
        i, re, im, _ = state
        return (i < limit) & jnp.any(re * re + im * im < 4)

    def step(state: Tree) -> Tree:
        i, re, im, count = state
        inside = re * re + im * im < 4
        re, im = jnp.where(inside, re * re - im * im + x, re), jnp.where(inside, 2 * re * im + y, im)
        return i + 1, re, im, count + inside

    zero = jnp.zeros(jnp.broadcast_shapes(x.shape, y.shape), jnp.float32)
    count = lax.while_loop(alive, step, (0, zero, zero, zero.astype(jnp.int32)))[3]
    return jnp.mean(count.astype(jnp.float32), axis=1)


def plane(size: int) -> Callable[[], tuple[jax.Array, ...]]:
    return lambda: (
        jnp.linspace(-2.0, 0.5, size, dtype=jnp.float32)[None, :],
        jnp.linspace(-1.2, 1.2, size, dtype=jnp.float32)[:, None],
    )


def gibbs(parameters: Tree, noise: jax.Array) -> jax.Array:
    """A ring of relaxed binary units that are updated one by one, each a scalar of its own, at each step of a scan."""
    coupling, fields = parameters
    count = noise.shape[1]

    def step(units: Tree, noise: jax.Array) -> tuple[Tree, jax.Array]:
        units, energy = list(units), jnp.float32(0)
        for i in range(count):
            field = coupling * (units[i - 1] + units[(i + 1) % count]) + fields[i]
            units[i] = jax.nn.sigmoid(2 * (field + noise[i]))
            energy = energy - units[i] * field
        return tuple(units), energy

    start = tuple(jnp.float32(0.5) for _ in range(count))
    return jnp.mean(lax.scan(step, start, noise)[1])


def gibbs_arguments(units: int, steps: int) -> Callable[[], tuple[Tree, ...]]:
    return lambda: ((jnp.float32(0.3), normal(units)), normal(steps, units, seed=1))


def k_means(points: jax.Array, centers: jax.Array) -> jax.Array:
    """Ten of Lloyd's iterations."""

    def step(_: int, centers: jax.Array) -> jax.Array:
        distances = jnp.sum(centers**2, axis=1) - 2 * points @ centers.T
        nearest = jnp.argmin(distances, axis=1)
        sums = jnp.zeros_like(centers).at[nearest].add(points)
        counts = jnp.zeros(len(centers), points.dtype).at[nearest].add(1)
        return jnp.where(counts[:, None] > 0, sums / jnp.maximum(counts, 1)[:, None], centers)

    return lax.fori_loop(0, 10, step, centers)


def k_means_arguments(count: int, clusters: int, features: int) -> Callable[[], tuple[jax.Array, ...]]:
    def make() -> tuple[jax.Array, ...]:
        middles = 6 * normal(clusters, features)
        points = jnp.repeat(middles, count // clusters, axis=0) + normal(count, features, seed=1)
        return points, middles + normal(clusters, features, seed=2)

    return make


def conjugate_gradient(a: jax.Array, b: jax.Array) -> jax.Array:
    """100 iterations at most, until the residual has fallen by 1e-5."""

    def going(state: Tree) -> jax.Array:
        i, _, _, _, square = state
        return (i < 100) & (square > 1e-10 * (b @ b))

    def step(state: Tree) -> Tree:
        i, x, r, p, square = state
        ap = a @ p
        length = square / (p @ ap)
        x, r = x + length * p, r - length * ap
        after = r @ r
        return i + 1, x, r, r + after / square * p, after

    return lax.while_loop(going, step, (0, jnp.zeros_like(b), b, b, b @ b))[1]


def conjugate_gradient_arguments(size: int) -> Callable[[], tuple[jax.Array, ...]]:
    def make() -> tuple[jax.Array, ...]:
        factor = np.random.default_rng(0).standard_normal((size, size)) / np.sqrt(size)
        return jnp.asarray(factor @ factor.T + 0.05 * np.eye(size), jnp.float32), normal(size, seed=1)

    return make


# --- bodies with solves, sorts, loops and gradients inside ----------------------------------------------------------


def solves(matrix: jax.Array, inputs: jax.Array) -> jax.Array:
    """Each step solves a positive definite system whose diagonal the last solution changes."""
    base = matrix @ matrix.T + len(matrix) * jnp.eye(len(matrix), dtype=matrix.dtype)

    def step(x: jax.Array, b: jax.Array) -> tuple[jax.Array, None]:
        factor = jnp.linalg.cholesky(base + jnp.diag(x * x))
        y = lax.linalg.triangular_solve(factor, b[:, None], left_side=True, lower=True)
        return lax.linalg.triangular_solve(factor, y, left_side=True, lower=True, transpose_a=True)[:, 0], None

    return lax.scan(step, jnp.zeros_like(inputs[0]), inputs)[0]


def sorts(inputs: jax.Array) -> jax.Array:
    return lax.scan(lambda x, new: (jnp.sort(0.5 * x + new), None), jnp.zeros_like(inputs[0]), inputs)[0]


def nested(inputs: jax.Array) -> jax.Array:
    """Each step finds square roots by ten of Newton's iterations."""

    def step(total: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
        root = lax.fori_loop(0, 10, lambda _, y: 0.5 * (y + x / y), jnp.ones_like(x))
        return 0.9 * total + root, None

    return lax.scan(step, jnp.zeros_like(inputs[0]), inputs)[0]


def descent(weights: jax.Array, inputs: jax.Array, labels: jax.Array) -> jax.Array:
    """Logistic regression by gradient steps on small batches."""

    def loss(w: jax.Array, x: jax.Array, label: jax.Array) -> jax.Array:
        return jnp.mean(jnp.logaddexp(0.0, -label * (x @ w)))

    def step(w: jax.Array, batch: Tree) -> tuple[jax.Array, None]:
        return w - 0.1 * jax.grad(loss)(w, *batch), None

    return lax.scan(step, weights, (inputs, labels))[0]


def descent_arguments(steps: int, batch: int, features: int) -> Callable[[], tuple[jax.Array, ...]]:
    return lambda: (
        normal(features, scale=0.1),
        normal(steps, batch, features, seed=1),
        jnp.sign(normal(steps, batch, seed=2)),
    )


# --- small steps that Python calls one after the other ----------------------------------------------------------------


def logistic_step(weights: jax.Array, inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A gradient step of logistic regression."""
    value, gradient = jax.value_and_grad(lambda w: jnp.mean(jnp.logaddexp(0.0, -labels * (inputs @ w))))(weights)
    return weights - 0.1 * gradient, value


def logistic_arguments(batch: int, features: int) -> Callable[[], tuple[jax.Array, ...]]:
    return lambda: (
        normal(features, scale=0.1),
        normal(batch, features, seed=1),
        jnp.sign(normal(batch, seed=2)),
    )


def adam_step(state: Tree, inputs: jax.Array, targets: jax.Array) -> tuple[Tree, jax.Array]:
    """A step of the examples' Adam on a multilayer perceptron."""

    def loss(weights: Tree, batch: Tree) -> jax.Array:
        x, target = batch
        return jnp.mean((mlp(weights, x) - target) ** 2)

    return example("common").adam(loss, 1e-3)(state, (inputs, targets))


def adam_arguments(width: int, inner: int, batch: int) -> Callable[[], tuple[Tree, ...]]:
    def make() -> tuple[Tree, ...]:
        weights, *batches = mlp_arguments(width, inner, (batch, width), (batch, width))()
        return example("common").adam_state(weights), *batches

    return make


# --- the tables -----------------------------------------------------------------------------------------------------

_WAVE, _SMALL_WAVE = wave(512, 50), wave(24, 5)

LOOPS: tuple[Case, ...] = (
    Case("scan 4x4 matmul, 100k steps", small_products(100_000), arrays((4, 4), (4, 4), (4, 4), scale=0.25), 1e-5,
         arrays((4, 4), (4, 4), (4, 4), scale=0.25), small_products(50), torch="small_products"),
    Case("N-body 128, fori_loop of 100", n_body, n_body_arguments, 1e-5, lambda: n_body_arguments(7), torch="n_body"),
    Case("wave equation 512x512, 50 steps", _WAVE[0], _WAVE[1], 1e-5, _SMALL_WAVE[1], _SMALL_WAVE[0], torch="wave"),
    Case("Mandelbrot 512x512, while_loop", mandelbrot, plane(512), 1e-3, plane(17), torch="mandelbrot"),
    Case("Gibbs-like scan gradient, 60 scalars, 500 steps", jax.grad(gibbs), gibbs_arguments(60, 500), 1e-4,
         gibbs_arguments(4, 9), torch="gibbs"),
    Case("k-means 16k x 16, 64 clusters", k_means, k_means_arguments(16384, 64, 16), 1e-4,
         k_means_arguments(60, 5, 3), torch="k_means"),
    Case("conjugate gradient 512", conjugate_gradient, conjugate_gradient_arguments(512), 1e-3,
         conjugate_gradient_arguments(20), torch="conjugate_gradient"),
)  # fmt: skip

HARD_LOOPS: tuple[Case, ...] = (
    Case("scan of 8x8 Cholesky solves, 1k steps", solves, arrays((8, 8), (1000, 8)), 1e-5, arrays((8, 8), (5, 8))),
    Case("scan of sorts of 64, 1k steps", sorts, arrays((1000, 64)), 1e-6, arrays((5, 20))),
    Case("scan of loops of 10, 16 numbers, 1k steps", nested, lambda: (uniform(0.5, 4, 1000, 16),), 1e-5,
         lambda: (uniform(0.5, 4, 5, 7),)),
    Case("scan of gradients 32x8, 1k steps", descent, descent_arguments(1000, 32, 8), 1e-5,
         descent_arguments(5, 6, 3)),
)  # fmt: skip


def _add_all(*arguments: jax.Array) -> jax.Array:
    return sum(arguments[1:], arguments[0] + 1)


CALLS: tuple[Case, ...] = tuple(
    Case(f"call with {count} small argument{'s' if count > 1 else ''}", _add_all, arrays(*[(4,)] * count), 1e-6,
         arrays(*[(4,)] * count), torch="add_all", numpy=_add_all)
    for count in (1, 20)
)  # fmt: skip

# Adam divides small numbers by each other in its first step
TRAINING: tuple[Case, ...] = (
    Case("1k steps of logistic regression 32x8", logistic_step, logistic_arguments(32, 8), 1e-5,
         logistic_arguments(6, 3), calls=1000),
    Case("1k steps of Adam, MLP 32x64, batch 32", adam_step, adam_arguments(32, 64, 32), 1e-3,
         adam_arguments(8, 12, 5), calls=1000),
)  # fmt: skip
