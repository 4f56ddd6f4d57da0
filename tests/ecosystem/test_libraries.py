"""Libraries on top of JAX, unmodified: what they compute on Astra is what they compute on JAX's CPU backend.

    pip install 'astra-mlir[ecosystem]' && pytest tests/ecosystem -m slow

Each program runs in a process of its own on each backend and prints its numbers.  Random walks are short,
since rounding grows.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
PRELUDE = f"""
import json, sys, jax, jax.numpy as jnp, numpy as np
sys.path.insert(0, {os.fspath(EXAMPLES)!r})
x = jnp.asarray(np.random.default_rng(0).standard_normal((32, 5)), jnp.float32)
y = jnp.sin(x[:, 0]) + x[:, 1] * 0.5
def show(*values): print(json.dumps([np.asarray(v, np.float64).ravel().tolist() for v in values]))
"""

# The modules that a program needs, and the program.
PROGRAMS = {
    "flax": (("flax", "optax"), "import flax_spirals\nlosses, right = flax_spirals.train(40)\nshow(losses[:40])"),
    "flax nnx": (
        ("flax", "optax"),
        """
import optax
from flax import nnx
model = nnx.Sequential(nnx.Linear(5, 16, rngs=nnx.Rngs(0)), nnx.tanh, nnx.Linear(16, 1, rngs=nnx.Rngs(1)))
optimizer = nnx.Optimizer(model, optax.sgd(0.05), wrt=nnx.Param)
@nnx.jit
def step(model, optimizer):
    loss, gradient = nnx.value_and_grad(lambda m: jnp.mean((m(x)[:, 0] - y) ** 2))(model)
    optimizer.update(model, gradient)
    return loss
show([step(model, optimizer) for _ in range(30)])
""",
    ),
    "optax": (
        ("optax",),
        """
import optax
for make in (optax.adamw, optax.lion, optax.rmsprop, optax.adafactor):
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), make(optax.cosine_decay_schedule(0.05, 30)))
    w = jnp.zeros(5)
    state = optimizer.init(w)
    @jax.jit
    def step(w, state):
        loss, gradient = jax.value_and_grad(lambda w: jnp.mean((x @ w - y) ** 2))(w)
        updates, state = optimizer.update(gradient, state, w)
        return optax.apply_updates(w, updates), state, loss
    for _ in range(30): w, state, loss = step(w, state)
    show(loss)
""",
    ),
    "equinox": (
        ("equinox", "optax"),
        """
import equinox as eqx, optax
model = eqx.nn.MLP(5, "scalar", 16, 2, key=jax.random.key(0))
optimizer = optax.adam(0.01)
state = optimizer.init(eqx.filter(model, eqx.is_array))
@eqx.filter_jit
def step(model, state):
    loss, gradient = eqx.filter_value_and_grad(lambda m: jnp.mean((jax.vmap(m)(x) - y) ** 2))(model)
    updates, state = optimizer.update(gradient, state)
    return eqx.apply_updates(model, updates), state, loss
losses = []
for _ in range(30):
    model, state, loss = step(model, state)
    losses.append(loss)
show(losses)
""",
    ),
    "numpyro": (
        ("numpyro",),
        """
import numpyro, numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS
def model():
    w = numpyro.sample("w", dist.Normal(0, 1).expand([5]))
    numpyro.sample("y", dist.Normal(x @ w, 0.5), obs=y)
sampler = MCMC(NUTS(model), num_warmup=100, num_samples=300, progress_bar=False)
sampler.run(jax.random.key(0))
show(np.round(sampler.get_samples()["w"].mean(0), 1))
""",
    ),
    "blackjax": (
        ("blackjax",),
        """
import blackjax
hmc = blackjax.hmc(lambda w: -jnp.sum((x @ w - y) ** 2), 0.02, jnp.ones(5), 8)
state, step = hmc.init(jnp.zeros(5)), jax.jit(hmc.step)
for key in jax.random.split(jax.random.key(0), 10): state, _ = step(key, state)
show(state.position)
""",
    ),
    "diffrax": (
        ("diffrax",),
        """
import diffrax
def at(decay):
    term = diffrax.ODETerm(lambda t, y, args: jnp.stack([y[1], -y[0] - decay * y[1]]))
    control = diffrax.PIDController(rtol=1e-4, atol=1e-5)
    start = jnp.array([1.0, 0.0])
    return diffrax.diffeqsolve(term, diffrax.Tsit5(), 0, 5, 0.1, start, stepsize_controller=control).ys[-1]
show(at(0.3), jax.jacrev(at)(0.3))
""",
    ),
    "jaxopt": (
        ("jaxopt",),
        """
import jaxopt
solver = jaxopt.LBFGS(lambda w: jnp.mean((jnp.tanh(x @ w) - y) ** 2), maxiter=30)
show(solver.run(jnp.zeros(5)).params)
""",
    ),
}


def numbers(program: str, platform: str) -> list[list[float]]:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env={**os.environ, "JAX_PLATFORMS": platform}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [values for line in done.stdout.splitlines() if line.startswith("[") for values in json.loads(line)]


@pytest.mark.parametrize("library", PROGRAMS)
def test_same_numbers_as_on_the_cpu_backend(library: str) -> None:
    needed, program = PROGRAMS[library]
    for module in needed:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"there is no {module}: pip install 'astra-mlir[ecosystem]'")
    found, expected = numbers(program, "astra"), numbers(program, "cpu")
    assert len(found) == len(expected) > 0
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=2e-4)
