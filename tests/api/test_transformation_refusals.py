"""What the transformations refuse, and the messages."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra

F32 = np.float32
X = np.linspace(0.2, 1.5, 15, dtype=F32).reshape(5, 3)


def norm(x: Any) -> Any:
    return jnp.sum(jnp.sin(x) * x**2)


def product(x: Any, y: Any) -> Any:
    return (x * y).sum()


@astra.custom_vjp
def reversible(x: Any) -> Any:
    return x**3


reversible.defvjp(lambda x: (x**3, x), lambda x, ct: (ct * 3 * x**2,))


HALF = np.ones(2, np.float16)
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "no scalar": (
        lambda: astra.grad(jnp.sin)(X),
        astra.ShapeError,
        r"scalar result, but that of 'sin' has shape \(5, 3\)",
    ),
    "several results": (
        lambda: astra.grad(lambda x: (x, x))(F32(1)),
        astra.ShapeError,
        "one scalar result.*has_aux=True",
    ),
    "no result": (lambda: astra.grad(lambda x: None)(F32(1)), astra.ShapeError, "one scalar result.*a NoneType"),
    "complex result": (
        lambda: astra.grad(lambda x: x * 1j)(F32(1)),
        astra.DTypeError,
        "real results, but one is complex64.*holomorphic",
    ),
    "integer result": (
        lambda: astra.grad(lambda x: x.astype(int))(F32(1)),
        astra.DTypeError,
        "one is int32; astra.vjp",
    ),
    "integer argument": (lambda: astra.grad(norm)(np.int32(1)), astra.DTypeError, "one is int32.*allow_int=True"),
    "not holomorphic": (
        lambda: astra.grad(norm, holomorphic=True)(F32(1)),
        astra.DTypeError,
        "holomorphic=True needs complex arguments",
    ),
    "no aux": (
        lambda: astra.grad(norm, has_aux=True)(X),
        astra.AstraError,
        r"must return a pair \(output, auxiliary data",
    ),
    "argnums": (
        lambda: astra.grad(norm, argnums=1)(X),
        astra.AstraError,
        "argnums=1 needs .* called with 1 positional",
    ),
    "argnums twice": (
        lambda: astra.grad(product, argnums=(0, -2))(1.0, X),
        astra.AstraError,
        "names an argument twice",
    ),
    "kind of argnums": (lambda: astra.grad(norm, argnums="x"), astra.AstraError, "must be an integer or a tuple"),
    "no array": (
        lambda: astra.grad(norm)("x"),
        astra.AstraError,
        "differentiated must be an array or a number, but is 'x'",
    ),
    "complex columns": (
        lambda: astra.jacfwd(jnp.sin)(np.complex64(1)),
        astra.DTypeError,
        "jacfwd needs real .*astra.jvp",
    ),
    "complex rows": (lambda: astra.jacrev(lambda x: x * 1j)(F32(1)), astra.DTypeError, "real results.*holomorphic"),
    "structure of tangents": (
        lambda: astra.jvp(norm, (X,), (X, X)),
        astra.AstraError,
        "the structure of the tangents is .* must be",
    ),
    "type of tangents": (
        lambda: astra.jvp(jnp.sum, (HALF,), (X[0, :2],)),
        astra.DTypeError,
        "type float16, but one has float32",
    ),
    "shape of tangents": (lambda: astra.jvp(jnp.sum, (X,), (X[0],)), astra.ShapeError, r"\(5, 3\), but one has \(3,\)"),
    "tangents of integers": (
        lambda: astra.jvp(jnp.sum, (np.arange(3),), (np.arange(3),)),
        astra.DTypeError,
        "elements int32 have elements float0",
    ),
    "structure of cotangents": (
        lambda: astra.vjp(jnp.sin, X)[1]((X,)),
        astra.AstraError,
        "structure of the cotangents",
    ),
    "shape of cotangents": (lambda: astra.vjp(jnp.sin, X)[1](X[0]), astra.ShapeError, r"must have shape \(5, 3\)"),
    "number of cotangents": (lambda: astra.vjp(jnp.sin, X)[1](X, X), astra.AstraError, "takes one argument.* got 2"),
    "vmap of two sizes": (
        lambda: astra.vmap(jnp.dot)(X, X[:2]),
        astra.ShapeError,
        "one size, but have 5 .axis 0 of",
    ),
    "vmap of nothing": (lambda: astra.vmap(norm, in_axes=None)(X), astra.AstraError, "no argument is mapped"),
    "vmap beyond the rank": (lambda: astra.vmap(norm, in_axes=2)(X), astra.ShapeError, r"shape \(5, 3\) has no axis 2"),
    "vmap of too few": (
        lambda: astra.vmap(jnp.dot, in_axes=(0,))(X, X),
        astra.AstraError,
        "has 1 entries.* called with 2",
    ),
    "vmap with another tree": (
        lambda: astra.vmap(lambda p: p["a"], in_axes=({"b": 0},))({"a": X}),
        astra.AstraError,
        "prefix",
    ),
    "a batched result for all": (
        lambda: astra.vmap(norm, out_axes=None)(X),
        astra.AstraError,
        "result 0 of @norm differs between applications",
    ),
    "axis_name": (lambda: astra.vmap(norm, axis_name="i"), astra.UnsupportedError, "axis_name='i'"),
    "policy": (
        lambda: astra.checkpoint(norm, policy=jax.checkpoint_policies.save_only_these_names("x")),
        astra.UnsupportedError,
        "is not supported; give one of nothing, dots",
    ),
    "forward mode of custom_vjp": (
        lambda: astra.jacfwd(reversible)(X[0]),
        astra.UnsupportedError,
        "custom_vjp",
    ),
    "around a traced value": (
        lambda: jax.jit(lambda w: astra.grad(lambda x: w * x)(1.0))(2.0),
        astra.AstraError,
        "a value from around it",
    ),
    "within jax.jit": (lambda: jax.jit(astra.grad(norm))(X), astra.AstraError, "called on traced values"),
    "within jax.grad": (lambda: jax.grad(lambda x: astra.grad(norm)(x).sum())(X), astra.AstraError, "called on traced"),
    "vjp within jax.jit": (lambda: jax.jit(lambda x: astra.vjp(norm, x)[0])(X), astra.AstraError, "called on traced"),
    "jax.grad of it": (
        lambda: astra.jit(jax.grad(lambda x: astra.grad(norm)(x).sum()))(X),
        astra.AstraError,
        "use that of Astra",
    ),
    "jax.jvp of it": (
        lambda: astra.jit(lambda x: jax.jvp(astra.grad(norm), (x,), (x,)))(X),
        astra.AstraError,
        "use that of Astra",
    ),
    "a callback": (
        lambda: astra.grad(lambda x: jax.pure_callback(lambda y: y, x, x).sum())(X),
        astra.UnsupportedError,
        "'astra_python_callback', whose derivative is not known",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_refusals_name_the_place_in_the_users_source() -> None:
    def f(x: Any) -> Any:
        return reversible(x) + 1

    line = f.__code__.co_firstlineno + 1
    with pytest.raises(
        astra.UnsupportedError, match=rf"test_transformation_refusals.py:{line}:\d+: 'astra.custom_vjp'"
    ):
        astra.jacfwd(f)(X)
