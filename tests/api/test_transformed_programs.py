"""Transformations of programs in files, in memory and exported by JAX, against JAX's on the same function."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.bindings import make_context

F32 = np.float32


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 1.5, shape).astype(F32)


def assert_same(ours: Any, theirs: Any) -> None:
    """Equal trees of arrays with the same shapes and element types."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.shape(a) == np.shape(b)
        assert a.dtype == b.dtype
        if a.dtype != jax.dtypes.float0:
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=2e-5)


def model(p: Any, x: Any, scale: Any = 1.0) -> Any:
    h = jnp.tanh(x @ p["w"][0] + p["b"])
    return jnp.mean((h @ p["w"][1]) ** 2) * scale


PARAMETERS = {"w": [numbers(3, 4), numbers(4, 2, seed=1)], "b": numbers(4, seed=2)}
X = numbers(5, 3, seed=3)

POLYNOMIAL = """
func.func private @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %n: tensor<i32>, %a: tensor<f32>) -> tensor<f32> {
  %y = call @square(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %s = stablehlo.sine %x : tensor<4xf32>
  %p = stablehlo.multiply %y, %s : tensor<4xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sum = stablehlo.reduce(%p init: %zero) applies stablehlo.add across dimensions = [0]
      : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %r = stablehlo.multiply %sum, %a : tensor<f32>
  return %r : tensor<f32>
}
"""


def polynomial(x: Any, n: Any, a: Any) -> Any:
    return (x**2 * jnp.sin(x)).sum() * a


PROGRAM_CASES: dict[str, tuple[Any, ...]] = {
    "grad": (lambda t, f: t.grad(f),),
    "grad of several": (lambda t, f: t.grad(f, argnums=(0, 2)),),
    "grad of integers": (lambda t, f: t.grad(f, argnums=(1, 0), allow_int=True),),
    "value_and_grad": (lambda t, f: t.value_and_grad(f, argnums=-1),),
    "hessian": (lambda t, f: t.hessian(f),),
    "jacrev of grad": (lambda t, f: t.jacrev(t.grad(f), argnums=(0, 2)),),
    "grad of grad": (lambda t, f: t.grad(t.grad(f, argnums=2), argnums=0),),
    "jvp": (
        lambda t, f: lambda x, n, a: t.jvp(f, (x, n, a), (x, np.zeros((), jax.dtypes.float0), a)),
    ),
    "vjp": (lambda t, f: lambda x, n, a: (lambda out, g: (out, g(a)))(*t.vjp(f, x, n, a)),),
    "vjp of grad": (lambda t, f: lambda x, n, a: (lambda out, g: (out, g(x), g(2 * x)))(*t.vjp(t.grad(f), x, n, a)),),
    "linearize": (
        lambda t, f: lambda x, n, a: t.linearize(f, x, n, a)[1](2 * x, np.zeros((), jax.dtypes.float0), a),
    ),
    "checkpoint": (lambda t, f: t.grad(t.checkpoint(f)),),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAM_CASES)
@pytest.mark.parametrize("kind", ["text", "path", "module", "exported"])
def test_programs(name: str, kind: str, tmp_path: Path) -> None:
    (make,) = PROGRAM_CASES[name]
    args = numbers(4), np.int32(2), F32(1.5)
    if kind == "exported" and name in ("hessian", "jvp", "linearize"):  # in forward mode, which JAX refuses, too
        with pytest.raises(astra.UnsupportedError):
            make(astra, source_of_kind(kind, tmp_path))(*args)
        return
    ours = make(astra, source_of_kind(kind, tmp_path))(*args)
    theirs = make(jax, polynomial)(*args)
    if name == "vjp":  # the outputs of a program are NumPy's, also where they are of rank 0
        theirs = jax.tree.map(lambda x: x if x.dtype == jax.dtypes.float0 else np.asarray(x), theirs)
    assert_same(ours, theirs)


def source_of_kind(kind: str, folder: Path) -> Any:
    """The polynomial as each kind of program."""
    if kind == "exported":
        return jax.export.export(jax.jit(polynomial))(numbers(4), np.int32(2), F32(1.5))
    if kind == "module":
        return astra.Program(POLYNOMIAL.encode(), name="polynomial").parse(make_context())
    if kind == "path":
        (folder / "f.mlir").write_text(POLYNOMIAL)
        return str(folder / "f.mlir")
    return POLYNOMIAL


def test_batched_programs() -> None:
    x, n, a = numbers(3, 4), np.int32(2), numbers(3)
    axes = {"in_axes": (0, None, 0)}
    assert_same(astra.vmap(POLYNOMIAL, **axes)(x, n, a), jax.vmap(polynomial, **axes)(x, n, a))
    ours = astra.vmap(astra.grad(POLYNOMIAL), **axes, out_axes=1)(x, n, a)
    assert_same(ours, jax.vmap(jax.grad(polynomial), **axes, out_axes=1)(x, n, a))
    ours = astra.vmap(astra.value_and_grad(POLYNOMIAL), **axes)(jnp.asarray(x), n, a)
    assert all(isinstance(leaf, jax.Array) for leaf in ours)


