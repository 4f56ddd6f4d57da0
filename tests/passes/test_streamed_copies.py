"""Results that are stored past the cache, copies of rows among them: same values, for every element type and length."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra

SMALL_CACHES = "host+l1=4k+l2=16k+l3=64k"  # so that small arrays are larger than the caches

GATHERS = {
    "two dimensions of rows": lambda t, r: t[r.reshape(20, 15)],
    "out of bounds": lambda t, r: jnp.take(t, r, axis=0, mode="fill", fill_value=3),
    "scaled": lambda t, r: t[r] * 2 + r[:, None],
    "both factors": lambda t, r: t[r] * t[r[::-1]],
    "rows that the program computes": lambda t, r: t[jnp.cumsum(r) % 200],
    "rows of rows": lambda t, r: t[r[r % 300]],
    "parts of rows": lambda t, r: jax.vmap(lambda i: lax.dynamic_slice(t, (i, i), (1, 128)))(r),
    "columns": lambda t, r: t[:, r % 250],
    "sums": lambda t, r: t[r.reshape(100, 3)].sum(1),
    "reversed": lambda t, r: t[r, ::-1],
}


def elements(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 2 if dtype == "bool" else 100, shape).astype(jnp.dtype(dtype))


def check(function, *arguments) -> str:
    """Compare a function's results, by name, with JAX's; returns the loops that they took."""
    executable = astra.compile(function, *arguments, target=SMALL_CACHES)
    found, expected = executable(*arguments), jax.jit(function)(*arguments)
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(value), err_msg=str(name))
    return executable.ir("loops")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool", "complex64"])
def test_every_type_of_element(dtype: str) -> None:
    array, rows = elements(dtype, 160, 1024), elements("int32", 300) * 3 - 120

    def program(x, y, r):
        return {
            "computed": x ^ y if dtype == "bool" else x + y,
            "repeated": jnp.broadcast_to(x[:1], x.shape),
            **{f"rows of {width}": x[:, :width][r - width % 7] for width in (64, 129, 1024)},
            "long rows": x.reshape(32, -1)[r[:90]],
        }

    loops = check(program, array, np.roll(array, 1), rows)
    assert ("nontemporal" in loops) == (dtype != "complex64")
    assert "memref.prefetch" in loops


def test_forms_of_gathers() -> None:
    loops = check(
        lambda t, r: {name: gather(t, r) for name, gather in GATHERS.items()},
        elements("float32", 200, 256),
        elements("int32", 300) * 3 - 120,
    )
    assert "memref.prefetch" in loops
