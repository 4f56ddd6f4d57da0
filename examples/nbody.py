"""A star cluster: N bodies under gravity, integrated by a leapfrog inside ``lax.fori_loop``.

    python examples/nbody.py [--bodies 256] [--steps 100] [--substeps 20]

Total energy is conserved by the equations; how well it is kept says whether the integration is right.
"""

from __future__ import annotations

import argparse

import common
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

SOFTENING = 0.05
TIME_STEP = 1e-3


def acceleration(positions: jax.Array, masses: jax.Array) -> jax.Array:
    """(n, 3) accelerations of softened gravity between all pairs."""
    offset = positions[None, :, :] - positions[:, None, :]
    inverse = lax.rsqrt(jnp.sum(offset**2, axis=-1) + SOFTENING**2)
    return jnp.sum(offset * (masses[None, :] * inverse**3)[:, :, None], axis=1)


def energy(positions: jax.Array, velocities: jax.Array, masses: jax.Array) -> jax.Array:
    """Kinetic plus potential energy."""
    offset = positions[None, :, :] - positions[:, None, :]
    inverse = lax.rsqrt(jnp.sum(offset**2, axis=-1) + SOFTENING**2)
    pairs = jnp.where(jnp.eye(len(masses), dtype=bool), 0.0, masses[:, None] * masses[None, :] * inverse)
    return 0.5 * jnp.sum(masses * jnp.sum(velocities**2, axis=-1)) - 0.5 * jnp.sum(pairs)


def problem(bodies: int = 256, substeps: int = 20) -> common.Problem:
    generator = np.random.default_rng(0)
    masses = jnp.full((bodies,), 1 / bodies, jnp.float32)
    positions = jnp.asarray(generator.standard_normal((bodies, 3), np.float32))
    velocities = jnp.asarray(0.25 * generator.standard_normal((bodies, 3), np.float32))

    def step(state: common.Tree, batch: jax.Array) -> tuple[common.Tree, jax.Array]:
        masses = batch

        def leapfrog(_: jax.Array, state: common.Tree) -> common.Tree:
            positions, velocities = state
            velocities = velocities + 0.5 * TIME_STEP * acceleration(positions, masses)
            positions = positions + TIME_STEP * velocities
            velocities = velocities + 0.5 * TIME_STEP * acceleration(positions, masses)
            return positions, velocities

        state = lax.fori_loop(0, substeps, leapfrog, state)
        return state, energy(*state, masses)

    name = f"{bodies} bodies, {substeps} leapfrog steps a call"
    return common.Problem(name, step, (positions, velocities), lambda _: masses, "energy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--substeps", type=int, default=20)
    options = parser.parse_args()
    result = common.run(problem(options.bodies, options.substeps), options.steps)
    drift = abs(result.astra_values[-1] / result.astra_values[0] - 1)
    print(f"energy drift over {options.steps * options.substeps} time steps: {100 * drift:.4f}%")


if __name__ == "__main__":
    main()
