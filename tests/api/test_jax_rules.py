"""What JAX erases on its way to StableHLO is kept: derivatives of every such construct are those of JAX.

Most rules here are wrong on purpose (a derivative three times too large), so that a program in which the rule was lost
has another derivative; the others differ at a point (relu at 0) or in how they are computed (implicit differentiation).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name

import astra_mlir as astra
from astra_mlir.bindings import ir, make_context, stablehlo
from astra_mlir.errors import UnsupportedError
from astra_mlir.jax_frontend import capture
from astra_mlir.jax_frontend import custom_rules as jax_custom_rules
from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.passes import run_pipeline

from .jax_rules import VECTOR, Function, assert_close, by_first_only, numbers, second, weighted

MATRIX = numbers(4, 4) + 3 * np.eye(4, dtype=np.float32)
RIGHT = numbers(4, seed=1)


def captured(function: Function, *args: Any) -> str:
    """The Astra program of a function that is to be transformed."""
    jax_custom_rules.register()
    traced = jax.jit(function, keep_unused=True).trace(*args)
    lowered = traced.lower(lowering_platforms=(jax_lowering.AUTODIFF_PLATFORM,))
    data = capture.artifact(lowered.compiler_ir("stablehlo"))
    with make_context():
        module = stablehlo.deserialize_portable_artifact(ir.Context.current, data)
        run_pipeline(module, ["astra-import", "astra-inline"])
        return str(module)


# --- functions with rules ----------------------------------------------------------------------------------------


@jax.custom_jvp
def triple(x: Any) -> Any:
    return jnp.sin(x)


@triple.defjvp
def _triple_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return triple(x), 3 * jnp.cos(x) * t


@jax.custom_jvp
def linear(x: Any) -> Any:
    """Its rule applies it to the tangent."""
    return 2 * x


linear.defjvp(lambda primals, tangents: (linear(*primals), linear(*tangents)))


@partial(jax.custom_jvp, nondiff_argnums=(0, 2))
def apply_scaled(function: Function, x: Any, factor: float) -> Any:
    return function(x) * factor


@apply_scaled.defjvp
def _apply_scaled_jvp(function: Function, factor: float, primals: Any, tangents: Any) -> Any:
    return apply_scaled(function, primals[0], factor), 3 * factor * tangents[0]


@jax.custom_vjp
def five(x: Any, n: Any) -> Any:
    return {"product": x * n, "n": n}


five.defvjp(lambda x, n: (five(x, n), {"n": n, "x": x}), lambda res, c: (5 * c["product"] * res["n"], None))


@jax.custom_vjp
def clip_gradient(low: Any, high: Any, x: Any) -> Any:
    return x


clip_gradient.defvjp(lambda low, high, x: (x, (low, high)), lambda res, c: (None, None, jnp.clip(c, *res)))


@jax.custom_gradient
def eleven(x: Any) -> Any:
    return x**2, lambda c: c * 11


@jax.custom_batching.custom_vmap
def batched_as_cosine(x: Any) -> Any:
    return jnp.sin(x)


@batched_as_cosine.def_vmap
def _batched_as_cosine_rule(axis_size: int, in_batched: Any, x: Any) -> Any:
    assert not in_batched[0] or x.shape[0] == axis_size
    return jnp.cos(x), in_batched[0]


WEIGHTS = jnp.asarray([2.0, 3.0, 4.0], jnp.float32)


@jax.custom_vjp
def closing_over_an_array(x: Any) -> Any:
    return jnp.sin(x * WEIGHTS)


closing_over_an_array.defvjp(
    lambda x: (closing_over_an_array(x), x), lambda x, c: (3 * c * WEIGHTS * jnp.cos(x * WEIGHTS),)
)


def straight_through(x: Any) -> Any:
    return x + lax.stop_gradient(jnp.round(x) - x)


def square_root(a: Any) -> Any:
    def newton(f: Function, x: Any) -> Any:
        return lax.fori_loop(0, 12, lambda i, x: x - f(x) / (2 * x), x)

    return lax.custom_root(lambda x: x * x - a, jnp.ones_like(a), newton, lambda g, y: y / g(jnp.ones_like(y)))


def linear_solve(a: Any) -> Any:
    def solve(_: Function, b: Any) -> Any:
        return jnp.linalg.solve(a, b)

    def transpose_solve(_: Function, b: Any) -> Any:
        return jnp.linalg.solve(a.T, b)

    return lax.custom_linear_solve(lambda v: a @ v, RIGHT, solve, transpose_solve)


def linear_solve_with_aux(a: Any) -> Any:
    def solve(_: Function, b: Any) -> Any:
        return jnp.linalg.solve(a + a.T, b), jnp.sum(a)

    x, total = lax.custom_linear_solve(lambda v: (a + a.T) @ v, RIGHT, solve, symmetric=True, has_aux=True)
    return x * total


def conjugate_gradients(a: Any) -> Any:
    return jax.scipy.sparse.linalg.cg(lambda v: a @ (a.T @ v), RIGHT, maxiter=20)[0]


def remat(policy: Any) -> Function:
    def block(a: Any) -> Any:
        return jnp.sin(checkpoint_name(jnp.sin(a), "inner") @ a)

    return jax.checkpoint(block, policy=policy)


def scanned(x: Any) -> Any:
    return lax.scan(lambda c, _: (linear(triple(c)) * 0.4, c), x, None, length=4)[1]


def linear_with_transpose(x: Any) -> Any:
    factor = jnp.asarray([1.0, 2.0, 3.0], jnp.float32)
    return jax.custom_derivatives.linear_call(lambda r, x: r * x, lambda r, c: r * c, factor, x)


POLICIES = jax.checkpoint_policies

# Name: the function, its argument, the operation of the Astra dialect that keeps the construct, reverse mode only.
CONSTRUCTS: dict[str, tuple[Function, np.ndarray, str, bool]] = {
    "stop_gradient": (lambda x: lax.stop_gradient(x) * x, VECTOR, "stop_gradient", False),
    "straight-through estimator": (straight_through, 3 * VECTOR, "stop_gradient", False),
    "custom_jvp": (triple, VECTOR, "custom_jvp", False),
    "custom_jvp, linear": (lambda x: linear(x) ** 2, VECTOR, "custom_jvp", False),
    "custom_jvp, static arguments": (lambda x: apply_scaled(jnp.sin, x, 2.0), VECTOR, "custom_jvp", False),
    "custom_jvp, symbolic zeros": (lambda x: by_first_only(x, VECTOR), VECTOR, "custom_jvp", False),
    "custom_vjp": (lambda x: five(x * x, 3)["product"], VECTOR, "custom_vjp", True),
    "custom_vjp, None": (lambda x: 7 * clip_gradient(-1.0, 1.0, x * x), VECTOR, "custom_vjp", True),
    "custom_vjp, closed-over array": (closing_over_an_array, VECTOR, "custom_vjp", True),
    "custom_gradient": (eleven, VECTOR, "custom_vjp", True),
    "linear_call": (linear_with_transpose, VECTOR, "custom_jvp", False),
    "custom_vmap": (jax.vmap(batched_as_cosine), VECTOR, "cosine", False),
    "custom_root": (square_root, VECTOR, "custom_jvp", False),
    "custom_linear_solve": (linear_solve, MATRIX, "linear_solve", False),
    "custom_linear_solve, aux": (linear_solve_with_aux, MATRIX, "linear_solve", False),
    "conjugate gradients": (conjugate_gradients, MATRIX, "linear_solve", False),
    "relu at 0": (jax.nn.relu, np.float32([0, 1, -1]), "custom_jvp", False),
    "relu6 at its ends": (jax.nn.relu6, np.float32([0, 6, 3]), "custom_jvp", False),
    "logsumexp with -inf": (jax.nn.logsumexp, np.float32([1, -np.inf, 0]), "stop_gradient", False),
    "logaddexp with -inf": (lambda x: jnp.logaddexp(x, -jnp.inf), VECTOR, "custom_jvp", False),
    "softmax": (jax.nn.softmax, VECTOR, "stop_gradient", False),
    "sinc at 0": (jnp.sinc, np.float32([0, 0.5, 1]), "custom_jvp", False),
    "in a branch": (lambda x: lax.cond(x[0] > 0, triple, jnp.cos, x), VECTOR, "custom_jvp", False),
    **{
        f"checkpoint, {name}": (remat(policy), MATRIX, kept, False)
        for name, policy, kept in (
            ("no policy", None, "checkpoint"),
            ("nothing", POLICIES.nothing_saveable, 'policy = "nothing"'),
            ("everything", POLICIES.everything_saveable, 'policy = "everything"'),
            ("dots", POLICIES.dots_saveable, 'policy = "dots"'),
            ("dots without batch", POLICIES.dots_with_no_batch_dims_saveable, 'policy = "dots_with_no_batch_dims"'),
            ("names", POLICIES.save_only_these_names("inner"), "checkpoint"),
        )
    },
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_first_derivative(name: str) -> None:
    function, x, operation, reverse_only = CONSTRUCTS[name]
    assert operation in captured(function, x)
    scalar = weighted(function)
    assert_close(astra.grad(scalar)(x), jax.grad(scalar)(x))
    if reverse_only:
        with pytest.raises(UnsupportedError, match="custom_vjp"):
            astra.jvp(function, (x,), (x,))
    else:
        assert_close(astra.jvp(scalar, (x,), (x,))[1], jax.jvp(scalar, (x,), (x,))[1])


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_second_derivative(name: str) -> None:
    function, x, _, _ = CONSTRUCTS[name]
    scalar = weighted(function)
    assert_close(second(astra.grad, scalar)(x), second(jax.grad, scalar)(x), 1e-3)


# Constructs whose derivative is another one where the rule is lost, as it is in an exported program.
DIFFERENT = [
    "stop_gradient", "straight-through estimator", "custom_jvp", "custom_jvp, static arguments",
    "custom_jvp, symbolic zeros", "custom_vjp", "custom_vjp, None", "custom_gradient", "relu at 0",
]  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_rule_makes_a_difference(name: str) -> None:
    function, x, _, _ = CONSTRUCTS[name]
    scalar = weighted(function)
    exported = jax.export.export(jax.jit(scalar))(x)
    assert "@astra." not in exported.mlir_module()
    erased = np.asarray(astra.grad(exported.mlir_module_serialized)(x))
    assert_close(astra.grad(exported)(x), jax.grad(exported.call)(x))  # by the vjp that is exported with it
    assert np.max(np.abs(erased - np.asarray(jax.grad(scalar)(x)))) > 0.1


def test_norm_at_zero_is_as_in_jax() -> None:
    x = np.zeros(3, np.float32)
    np.testing.assert_array_equal(astra.grad(jnp.linalg.norm)(x), jax.grad(jnp.linalg.norm)(x))


def test_rules_inside_of_a_loop() -> None:
    scalar = weighted(scanned)
    assert_close(astra.grad(scalar)(VECTOR), jax.grad(scalar)(VECTOR))
    assert_close(astra.jvp(scalar, (VECTOR,), (VECTOR,))[1], jax.jvp(scalar, (VECTOR,), (VECTOR,))[1])


def test_plain_evaluation_has_no_rules() -> None:
    program = astra.compile(scanned, VECTOR).ir("astra")
    assert "custom_jvp" not in program
    assert_close(astra.jit(scanned)(VECTOR), scanned(VECTOR))


# --- primitives that are loops or polynomials in StableHLO -------------------------------------------------------

ORTHOGONAL = numbers(4, 3) + 2 * np.eye(4, 3, dtype=np.float32)

COMPOSITE: dict[str, tuple[Function, np.ndarray]] = {
    "lgamma": (lax.lgamma, 3 * VECTOR),
    "digamma": (lax.digamma, 3 * VECTOR),
    "polygamma": (partial(jax.scipy.special.polygamma, 1), 3 * VECTOR),
    "gammainc": (partial(jax.scipy.special.gammainc, 2.5), VECTOR),
    "gammainc by a": (lambda a: jax.scipy.special.gammainc(a, 0.7), VECTOR),
    "gammaincc by a": (lambda a: jax.scipy.special.gammaincc(a, 0.7), VECTOR),
    "betainc": (partial(jax.scipy.special.betainc, 2.0, 3.0), VECTOR),
    "bessel_i0e": (lax.bessel_i0e, VECTOR),
    "bessel_i1e at 0": (lax.bessel_i1e, np.float32([0, 0.5, 2])),
    "erf_inv": (lax.erf_inv, VECTOR),
    "erfc": (lax.erfc, VECTOR),
    "asin": (jnp.arcsin, VECTOR),
    "acos": (jnp.arccos, VECTOR),
    "atan": (jnp.arctan, VECTOR),
    "sinh": (jnp.sinh, VECTOR),
    "cosh": (jnp.cosh, VECTOR),
    "asinh of large numbers": (jnp.arcsinh, np.float32([0, 0.5, 1e8])),
    "acosh": (jnp.arccosh, VECTOR + 1),
    "atanh": (jnp.arctanh, VECTOR),
    "cumlogsumexp": (lax.cumlogsumexp, VECTOR),
    "lu": (lambda a: lax.linalg.lu(a)[0], MATRIX),
    "lu, tall": (lambda a: lax.linalg.lu(a)[0], ORTHOGONAL),
    "qr": (lambda a: jnp.concatenate([x.ravel() for x in jnp.linalg.qr(a)]), ORTHOGONAL),
    "inverse": (jnp.linalg.inv, MATRIX),
    "determinant": (lambda a: jnp.linalg.det(a / 3), MATRIX),
    "slogdet": (lambda a: jnp.linalg.slogdet(a)[1], MATRIX),
    "solve by cholesky": (
        lambda a: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a @ a.T), jnp.asarray(RIGHT)), MATRIX,
    ),
    "gamma samples": (partial(jax.random.gamma, jax.random.key(0)), 3 * VECTOR),
}  # fmt: skip

ONCE = ["gammainc by a", "gammaincc by a", "gamma samples"]  # JAX has no second derivative of these

# Second derivatives of these programs take long to compile.
LONG = ["lu, tall", "inverse", "determinant", "slogdet", "solve by cholesky", "gamma samples"]


@pytest.mark.parametrize("name", COMPOSITE)
def test_composite_primitive(name: str) -> None:
    function, x = COMPOSITE[name]
    scalar = weighted(function)
    assert_close(astra.grad(scalar)(x), jax.grad(scalar)(x), 1e-3)
    assert_close(astra.jvp(scalar, (x,), (x,))[1], jax.jvp(scalar, (x,), (x,))[1], 1e-3)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in COMPOSITE]
)
def test_second_derivative_of_a_composite_primitive(name: str) -> None:
    function, x = COMPOSITE[name]
    scalar = weighted(function)
    if name in ONCE:
        with pytest.raises((NotImplementedError, ValueError)):
            second(jax.grad, scalar)(x)
        with pytest.raises(UnsupportedError):
            second(astra.grad, scalar)(x)
    else:
        assert_close(second(astra.grad, scalar)(x), second(jax.grad, scalar)(x), 5e-3)


def pooled(t: Any) -> Any:
    """The tangent of a pooling by maximum, as JAX takes it."""
    x = jnp.asarray([1.0, 3.0, 2.0, 5.0], jnp.float32)
    pool = partial(lax.reduce_window, init_value=-jnp.inf, computation=lax.max, window_dimensions=(2,),
                   window_strides=(1,), padding="SAME")  # fmt: skip
    return jax.jvp(pool, (x,), (t,))[1]


def test_derivative_of_the_tangent_of_a_pooling() -> None:
    scalar, t = weighted(pooled), numbers(4)
    assert_close(astra.grad(scalar)(t), jax.grad(scalar)(t))
    assert_close(astra.jvp(scalar, (t,), (t,))[1], jax.jvp(scalar, (t,), (t,))[1])


def test_third_derivative_of_a_rule_that_uses_itself() -> None:
    def third(grad: Function) -> Any:
        return grad(grad(grad(lambda x: lax.digamma(x) * triple(x))))(np.float32(1.3))

    assert_close(third(astra.grad), third(jax.grad))


def test_a_rule_is_lowered_once() -> None:
    program = captured(lambda x: lax.lgamma(lax.lgamma(x)) + jnp.logaddexp(x, x), VECTOR)
    functions = re.findall(r"func.func private @([\w.]+)\(", program)
    # @polygamma.jvp contains polygamma: the functions refer to themselves instead of being repeated.
    names = ("lgamma", "digamma", "polygamma", "logaddexp", "abs")
    assert sorted(functions) == sorted(f"{name}.{part}" for name in names for part in ("value", "jvp"))


# --- batching ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["custom_jvp", "custom_vjp", "lgamma", "polygamma", "custom_root"])
def test_batched_derivative(name: str) -> None:
    function = CONSTRUCTS[name][0] if name in CONSTRUCTS else COMPOSITE[name][0]
    scalar = weighted(function)
    xs = numbers(2, 3, seed=4)
    assert_close(astra.vmap(astra.grad(scalar))(xs), jax.vmap(jax.grad(scalar))(xs))
    assert_close(astra.vmap(second(astra.grad, scalar))(xs), jax.vmap(second(jax.grad, scalar))(xs), 1e-3)


SPECIAL = [
    "bessel_i0e",
    "bessel_i1e at 0",
    "digamma",
    "lgamma",
    "erf_inv",
]  # the Bessel functions' rules use each other


@pytest.mark.parametrize("name", SPECIAL)
def test_batched_special_function(name: str) -> None:
    function, xs = COMPOSITE[name][0], np.float32([0.1, 0.3, 0.6, 0.9])
    assert_close(astra.vmap(function)(xs), jax.vmap(function)(xs))
    assert_close(astra.vmap(astra.grad(function))(xs), jax.vmap(jax.grad(function))(xs), 1e-4)
    assert_close(astra.vmap(second(astra.grad, function))(xs), jax.vmap(second(jax.grad, function))(xs), 1e-3)


def test_batched_sum_of_special_functions() -> None:
    def function(x: Any) -> Any:
        return sum(COMPOSITE[name][0](x) for name in SPECIAL)

    xs = np.float32([0.1, 0.3, 0.6, 0.9])
    assert_close(astra.vmap(function)(xs), jax.vmap(function)(xs))
    assert_close(astra.vmap(astra.grad(function))(xs), jax.vmap(jax.grad(function))(xs), 1e-4)


def test_negative_powers() -> None:
    """The rule of each has the next in it: that ends."""
    program = captured(lambda x: x**-1 + x**-2, np.float32(1.3))
    assert program.count("func.func private") <= 16
    scalar = partial(lax.integer_pow, y=-2)
    for order in range(1, 7):  # JAX's rules, then a quotient's
        ours, theirs = scalar, scalar
        for _ in range(order):
            ours, theirs = astra.grad(ours), jax.grad(theirs)
        assert_close(ours(np.float32(1.3)), theirs(np.float32(1.3)), 1e-4)
    tiny = np.float32(1e-9)  # whose square's square is zero
    assert_close(astra.grad(partial(lax.integer_pow, y=-3))(tiny), jax.grad(partial(lax.integer_pow, y=-3))(tiny))


def test_custom_vmap() -> None:
    xs = numbers(2, 3)
    assert_close(astra.jit(batched_as_cosine)(VECTOR), np.sin(VECTOR))
    assert_close(astra.vmap(batched_as_cosine)(xs), np.cos(xs))
    assert_close(astra.vmap(astra.vmap(batched_as_cosine))(xs), np.cos(xs))


def test_derivatives_of_custom_vmap() -> None:
    """Unbatched, forward mode of the function, as in JAX; batched, that of the rule."""
    ours = astra.jvp(batched_as_cosine, (VECTOR,), (VECTOR,))[1]
    assert_close(ours, jax.jvp(batched_as_cosine, (VECTOR,), (VECTOR,))[1])

    def tangent(jvp: Function) -> Function:
        return lambda x: jvp(batched_as_cosine, (x,), (jnp.ones_like(x),))[1]

    xs = numbers(2, 3)
    assert_close(astra.vmap(tangent(astra.jvp))(xs), jax.vmap(tangent(jax.jvp))(xs))
    mapped = astra.grad(lambda x: jnp.sum(astra.vmap(batched_as_cosine)(x)))
    assert_close(mapped(xs), -np.sin(xs))


def test_abs_at_zero() -> None:
    points = np.array([0.0, -0.0, 1.0, -2.0], np.float32)
    assert_close(astra.grad(lambda x: jnp.abs(x).sum())(points), jax.grad(lambda x: jnp.abs(x).sum())(points))
    assert_close(astra.jvp(jnp.abs, (points,), (points,)), jax.jvp(jnp.abs, (points,), (points,)))
