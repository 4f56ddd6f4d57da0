"""What ``exe.memory()`` reports against what a call takes from the runtime's pool."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# A process of its own: the pool's peak is that of the process.  Results of JAX arrays and the arena are from the pool,
# whose blocks of these sizes are rounded up by an eighth at most; the first arguments, arrays of JAX, are not.
_PROGRAM = """
import json, sys
import jax, jax.numpy as jnp
from jax import lax
import astra_mlir as astra
from astra_mlir.runtime import runtime

def chain(x):
    for i in range(6):
        x = jnp.tanh(x @ x) + jnp.sort(x, axis=i % 2)
    return x

def scanned(x):
    return jax.grad(lambda x: jnp.sum(lax.scan(lambda c, _: (jnp.sin(c @ c / 100), None), x, None, length=4)[0]))(x)

def step(x):
    return x - 0.1 * jax.grad(lambda x: jnp.sum(jnp.tanh(x @ x.T)))(x)

name, donated = sys.argv[1:]
function = astra.jit(globals()[name], donate_argnums=0 if donated == "donated" else None)
x = jnp.ones((256, 256)) / 300
memory = function.compile(x).memory()
x = function(x)
if donated == "donated":
    x = function(x)
x.block_until_ready()
stats = runtime().memory_stats()
print(json.dumps({
    "peak": stats.peak_bytes, "arena": memory.arena_bytes, "output": memory.output_bytes, "alias": memory.alias_bytes,
    "reported": memory.peak_bytes, "argument": memory.argument_bytes, "constant": memory.constant_bytes,
}))
"""


@pytest.mark.parametrize("donated", ["kept", "donated"])
@pytest.mark.parametrize("name", ["chain", "scanned", "step"])
def test_the_reported_peak_is_what_is_allocated(name, donated):
    run = subprocess.run([sys.executable, "-c", _PROGRAM, name, donated], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout.splitlines()[-1])
    expected = found["argument"] + found["output"] - found["alias"] + found["arena"] + found["constant"]
    assert found["reported"] == expected
    taken = found["output"] + found["arena"]  # from the pool: arguments of the first call are JAX's
    assert taken <= found["peak"] <= 1.13 * taken + 4096
    if donated == "donated":
        assert found["alias"] == found["output"]
