"""``astra.grad`` and the other transformations against JAX's own, on functions, programs in files and exported ones."""

from __future__ import annotations

from collections import namedtuple
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir import compiler
from astra_mlir.transformations import api as transformations
from astra_mlir.transformations import rules as transform_rules

F32 = np.float32
Point = namedtuple("Point", ["x", "y"])


def numbers(*shape: int, seed: int = 0, dtype: Any = F32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.2, 1.5, shape)
    if np.dtype(dtype).kind == "c":
        return (values + 1j * rng.uniform(-1, 1, shape)).astype(dtype)
    return values.astype(dtype)


def assert_same(ours: Any, theirs: Any, rtol: float = 2e-5, atol: float = 2e-5) -> None:
    """Equal trees of arrays with the same shapes and element types."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.shape(a) == np.shape(b)
        assert a.dtype == b.dtype
        if a.dtype != jax.dtypes.float0:
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol)


# --- functions ---------------------------------------------------------------------------------------------------


def norm(x: Any) -> Any:
    return jnp.sum(jnp.sin(x) * x**2)


def model(p: Any, x: Any, scale: Any = 1.0) -> Any:
    h = jnp.tanh(x @ p["w"][0] + p["b"])
    return jnp.mean((h @ p["w"][1]) ** 2) * scale


PARAMETERS = {"w": [numbers(3, 4), numbers(4, 2, seed=1)], "b": numbers(4, seed=2)}
X = numbers(5, 3, seed=3)


def with_aux(x: Any, y: Any) -> Any:
    z = jnp.exp(x) * y
    return z.sum(), {"z": z, "n": jnp.arange(3), "half": (z[0] / 2, None)}


def many(p: Any, y: Any) -> Any:
    return Point(p["a"] * y, [jnp.sin(y), p["b"].sum() * y[0]])


def scanned(w: Any, xs: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        c = jnp.tanh(w * c + x)
        return c, c * x

    return jax.lax.scan(step, jnp.zeros_like(xs[0]), xs)


def looped(x: Any) -> Any:
    return jax.lax.fori_loop(0, 5, lambda i, v: v + jnp.sin(v) * (i + 1), x).sum()


def branching(x: Any) -> Any:
    return jax.lax.cond(x.sum() > 1, lambda v: jnp.sin(v).sum(), lambda v: (v**2).sum(), x)


def penalty(t: Any) -> Any:
    def critic(w: Any, x: Any) -> Any:
        return jnp.tanh(x @ w).sum()

    def loss(w: Any, x: Any) -> Any:
        g = t.grad(critic, argnums=1)(w, x)
        return (jnp.sqrt((g**2).sum()) - 1) ** 2

    return t.grad(loss)


def hvp(t: Any) -> Any:
    def product(x: Any, v: Any) -> Any:
        return t.jvp(t.grad(norm), (x,), (v,))[1]

    return product


def relu6(x: Any) -> Any:
    return jax.nn.relu6(3 * x).sum()


def custom(t: Any) -> Any:
    @t.custom_jvp
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(x) * y

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        x, y = primals
        tx, ty = tangents
        return f(x, y), 2 * jnp.cos(x) * tx * y + 3 * ty * jnp.sin(x)

    return lambda x, y: f(x, y).sum()


def custom_reverse(t: Any) -> Any:
    @partial(t.custom_vjp, nondiff_argnums=(0,))
    def f(power: int, x: Any) -> Any:
        return {"out": x**power}

    def forward(power: int, x: Any) -> Any:
        return f(power, x), (x, jnp.cos(x))

    def backward(power: int, residuals: Any, ct: Any) -> Any:
        x, c = residuals
        return (ct["out"] * c * power + x,)

    f.defvjp(forward, backward)
    return lambda x: f(3, x)["out"].sum()


def both(x: Any, y: Any) -> Any:
    return x * y, x.sum() + jnp.arange(2) * y.sum()


INTS = np.arange(3, dtype=np.int32)

# name: the transformed function, made with the transformations of JAX or of Astra; its arguments
CASES: dict[str, tuple[Any, ...]] = {
    "grad": (lambda t: t.grad(norm), X),
    "grad of a scalar": (lambda t: t.grad(jnp.sin), F32(0.3)),
    "grad of a Python number": (lambda t: t.grad(lambda x: x**3), 2.0),
    "grad of a tree": (lambda t: t.grad(model), PARAMETERS, X),
    "grad of the last": (lambda t: t.grad(model, argnums=-1), PARAMETERS, X),
    "grad of several": (lambda t: t.grad(model, argnums=(1, 0)), PARAMETERS, X),
    "grad with a keyword": (lambda t: lambda p, x: t.grad(model)(p, x, scale=2.0), PARAMETERS, X),
    "value_and_grad": (lambda t: t.value_and_grad(model, argnums=(0, 1)), PARAMETERS, X),
    "grad with aux": (lambda t: t.grad(with_aux, has_aux=True), numbers(3), numbers(3, seed=1)),
    "value_and_grad with aux": (lambda t: t.value_and_grad(with_aux, 1, has_aux=True), numbers(3), numbers(3, seed=1)),
    "grad of integers": (
        lambda t: t.grad(lambda n, x: (n * x).sum(), argnums=(0, 1), allow_int=True), INTS, numbers(3),
    ),
    "grad of a complex argument": (
        lambda t: t.grad(lambda z: jnp.abs(z * z).sum()), numbers(3, dtype=np.complex64),
    ),
    "holomorphic grad": (lambda t: t.grad(lambda z: (z**2 + jnp.sin(z)).sum(), holomorphic=True),
                         numbers(3, dtype=np.complex64)),
    "grad of a scan": (lambda t: t.grad(lambda w, xs: scanned(w, xs)[1].sum()), numbers(3), numbers(6, 3)),
    "grad of a loop": (lambda t: t.grad(looped), numbers(3)),
    "grad of a branch": (lambda t: t.grad(branching), numbers(3)),
    "grad of stop_gradient": (lambda t: t.grad(lambda x: (x * jax.lax.stop_gradient(jnp.exp(x))).sum()), numbers(3)),
    "grad of JAX's custom rule": (lambda t: t.grad(relu6), numbers(4) - 0.5),
    "grad through jax.checkpoint": (lambda t: t.grad(lambda x: jax.checkpoint(jnp.sin)(jnp.sin(x)).sum()), X),
    "grad of jax.grad": (lambda t: t.grad(lambda x: jax.grad(norm)(x).sum()), X),
    "grad of softmax": (lambda t: t.grad(lambda x: jax.nn.log_softmax(x)[:, 0].sum()), X),
    "grad of a sort": (lambda t: t.grad(lambda x: (jnp.sort(x) * jnp.arange(5)).sum()), numbers(5)),
    "jvp": (lambda t: lambda x, v: t.jvp(norm, (x,), (v,)), X, numbers(5, 3, seed=9)),
    "jvp of a tree": (
        lambda t: lambda p, y: t.jvp(many, (p, y), ({"a": p["b"], "b": p["a"]}, 2 * y)),
        {"a": numbers(2), "b": numbers(2, seed=1)}, numbers(2, seed=2),
    ),
    "jvp with aux": (lambda t: lambda x: t.jvp(with_aux, (x, x), (x, 2 * x), has_aux=True), numbers(3)),
    "jvp with integers": (
        lambda t: lambda x: t.jvp(both, (x, jnp.arange(3)), (x, np.zeros(3, jax.dtypes.float0))), numbers(3),
    ),
    "vjp": (lambda t: lambda x, y: t.vjp(jnp.sin, x)[1](y), X, numbers(5, 3, seed=5)),
    "vjp and its value": (lambda t: lambda p, y: (lambda out, f: (out, f(out)))(*t.vjp(many, p, y)),
                          {"a": numbers(2), "b": numbers(2, seed=1)}, numbers(2, seed=2)),
    "vjp with aux": (lambda t: lambda x: (lambda out, f, aux: (out, f(out), aux))(*t.vjp(with_aux, x, x, has_aux=True)),
                     numbers(3)),
    "vjp with integers": (lambda t: lambda x: t.vjp(lambda n, x: n * x, jnp.arange(3), x)[1](x), numbers(3)),
    "vjp twice": (lambda t: lambda x: (lambda f: (f(x), f(2 * x)))(t.vjp(jnp.tanh, x)[1]), numbers(3)),
    "linearize": (lambda t: lambda x, v: (lambda out, f: (out, f(v), f(2 * v)))(*t.linearize(norm, x)),
                  X, numbers(5, 3, seed=5)),
    "jacfwd": (lambda t: t.jacfwd(jnp.sin), numbers(3)),
    "jacfwd of trees": (lambda t: t.jacfwd(many, argnums=(0, 1)), {"a": numbers(2), "b": numbers(2, seed=1)},
                        numbers(2, seed=2)),
    "jacfwd with aux": (lambda t: t.jacfwd(lambda x: (x**2, x.sum()), has_aux=True), numbers(3)),
    "jacfwd to complex": (lambda t: t.jacfwd(lambda x: jnp.exp(1j * x)), numbers(3)),
    "jacrev": (lambda t: t.jacrev(lambda x: jnp.sin(x[:2]) * x[2]), numbers(3)),
    "jacrev of trees": (lambda t: t.jacrev(many, argnums=(0, 1)), {"a": numbers(2), "b": numbers(2, seed=1)},
                        numbers(2, seed=2)),
    "jacrev of a matrix": (lambda t: t.jacrev(lambda x: x @ x.T), numbers(2, 3)),
    "jacrev of a scan": (lambda t: t.jacrev(lambda w, xs: scanned(w, xs)[0]), numbers(3), numbers(6, 3)),
    "jacfwd of a scan": (lambda t: t.jacfwd(lambda w, xs: scanned(w, xs)), numbers(3), numbers(6, 3)),
    "jacobian of nothing": (lambda t: t.jacfwd(lambda x: jnp.concatenate([x, x])), numbers(0)),
    "holomorphic jacobian": (lambda t: t.jacrev(lambda z: z**2, holomorphic=True), numbers(2, dtype=np.complex64)),
    "hessian": (lambda t: t.hessian(norm), numbers(3)),
    "hessian of a tree": (lambda t: t.hessian(lambda p: (p["a"] * p["b"].sum()).sum() ** 2),
                          {"a": numbers(2), "b": numbers(3)}),
    "hessian of several": (lambda t: t.hessian(lambda x, y: (x @ y) ** 2, argnums=(0, 1)), numbers(3), numbers(3)),
    "hessian with aux": (lambda t: t.hessian(lambda x: (norm(x), 2 * x), has_aux=True), numbers(3)),
    "vmap": (lambda t: t.vmap(norm), X),
    "vmap over several axes": (lambda t: t.vmap(jnp.dot, in_axes=(1, 0), out_axes=-1), numbers(2, 4), numbers(4, 2)),
    "vmap over one argument": (lambda t: t.vmap(model, in_axes=(None, -1)), PARAMETERS, numbers(5, 3, 2)),
    "vmap over a tree": (
        lambda t: t.vmap(lambda p, x: {"y": p["a"] * x, "z": p["b"]}, in_axes=({"a": 0, "b": None}, 1),
                         out_axes={"y": 1, "z": None}),
        {"a": numbers(2, 3), "b": numbers(3)}, numbers(3, 2),
    ),
    "vmap with a keyword": (lambda t: lambda x, y: t.vmap(lambda x, y: x * y)(x, y=y), numbers(2, 3), numbers(2, 3)),
    "vmap of a size": (lambda t: lambda x: t.vmap(lambda: x * 2, axis_size=3)(), numbers(2)),
    "vmap of vmap": (
        lambda t: t.vmap(t.vmap(jnp.dot, in_axes=(None, 0)), in_axes=(0, None)), numbers(2, 3), numbers(4, 3),
    ),
    "vmap of a scan": (lambda t: t.vmap(scanned, in_axes=(None, 1)), numbers(3), numbers(6, 2, 3)),
    "vmap of a branch": (lambda t: t.vmap(branching), numbers(4, 2)),
    "vmap over integers": (lambda t: t.vmap(lambda x, i: jnp.take(x, i) * i, in_axes=(None, 0)), numbers(5), INTS),
    "vmap of jax.vmap": (lambda t: t.vmap(lambda x: jax.vmap(norm)(x)), numbers(2, 5, 3)),
    "jax.vmap of it": (lambda t: jax.vmap(t.grad(norm), in_axes=1), numbers(3, 4)),
    "per-example gradients": (lambda t: t.vmap(t.grad(model), in_axes=(None, 0)), PARAMETERS, numbers(4, 5, 3)),
    "Hessian-vector product": (hvp, numbers(3), numbers(3, seed=1)),
    "gradient penalty": (penalty, numbers(3, 2), numbers(4, 3)),
    "an ensemble": (
        lambda t: t.vmap(t.value_and_grad(model), in_axes=({"w": 0, "b": 0}, None)),
        {"w": [numbers(2, 3, 4), numbers(2, 4, 2)], "b": numbers(2, 4)}, X,
    ),
    "grad of grad of grad": (lambda t: t.grad(t.grad(t.grad(lambda x: jnp.sin(x) * x))), F32(0.7)),
    "vmap of hessian": (lambda t: t.vmap(t.hessian(norm)), numbers(4, 3)),
    "grad of vmap of grad": (
        lambda t: t.grad(lambda w, x: t.vmap(t.grad(lambda x: jnp.tanh(x * w).sum()))(x).sum()),
        numbers(3), numbers(2, 3),
    ),
    "jacfwd of jacrev of vmap": (lambda t: t.jacfwd(t.jacrev(lambda x: t.vmap(jnp.prod)(x))), numbers(2, 2)),
    "jvp of vjp": (
        lambda t: lambda x: t.jvp(lambda y: t.vjp(norm, y)[1](F32(1))[0], (x,), (x,)), numbers(3),
    ),
    "closed over": (lambda t: lambda w: t.grad(lambda x: (w * x**2).sum())(w + 1), numbers(3)),
    "grad through a closed-over value": (
        lambda t: t.grad(lambda w: t.grad(lambda x: (w * x**3).sum())(w + 1).sum()), numbers(3),
    ),
    "checkpoint": (lambda t: t.grad(t.checkpoint(norm)), X),
    "checkpoint of a tree": (lambda t: t.grad(lambda p, x: t.checkpoint(model)(p, x, scale=3.0)), PARAMETERS, X),
    "checkpoint with a policy": (
        lambda t: t.grad(t.checkpoint(model, policy=jax.checkpoint_policies.dots_saveable)), PARAMETERS, X,
    ),
    "checkpoint of one argument twice": (
        lambda t: t.jacrev(lambda x: t.checkpoint(lambda a, b: a * jnp.sin(b))(x, x)), numbers(3),
    ),
    "reverse over forward of a checkpoint": (
        lambda t: t.grad(lambda x: t.jvp(t.checkpoint(norm), (x,), (x,))[1]), numbers(3),
    ),
    "jacfwd of a sort": (lambda t: t.jacfwd(lambda x: jax.lax.sort((x, x * x), num_keys=1)), numbers(4)),
    "checkpoint in a scan": (
        lambda t: t.grad(
            lambda w: jax.lax.scan(t.checkpoint(lambda c, _: (jnp.sin(c * w), c)), w, None, length=4)[0].sum()
        ),
        numbers(2),
    ),
    "custom_jvp": (lambda t: t.grad(custom(t), argnums=(0, 1)), numbers(3), numbers(3)),
    "custom_jvp forward": (lambda t: t.jacfwd(custom(t)), numbers(3), numbers(3)),
    "custom_jvp twice": (lambda t: t.hessian(custom(t)), numbers(3), numbers(3)),
    "custom_jvp batched": (lambda t: t.vmap(t.grad(custom(t))), numbers(2, 3), numbers(2, 3)),
    "custom_vjp": (lambda t: t.grad(custom_reverse(t)), numbers(3)),
    "custom_vjp batched": (lambda t: t.vmap(t.grad(custom_reverse(t))), numbers(2, 3)),
    "within a scan": (
        lambda t: lambda w: jax.lax.scan(
            lambda w, x: (jax.tree.map(lambda p, g: p - 0.1 * g, w, t.grad(model)(w, x)), x.sum()), w, X[:, None, :]
        ),
        PARAMETERS,
    ),
    "within a branch": (
        lambda t: lambda x: jax.lax.cond(x[0, 0] > 0, t.grad(norm), lambda x: x, x), X,
    ),
    "within a while loop": (
        lambda t: lambda x: jax.lax.while_loop(lambda v: v[0, 0] > 0.05, lambda v: v - 0.1 * t.grad(norm)(v), x), X,
    ),
    "grad around a training loop": (
        lambda t: t.grad(lambda w, lr: norm(
            jax.lax.fori_loop(0, 3, lambda _, v: v - lr * t.grad(norm)(v), w)), argnums=(0, 1)),
        numbers(3), F32(0.1),
    ),
    "vmap around a training loop": (
        lambda t: t.vmap(lambda w, lr: jax.lax.fori_loop(0, 3, lambda _, v: v - lr * t.grad(norm)(v), w), (None, 0)),
        numbers(3), numbers(2),
    ),
    "within jax.checkpoint": (
        lambda t: t.grad(jax.checkpoint(lambda x: (t.grad(norm)(x) ** 2).sum())), X,
    ),
    "a function of jit": (lambda t: t.grad(t.jit(model, static_argnames="scale")), PARAMETERS, X),
    "a jitted part": (lambda t: t.grad(lambda x: t.jit(norm)(x) * 2), X),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_jax_does(name: str) -> None:
    make, *args = CASES[name]
    theirs = make(jax)(*args)
    assert_same(astra.jit(make(astra))(*args), theirs)


# JAX's own functions around one of Astra's need astra.jit around them.
WITHIN_JAX = ("jax.vmap of it", "within a scan", "within a branch", "within a while loop")


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHIN_JAX])
def test_called_on_arrays(name: str) -> None:
    make, *args = CASES[name]
    assert_same(make(astra)(*args), make(jax)(*args))


@pytest.mark.parametrize("name", WITHIN_JAX)
def test_jax_around_needs_jit(name: str) -> None:
    make, *args = CASES[name]
    with pytest.raises(astra.AstraError, match="Put astra.jit around all of it"):
        make(astra)(*args)


# --- how they behave ---------------------------------------------------------------------------------------------


def test_one_compilation_for_each_signature() -> None:
    traces = []

    def f(x: Any) -> Any:
        traces.append(x.shape)
        return jnp.sum(x**2)

    gradient = astra.grad(f)
    for n in (2, 3, 2, 3):
        assert_same(gradient(numbers(n)), 2 * numbers(n))
    assert traces == [(2,), (3,)]
    for n in (2, 2):
        astra.vjp(f, numbers(n))[1](F32(1))
        astra.jvp(f, (numbers(n),), (numbers(n),))
    assert len(traces) == 8  # at each call, as in JAX; vjp looks at the structure of the result first


def test_kinds_of_arrays() -> None:
    gradient = astra.value_and_grad(norm)
    assert all(type(leaf) is np.ndarray for leaf in gradient(X))
    assert all(isinstance(leaf, jax.Array) for leaf in gradient(jnp.asarray(X)))
    out, pull_back = astra.vjp(norm, jnp.asarray(X))
    assert isinstance(out, jax.Array)
    assert isinstance(pull_back(F32(1))[0], jax.Array)


def test_what_vjp_keeps_is_its_own() -> None:
    x = numbers(3)
    expected = jax.vjp(norm, x)[1](F32(1))[0]
    _, pull_back = astra.vjp(norm, x)
    x[:] = 0
    assert_same(pull_back(F32(1))[0], np.asarray(expected))


def test_the_value_is_computed_once() -> None:
    """What the backward part of an LU-free chain of matrix products computes: no product of the forward part."""

    def f(x: Any, y: Any) -> Any:
        return jnp.tanh(x @ y) @ y

    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    transformed = transformations.Transformed(f, transform_rules.vjp, has_aux=False, reverse_mode=None)
    transformed(x, y)
    (derivative,) = transformed.compiled.values()
    assert derivative.parts.early.ir("astra").count("astra.dot_general") == 2
    assert derivative.parts.late.ir("astra").count("astra.dot_general") == 4
    assert "astra.tanh" not in derivative.parts.late.ir("astra")


def test_auxiliary_data_is_not_differentiated() -> None:
    """Its derivative is infinite here, which times a zero would be no number; nor is any of it computed."""
    gradient = astra.grad(lambda x: (x.sum(), jnp.sqrt(x) @ jnp.sqrt(x)), has_aux=True)
    assert_same(gradient(np.zeros(2, F32)), (np.ones(2, F32), np.zeros((), F32)))
    text = astra.vmap(gradient).compile(numbers(3, 2)).ir("astra")
    assert "astra.divide" not in text
    outer = astra.grad(lambda x: gradient(x)[1])  # but a derivative around is of auxiliary data, too
    assert_same(outer(numbers(2)), np.ones(2, F32))


def test_closed_over_large_arrays() -> None:
    w = numbers(200, 200)
    assert_same(astra.grad(lambda x: jnp.tanh(w @ x).sum())(numbers(200)),
                jax.grad(lambda x: jnp.tanh(w @ x).sum())(numbers(200)), rtol=1e-4, atol=1e-4)  # fmt: skip
    out, pull_back = astra.vjp(lambda x: w @ x, numbers(200))
    assert_same((out, *pull_back(numbers(200))), (w @ numbers(200), w.T @ numbers(200)), rtol=1e-4)


def test_static_arguments_of_jit() -> None:
    power = astra.jit(lambda x, n: (x**n).sum(), static_argnums=1)
    assert_same(astra.grad(power)(numbers(3), 3), 3 * numbers(3) ** 2)
    assert_same(astra.grad(power)(numbers(3), 2), 2 * numbers(3))
    assert_same(astra.jit(astra.grad(lambda x, n: (x**n).sum()), static_argnums=1)(numbers(3), 2), 2 * numbers(3))
    only_named = astra.grad(lambda x, *, flag: x.sum() if flag else (2 * x).sum())
    assert_same(astra.jit(only_named, static_argnames="flag")(numbers(3), flag=False), np.full(3, 2, F32))


def test_options_of_jit() -> None:
    f = astra.jit(norm, output="jax", target="x86-64-v3")
    assert isinstance(astra.grad(f)(X), jax.Array)
    assert astra.grad(f).compile(X).executable.target.cpu == "x86-64-v3"
    donating = astra.jit(norm, donate_argnums=0)
    x = jnp.asarray(X)
    astra.grad(donating)(x)
    assert not x.is_deleted()


def test_methods() -> None:
    class Model:
        scale = 2.0

        @partial(astra.grad, argnums=1)
        def slope(self, x: Any) -> Any:
            """The slope."""
            return self.scale * x**2

    assert Model.slope.__doc__ == "The slope."
    assert float(astra.jit(Model().slope)(F32(3))) == 12


def test_random_keys() -> None:
    def f(key: Any, x: Any) -> Any:
        return (jax.random.normal(key, x.shape) * x).sum()

    keys = jax.random.split(jax.random.key(1), 3)
    x = jnp.asarray(numbers(3, 2))
    assert_same(astra.vmap(astra.grad(f, argnums=1))(keys, x), jax.vmap(jax.grad(f, argnums=1))(keys, x))


def test_sixty_four_bits() -> None:
    with jax.enable_x64(True):
        x = numbers(3, dtype=np.float64)
        assert_same(astra.hessian(norm)(x), np.asarray(jax.hessian(norm)(x)), rtol=1e-12, atol=1e-12)
        z = numbers(3, dtype=np.complex128)
        assert_same(astra.vjp(jnp.exp, z)[1](z)[0], np.asarray(jax.vjp(jnp.exp, z)[1](z)[0]), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sixteen_bits(dtype: str) -> None:
    x = jnp.asarray(numbers(3)).astype(dtype)
    assert_same(astra.grad(norm)(x), jax.grad(norm)(x), rtol=2e-2, atol=2e-2)


def test_bound_of_a_while_loop() -> None:
    def f(x: Any) -> Any:
        return jax.lax.while_loop(lambda v: v.sum() < 10, lambda v: v * 1.5, x).sum()

    with pytest.raises(astra.UnsupportedError, match="while"):
        astra.grad(f)(numbers(3))
    steps = np.log(10 / numbers(3).sum()) // np.log(1.5) + 1
    gradient = astra.grad(f, reverse_mode=astra.ReverseMode(while_bound=20))(numbers(3))
    assert_same(gradient, np.full(3, 1.5**steps, F32))


def test_what_jax_keeps_of_a_trace_is_not_run_by_it() -> None:
    inner = jax.jit(lambda x: astra.grad(norm)(x))
    assert_same(astra.jit(inner)(X), np.asarray(jax.grad(norm)(X)))
    with pytest.raises(astra.AstraError, match=r"astra\.jit|called on traced"):
        inner(X)


def test_functions_lowered_before_keep_their_rules() -> None:
    """A function that is lowered plainly in the same module must not lend its form to the differentiated one."""

    def f(x: Any) -> Any:
        return jax.nn.relu(x).sum() + astra.grad(lambda y: jax.nn.relu(y).sum())(x).sum() + jax.nn.relu(x).sum()

    text = astra.jit(f).compile(numbers(3)).ir("stablehlo")
    assert text.count("@astra.custom_jvp") >= 1
    assert_same(astra.jit(f)(np.zeros(3, F32)), F32(0) + np.zeros((), F32))


def test_functions_of_jit_may_use_traced_values_from_around() -> None:
    inner = astra.jit(lambda w: astra.jit(lambda: w * 2)() + astra.jit(lambda x: x * w)(1.0))
    assert float(inner(F32(3))) == 9


def nested(x: Any) -> Any:
    def body(c: Any, _: None) -> Any:
        d = jax.lax.fori_loop(0, 3, lambda _, u: jnp.sin(u) * c, c)
        return jax.lax.cond(c.sum() > 1, jnp.tanh, jnp.sin, d), c + 1

    return jax.lax.scan(body, x, None, length=4)


def test_loops_run_once_for_value_and_derivative() -> None:
    def both(t: Any) -> Any:
        def value_and_pull(x: Any) -> Any:
            out, pull_back = t.vjp(nested, x)
            return out, pull_back(out)

        return value_and_pull

    ours, theirs = astra.jit(both(astra)), astra.jit(both(jax))
    x = numbers(3)
    assert_same(ours(x), theirs(x))
    assert ours.compile(x).ir("astra").count("astra.scan") == theirs.compile(x).ir("astra").count("astra.scan")


def test_texts_and_functions_are_static() -> None:
    def f(x: Any, mode: str, g: Any = jnp.sin) -> Any:
        return (g(x) if mode == "apply" else x).sum()

    gradient = astra.grad(f)
    assert_same(gradient(X, "apply"), np.cos(X))
    assert_same(gradient(X, "skip"), np.ones_like(X))
    assert_same(gradient(X, mode="apply", g=jnp.exp), np.exp(X))
    assert_same(gradient(X, "apply", jnp.exp), np.exp(X))


def test_numbers_as_primals_and_cotangents() -> None:
    out, pull_back = astra.vjp(lambda x: x**2, 3.0)
    assert type(out) is np.ndarray
    assert type(pull_back(1.0)[0]) is np.ndarray
    assert_same((out, *pull_back(1.0)), (np.asarray(F32(9)), np.asarray(F32(6))))
    assert_same(astra.vjp(jnp.sum, np.ones(2))[1](np.float64(2))[0], np.full(2, 2, F32))


def test_functions_of_vjp_within_traces() -> None:
    _, pull_back = astra.vjp(jnp.sin, X)
    assert_same(astra.vmap(pull_back, in_axes=None, axis_size=2, out_axes=(None,))(X)[0], np.cos(X) * X)
    assert_same(astra.grad(lambda c: pull_back(c)[0].sum())(X), np.cos(X))


# --- what a function closes over ---------------------------------------------------------------------------------


class Model:
    """Its method reads a number and an array that is large enough to be no part of the program."""

    def __init__(self) -> None:
        self.number = 2.0
        self.array = numbers(1 << 15)

    def loss(self, x: Any) -> Any:
        return self.number * jnp.sum(x * jnp.asarray(self.array))


AT_ONCE: dict[str, Any] = {
    "vjp": lambda t, f, x: t.vjp(f, x)[1](F32(1))[0],
    "jvp": lambda t, f, x: t.jvp(f, (x,), (x,)),
    "linearize": lambda t, f, x: t.linearize(f, x)[1](x),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_vjp_jvp_and_linearize_trace_at_each_call_and_compile_once(name: str, monkeypatch: Any) -> None:
    compiled: list[Any] = []
    compile_program = compiler.compile_program
    monkeypatch.setattr(
        compiler, "compile_program", lambda *args, **kw: compiled.append(args) or compile_program(*args, **kw)
    )
    model, x, apply = Model(), numbers(1 << 15, seed=1), AT_ONCE[name]
    model.number = 2.0 + len(name)  # so that no other test has compiled it

    def check() -> None:
        assert_same(apply(astra, model.loss, x), jax.tree.map(np.asarray, apply(jax, model.loss, x)), rtol=1e-4)

    counts = []
    for number, array in ((3.0, 1), (3.0, 1), (5.0, 1), (5.0, 2), (3.0, 1)):
        model.number = number + len(name)
        model.array[:] = numbers(1 << 15, seed=array)
        check()
        counts.append(len(compiled))
    first, again, changed, other_array, back = counts
    assert 0 < first == again < changed < other_array == back
