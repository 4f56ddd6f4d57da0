"""Derivatives of any order of JAX functions: by ``astra-autodiff``, and by JAX, on the same arguments.

A step is a mode and the arguments to differentiate by.  After each the function takes, behind its arguments, tangents
of these or cotangents of its results, and gives, behind its results, tangents of them or cotangents of these: what the
pass makes of a function, and what :func:`reference` makes of it with ``jax.jvp`` and ``jax.vjp``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.compiler import compile_module
from astra_mlir.jax_frontend.capture import capture
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.autodiff import AutodiffPass

__all__ = ["FORWARD", "REVERSE", "check", "derived", "is_inexact", "module_of", "random_like", "reference"]

Function = Callable[..., Any]
Step = tuple[str, tuple[int, ...]]

FORWARD, REVERSE = "forward", "reverse"


def is_inexact(x: Any) -> bool:
    """Whether an array has float or complex elements."""
    return bool(jnp.issubdtype(x.dtype, jnp.inexact))


def random_like(x: Any, rng: np.random.Generator) -> np.ndarray:
    """Random numbers of an array's shape and type."""
    values = rng.standard_normal(x.shape)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        values = values + 1j * rng.standard_normal(x.shape)
    return np.asarray(values, x.dtype)


def module_of(function: Function, arguments: Sequence[Any]) -> ir.Module:
    """The StableHLO module of a function."""
    return capture(function, arguments, {}).program.parse(make_context())


def derived(module: ir.Module, *steps: Step, **options: Any) -> ir.Module:
    """``main`` of a module replaced by its derivative, once for each step."""
    for mode, wrt in steps:
        run_pipeline(module, [AutodiffPass(fn="main", mode=mode, wrt=wrt, **options)])
    return module


# --- by JAX ----------------------------------------------------------------------------------------------------------


def _by(function: Function, arguments: Sequence[Any], wrt: Sequence[int]) -> Function:
    """The function of the arguments ``wrt``, the others fixed; a list of its results."""

    def of_some(*xs: Any) -> list[Any]:
        full = list(arguments)
        for i, x in zip(wrt, xs, strict=True):
            full[i] = x
        return jax.tree_util.tree_leaves(function(*full))

    return of_some


def _forward(function: Function, wrt: Sequence[int]) -> Function:
    def jvp(*values: Any) -> list[Any]:
        arguments, tangents = values[: -len(wrt)], values[-len(wrt) :]
        ys, found = jax.jvp(_by(function, arguments, wrt), tuple(arguments[i] for i in wrt), tangents)
        return [*ys, *(t for y, t in zip(ys, found, strict=True) if is_inexact(y))]

    return jvp


def _reverse(function: Function, count: int, wrt: Sequence[int]) -> Function:
    def vjp(*values: Any) -> list[Any]:
        arguments, cotangents = values[:count], iter(values[count:])
        ys, transposed = jax.vjp(_by(function, arguments, wrt), *(arguments[i] for i in wrt))
        given = [next(cotangents) if is_inexact(y) else np.zeros(y.shape, jax.dtypes.float0) for y in ys]
        return [*ys, *transposed(given)]

    return vjp


def reference(
    function: Function, arguments: Sequence[np.ndarray], *steps: Step
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All arguments of the derivative (random where it takes more than the function), and JAX's results for them."""
    rng = np.random.default_rng(0)
    full = [np.asarray(x) for x in arguments]
    for mode, wrt in steps:
        if mode == FORWARD:
            given = [random_like(full[i], rng) for i in wrt]
            function = _forward(function, wrt)
        else:
            results = jax.tree_util.tree_leaves(jax.eval_shape(function, *full))
            given = [random_like(y, rng) for y in results if is_inexact(y)]
            function = _reverse(function, len(full), wrt)
        full += given
    return full, [np.asarray(y) for y in jax.tree_util.tree_leaves(jax.jit(function)(*full))]


def check(function: Function, arguments: Sequence[Any], *steps: Step, tolerance: float = 1e-9, **options: Any) -> None:
    """The compiled derivative gives what JAX gives."""
    full, expected = reference(function, arguments, *steps)
    found = compile_module(derived(module_of(function, arguments), *steps, **options))(*full)
    for i, (x, y) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, err_msg=f"result {i}")
