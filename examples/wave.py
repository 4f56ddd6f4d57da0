"""A drop falls into a square pond: the wave equation on a grid, stepped inside ``lax.fori_loop``.

    python examples/wave.py [--size 256] [--steps 100] [--substeps 50]

Fixed edges, second order in space and time; the discrete energy is conserved up to rounding.
"""

from __future__ import annotations

import argparse

import common
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

COURANT = 0.5  # wave speed x time step / grid spacing; stable below 1/sqrt(2)


def laplacian(u: jax.Array) -> jax.Array:
    """The five-point Laplacian of a grid whose border is held at zero."""
    p = jnp.pad(u, 1)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u


def energy(before: jax.Array, now: jax.Array) -> jax.Array:
    """The quantity that the scheme conserves: kinetic energy plus the potential between the two time levels."""
    return 0.5 * jnp.sum((now - before) ** 2) - 0.5 * COURANT**2 * jnp.sum(now * laplacian(before))


def problem(size: int = 256, substeps: int = 50) -> common.Problem:
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    drop = jnp.asarray(np.exp(-80 * ((x - 0.2) ** 2 + (y + 0.1) ** 2)).astype(np.float32))

    def step(state: common.Tree, courant: jax.Array) -> tuple[common.Tree, jax.Array]:
        def advance(_: jax.Array, state: common.Tree) -> common.Tree:
            before, now = state
            return now, 2 * now - before + courant**2 * laplacian(now)

        state = lax.fori_loop(0, substeps, advance, state)
        return state, energy(*state)

    name = f"wave on a {size}x{size} grid, {substeps} time steps a call"
    return common.Problem(name, step, (drop, drop), lambda _: jnp.float32(COURANT), "energy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--substeps", type=int, default=50)
    options = parser.parse_args()
    result = common.run(problem(options.size, options.substeps), options.steps)
    drift = abs(result.astra_values[-1] / result.astra_values[0] - 1)
    print(f"energy drift over {options.steps * options.substeps} time steps: {100 * drift:.4f}%")


if __name__ == "__main__":
    main()