def test_programs_within_functions() -> None:
    args = numbers(4), np.int32(2), F32(1.5)

    def loss(f: Any, t: Any) -> Any:
        return lambda x, n, a: jnp.exp(-t.grad(f)(x, n, a)).sum()

    exported = jax.export.export(jax.jit(polynomial))(*args)
    for source in (POLYNOMIAL, exported):
        ours = astra.jit(astra.grad(loss(source, astra)))(*args)
        assert_same(ours, jax.grad(loss(polynomial, jax))(*args))
        assert_same(astra.grad(loss(source, astra))(*args), jax.grad(loss(polynomial, jax))(*args))


def test_exported_functions_keep_their_trees() -> None:
    exported = jax.export.export(jax.jit(model))(PARAMETERS, X, scale=F32(2))
    ours = astra.value_and_grad(exported, argnums=(0, 1))(PARAMETERS, X, scale=F32(2))
    assert_same(ours, jax.value_and_grad(model, argnums=(0, 1))(PARAMETERS, X, scale=F32(2)))
    with pytest.raises(astra.AstraError, match="takes the keyword arguments scale; got none"):
        astra.grad(exported)(PARAMETERS, X)
    assert_same(astra.jacrev(exported)(PARAMETERS, X, scale=F32(2)), jax.jacrev(model)(PARAMETERS, X, scale=F32(2)))


def test_exported_functions_have_the_derivative_that_was_exported() -> None:
    """One that StableHLO does not say: by half of the occurrences of x only."""

    def f(x: Any, n: Any) -> Any:
        return jnp.sum(jax.lax.stop_gradient(x) * jnp.sin(x)) * n

    x, n = numbers(3), np.int32(2)
    exported = jax.export.export(jax.jit(f))(x, n)
    assert_same(astra.grad(exported)(x, n), np.asarray(jax.grad(exported.call)(x, n)))

    def second(t: Any, f: Any) -> Any:
        return np.asarray(t.grad(lambda x: t.grad(f)(x, n) @ jnp.arange(1.0, 4.0))(x))

    assert_same(second(astra, exported), second(jax, exported.call))
    with pytest.raises(astra.UnsupportedError):  # as jax.jacfwd of it
        astra.jacfwd(exported)(x, n)
    # As deserialize gives them for vjp_order=0 and 1.
    without = replace(exported, _get_vjp=None)
    once = replace(exported, _get_vjp=lambda _: replace(exported.vjp(), _get_vjp=None))
    assert_same(astra.vmap(without, in_axes=(0, None))(x[None], n), np.asarray(f(x, n))[None])
    assert_same(astra.grad(once)(x, n), np.asarray(jax.grad(exported.call)(x, n)))
    for refused in (astra.grad(without), astra.jacrev(astra.grad(once))):
        with pytest.raises(astra.UnsupportedError, match=r"exported without its vjp.*vjp_order"):
            refused(x, n)


def test_programs_need_no_jax() -> None:
    code = (
        "import sys, numpy as np, astra_mlir as astra\n"
        f"g = astra.vmap(astra.hessian({POLYNOMIAL!r}), in_axes=(0, None, None))\n"
        "print(g(np.ones((2, 4), np.float32), np.int32(1), np.float32(1)).shape, 'jax' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[0] == "(2, 4, 4) False"


def test_the_program_of_a_transformed_program() -> None:
    exe = astra.grad(POLYNOMIAL).compile(numbers(4), 1, 1.0)
    assert "astra.vjp" in exe.ir("stablehlo")
    assert "astra.cosine" in exe.ir("astra")
    assert exe.signature.outputs[0].shape == (4,)


def test_compiled_programs() -> None:
    args = numbers(4), np.int32(2), F32(1.5)
    assert_same(astra.grad(astra.compile(POLYNOMIAL))(*args), jax.grad(polynomial)(*args))
    with pytest.raises(astra.AstraError, match=r"got a compiled function.* astra.compile\(astra.grad\(f\)"):
        astra.grad(astra.compile(polynomial, *args))


def test_refused_programs() -> None:
    with pytest.raises(astra.ShapeError, match=r"argument 0 of @main has type tensor<4xf32>, but got tensor<3xf32>"):
        astra.grad(POLYNOMIAL)(numbers(3), 1, 1.0)
    with pytest.raises(astra.ShapeError, match="takes 3 arguments, but got 1"):
        astra.grad(POLYNOMIAL)(numbers(4))
    with pytest.raises(astra.InvalidProgramError, match="cannot read 'missing.mlir'"):
        astra.grad("missing.mlir")(numbers(4))
    with pytest.raises(astra.AstraError, match="a program takes positional arguments, but got a="):
        astra.grad(POLYNOMIAL)(numbers(4), 1, a=1.0)
    with pytest.raises(astra.AstraError, match="expected a function, a program .*, got int"):
        astra.grad(3)
    symbolic = jax.export.export(jax.jit(jnp.sum))(jax.ShapeDtypeStruct(jax.export.symbolic_shape("n"), F32))
    with pytest.raises(astra.UnsupportedError, match="symbolic shapes"):
        astra.grad(symbolic)(numbers(3))
