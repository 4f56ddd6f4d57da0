"""Derivatives at points where a formula has a choice to make: kinks, ties, zeros, edges and positions outside.

To second order and in both modes they are JAX's, wherever JAX's are finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
pytest.importorskip("jax._src.internal_test_util.test_harnesses")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

from .derivative_harnesses import PARTS, case_of, run_case  # noqa: E402

ZEROS = np.array([0.0, -0.0, 1.0, -1.0])
TIES = np.array([1.0, 2.0, 2.0, 0.0])
X = np.array([0.3, -1.2, 2.1, 0.7])
COMPLEX = np.array([0, 1j, -1, 1 + 1j])
TWICE = np.array([0, 3, 3, 1])

FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "power": (lambda x, p: x**p, (np.array([0.0, 0.0, 2.0, -2.0]), np.array([0.0, 2.0, 0.0, 3.0]))),
    "square": (lambda x: x**2, (ZEROS,)),
    "arctan2": (jnp.arctan2, (ZEROS, ZEROS[::-1].copy())),
    "norm": (jnp.linalg.norm, (np.zeros(4),)),
    "where": (lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0), (ZEROS,)),
    "clip": (lambda x: jnp.clip(x, 0.0, 1.0), (np.array([0.0, 1.0, 0.5, 2.0]),)),
    "clamp": (lax.clamp, (TIES, X, TIES[::-1].copy())),
    "maximum": (jnp.maximum, (TIES, np.array([1.0, 3.0, 0.0, 0.0]))),
    "max": (jnp.max, (TIES,)),
    "min": (jnp.min, (TIES,)),
    "sort": (jnp.sort, (TIES,)),
    "cummax": (lax.cummax, (TIES,)),
    "cumprod": (jnp.cumprod, (TIES[::-1].copy(),)),
    "prod": (jnp.prod, (np.array([1.0, 0.0, 2.0, 3.0]),)),
    "prod_of_zeros": (jnp.prod, (np.array([1.0, 0.0, 2.0, 0.0]),)),
    "relu": (jax.nn.relu, (ZEROS,)),
    "sinc": (jnp.sinc, (ZEROS,)),
    "softmax": (jax.nn.softmax, (np.array([1.0, -np.inf, 2.0, 3.0]),)),
    "logaddexp": (jnp.logaddexp, (np.array([0.0, -np.inf, -np.inf, 3.0]), np.array([1.0, 2.0, -np.inf, 3.0]))),
    "nan_to_num": (jnp.nan_to_num, (np.array([np.nan, np.inf, 1.0, 2.0]),)),
    "read_outside": (lambda x: lax.dynamic_slice(x, (3,), (2,)), (X,)),
    "write_outside": (lambda x, u: lax.dynamic_update_slice(x, u, (3,)), (X, X[:2].copy())),
    "take_clip": (lambda x: jnp.take(x, np.array([-1, 7, 2]), mode="clip"), (X,)),
    "take_fill": (lambda x: jnp.take(x, np.array([-1, 7, 2]), mode="fill", fill_value=0.0), (X,)),
    "add_drop": (lambda x, u: x.at[np.array([0, 9])].add(u, mode="drop"), (X, X[:2].copy())),
    "set_twice": (lambda x, u: x.at[TWICE].set(u), (X, X * 2)),
    "max_twice": (lambda x, u: x.at[TWICE].max(u), (X, X[TWICE])),
    "segment_max": (lambda x: jax.ops.segment_max(x, TWICE, 5), (TIES,)),
    "no_steps": (lambda x: lax.scan(lambda c, t: (c * t, c), x, jnp.zeros((0, 4))), (X,)),
    "complex_abs": (jnp.abs, (COMPLEX,)),
    "complex_sin": (jnp.sin, (COMPLEX,)),
    "complex_cos": (jnp.cos, (COMPLEX,)),
    "complex_square": (lambda z: z**2, (COMPLEX,)),
    "complex_exp": (jnp.exp, (COMPLEX,)),
    "complex_max": (lambda z: jnp.stack([z, z[::-1]]).at[0].max(z[::-1]), (COMPLEX,)),
    "pool_padding": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2,), (1,), ((2, 0),), base_dilation=(3,)), (X,)
    ),
}  # fmt: skip


def check(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    with jax.enable_x64(True):
        outcome = run_case(case_of(name, function, arguments), PARTS)
    assert outcome, "JAX has no derivative"
    assert set(outcome.values()) == {"agrees"}, outcome


@pytest.mark.parametrize("name", list(FUNCTIONS)[::9])
def test_points(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_all_points(name: str) -> None:
    check(name)
