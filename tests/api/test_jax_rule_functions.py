"""Derivative rules as Python functions: which are the same, what they may close over, and which are refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import astra_mlir as astra
from astra_mlir.errors import UnsupportedError

from .jax_rules import VECTOR, Function, assert_close, by_first_only, numbers, second, weighted

# --- rules that look alike ---------------------------------------------------------------------------------------


def scaled_rule(factor: float) -> Function:
    """A function whose derivative has a derivative that depends on ``factor``; the first one's text does not."""

    @jax.custom_jvp
    def inner(x: Any) -> Any:
        return jnp.cos(x)

    inner.defjvp(lambda primals, tangents: (inner(*primals), factor * tangents[0]))

    @jax.custom_jvp
    def outer(x: Any) -> Any:
        return jnp.sin(x)

    outer.defjvp(lambda primals, tangents: (outer(*primals), inner(*primals) * tangents[0]))
    return outer


def test_rules_of_functions_made_by_one_function_are_kept_apart() -> None:
    two, ten = scaled_rule(2.0), scaled_rule(10.0)

    def f(x: Any) -> Any:
        return two(x) + 3 * ten(x)

    x = np.float32(0.4)
    assert_close(astra.grad(f)(x), jax.grad(f)(x))
    assert_close(astra.grad(astra.grad(f))(x), jax.grad(jax.grad(f))(x))


def endless(x: Any) -> Any:
    """Its rule makes a new function with a rule each time."""

    @jax.custom_jvp
    def inner(y: Any) -> Any:
        return jnp.sin(y)

    inner.defjvp(lambda primals, tangents: (endless(*primals), 2 * endless(*primals) * tangents[0]))
    return inner(x)


def test_rules_without_end_are_refused_at_some_order() -> None:
    ours, theirs = endless, endless
    x = np.float32(0.4)
    for _ in range(4):
        ours, theirs = astra.grad(ours), jax.grad(theirs)
        assert_close(ours(x), theirs(x))
    with pytest.raises(UnsupportedError, match="derivatives above order 4 are not supported"):
        astra.grad(ours)(x)


# --- rules that close over traced values -------------------------------------------------------------------------


def with_closed_over_values(x: Any, data: Any) -> Any:
    """Rules that use values of the function around them, in all their parts."""
    scale = 2 * data

    @jax.custom_vjp
    def reverse(y: Any) -> Any:
        return jnp.sin(y) * scale

    @jax.custom_jvp
    def forward(y: Any) -> Any:
        return jnp.cos(y) * scale

    shift = jnp.cos(data)
    reverse.defvjp(lambda y: (reverse(y) + shift, (y, scale)), lambda res, c: (3 * c * shift * res[0] * data,))
    forward.defjvp(lambda p, t: (forward(*p), 5 * t[0] * p[0] * shift * scale))
    return jnp.sum(reverse(x) ** 2 + forward(x) * reverse(x))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def with_traced_static_argument(y: Any, scale: Any) -> Any:
    return jnp.sin(y) * scale


with_traced_static_argument.defjvp(
    lambda scale, p, t: (with_traced_static_argument(p[0], scale), 5 * t[0] * scale * p[0])
)


@pytest.mark.parametrize(
    "function",
    [with_closed_over_values, lambda x, data: jnp.sum(with_traced_static_argument(x, 2 * data) ** 2)],
    ids=["closed over", "static argument"],
)
def test_rules_use_values_of_the_function_around_them(function: Function) -> None:
    data = numbers(3, seed=5)
    assert_close(astra.grad(function)(VECTOR, data), jax.jit(jax.grad(function))(VECTOR, data))

    def by_x(x: Any) -> Any:
        return function(x, data)

    assert_close(second(astra.grad, by_x)(VECTOR), jax.jit(second(jax.grad, by_x))(VECTOR))

    def from_outside(grad: Function) -> Function:
        return lambda x, data: grad(lambda x: function(x, data))(x)

    ours = astra.jit(from_outside(astra.grad))(VECTOR, data)
    assert_close(ours, jax.jit(from_outside(jax.grad))(VECTOR, data))


def test_rules_in_a_loop_use_values_of_the_loop() -> None:
    def program(function: Function) -> Function:
        def body(c: Any, w: Any) -> Any:
            return 0.3 * function(c, jnp.cos(w)), None

        return lambda x: jnp.sum(lax.scan(body, x, numbers(4, 3))[0])

    def closing(c: Any, w: Any) -> Any:
        @jax.custom_vjp
        def inner(y: Any) -> Any:
            return jnp.sin(y) * w

        inner.defvjp(lambda y: (inner(y), y), lambda y, c: (3 * c * w * jnp.cos(y),))
        return inner(c)

    @jax.custom_vjp
    def taking(y: Any, w: Any) -> Any:
        return jnp.sin(y) * w

    taking.defvjp(lambda y, w: (taking(y, w), (y, w)), lambda res, c: (3 * c * res[1] * jnp.cos(res[0]), None))
    # JAX itself cannot differentiate the first one.
    assert_close(astra.grad(program(closing))(VECTOR), jax.grad(program(taking))(VECTOR))


# --- refused -----------------------------------------------------------------------------------------------------


@jax.custom_jvp
def unfinished(x: Any) -> Any:
    return jnp.sin(x)


@unfinished.defjvp
def _unfinished_jvp(primals: Any, tangents: Any) -> Any:
    raise NotImplementedError("to be written")


@jax.custom_jvp
def chatty(x: Any) -> Any:
    return jnp.sin(x)


@chatty.defjvp
def _chatty_jvp(primals: Any, tangents: Any) -> Any:
    jax.debug.print("{}", primals[0])
    return chatty(*primals), tangents[0]


def closing(x: Any) -> Any:
    @jax.custom_jvp
    def inner(y: Any) -> Any:
        return y * 2

    inner.defjvp(lambda primals, tangents: (inner(*primals), tangents[0] * x))
    return inner(x)


def closing_inside_jit(x: Any) -> Any:
    @jax.custom_jvp
    def inner(y: Any) -> Any:
        return y * 2

    inner.defjvps(lambda t, out, y: t * x)
    return jax.jit(inner)(2 * x)


REFUSED: dict[str, tuple[Function, str]] = {
    "a rule that raises": (unfinished, "NotImplementedError: to be written"),
    "a rule with side effects": (chatty, "side effects"),
    "a rule by what it closes over": (closing, "operand 0: it is closed over by a function with a derivative rule"),
    "a rule that uses a value outside of jit": (closing_inside_jit, "make that an argument of the function"),
    "no derivative by one argument": (lambda x: by_first_only(x, x), "operand 1: .*no derivative by y"),
    "polygamma by its order": (lambda n: lax.polygamma(n, jnp.ones_like(n)), "with respect to m is not supported"),
    "betainc by a": (lambda a: lax.betainc(a, a, a / 2), "Betainc gradient with respect to a and b not supported"),
    "nextafter": (lambda x: jnp.nextafter(x, 2 * x), "nextafter"),
    "linear_call by what it is not linear in": (
        lambda x: jax.custom_derivatives.linear_call(lambda r, x: r * x, lambda r, c: r * c, x, x), "linear arguments",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_missing_derivatives_are_refused_where_they_are_taken(name: str) -> None:
    function, message = REFUSED[name]
    with pytest.raises(UnsupportedError, match=message):
        astra.grad(weighted(function))(VECTOR)

    def constant(x: Any) -> Any:
        return jnp.sum(x * function(lax.stop_gradient(x)))

    assert_close(astra.grad(constant)(VECTOR), jax.grad(constant)(VECTOR))


def test_a_closed_over_value_of_custom_vjp() -> None:
    def f(x: Any) -> Any:
        @jax.custom_vjp
        def inner(y: Any) -> Any:
            return y * x

        inner.defvjp(lambda y: (y, None), lambda _, c: (c,))
        return jnp.sum(inner(x))

    with pytest.raises(UnsupportedError, match="operand 0: it is closed over"):
        astra.grad(f)(VECTOR)


# --- rules that look at which arguments are differentiated -------------------------------------------------------

SymbolicZero = jax.custom_derivatives.SymbolicZero


def product_with_vjp(factor: float) -> Any:
    """A product that keeps only what is needed, and multiplies by ``factor`` where both are differentiated."""

    @jax.custom_vjp
    def product(x: Any, y: Any) -> Any:
        return x * y

    def forward(x: Any, y: Any) -> Any:
        scale = factor if x.perturbed and y.perturbed else 1.0
        residuals = y.value if x.perturbed else None, x.value if y.perturbed else None
        return x.value * y.value, (residuals, scale)

    def backward(residuals: Any, ct: Any) -> Any:
        return tuple(None if r is None else ct * r * residuals[1] for r in residuals[0])

    product.defvjp(forward, backward, symbolic_zeros=True)
    return product


def product_with_jvp(factor: float) -> Any:
    @jax.custom_jvp
    def product(x: Any, y: Any) -> Any:
        return x * y

    @partial(product.defjvp, symbolic_zeros=True)
    def rule(primals: Any, tangents: Any) -> Any:
        (x, y), zero = primals, [isinstance(t, SymbolicZero) for t in tangents]
        scale = 1.0 if any(zero) else factor
        terms = [t * z * scale for t, z, skip in zip(tangents, (y, x), zero, strict=True) if not skip]
        return product(x, y), sum(terms)

    return product


@pytest.mark.parametrize("make", [product_with_vjp, product_with_jvp])
def test_rules_of_symbolic_zeros(make: Any) -> None:
    x, y = np.float32(2), np.float32(5)
    same = make(1.0)
    for argnums in (0, 1, (0, 1)):
        np.testing.assert_allclose(astra.grad(same, argnums)(x, y), jax.grad(same, argnums)(x, y))
    differs = make(3.0)
    assert jax.grad(differs)(x, y) != jax.grad(differs, (0, 1))(x, y)[0]
    with pytest.raises(UnsupportedError, match=r"@product.*symbolic_zeros=True\) gives another result"):
        astra.grad(differs)(x, y)
    assert astra.jit(differs)(x, y) == x * y
