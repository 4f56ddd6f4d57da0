"""``astra.check_grads``: passes where derivatives are right, in every mode and order, and says where they are not."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra

F32 = np.float32
X = np.linspace(0.3, 1.2, 4, dtype=F32)


def tree(p: Any, n: Any) -> Any:
    return {"a": jnp.tanh(p["x"]) * n, "b": [p["y"].sum(), n]}


@astra.custom_jvp
def wrong(x: Any) -> Any:
    return jnp.sin(x)


@wrong.defjvp
def wrong_rule(primals: Any, tangents: Any) -> Any:
    return wrong(*primals), 1.1 * jnp.cos(primals[0]) * tangents[0]


@pytest.mark.parametrize("order", [1, 2])
def test_right_derivatives(order: int) -> None:
    astra.check_grads(lambda x: (jnp.sin(x) * x).sum(), (X,), order)
    astra.check_grads(tree, ({"x": X, "y": X[:2]}, np.int32(3)), order)
    astra.check_grads(lambda z: jnp.abs(jnp.exp(z) * z) + 1j * z.real, ((X + 0.5j * X).astype(np.complex64),), order)


def test_three_orders_in_64_bits() -> None:
    with jax.enable_x64(True):
        x = X.astype(np.float64)
        astra.check_grads(lambda x: jnp.exp(jnp.sin(x)).prod(), (x,), 3)
        with pytest.raises(AssertionError, match="rtol=1e-12"):
            astra.check_grads(lambda x: jnp.exp(x), (x,), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_coarse_types(dtype: str) -> None:
    astra.check_grads(jnp.sin, (jnp.asarray(X).astype(dtype),))


def test_programs() -> None:
    sine = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.sine %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    }"""
    astra.check_grads(sine, (X,), 2)


def test_wrong_derivatives() -> None:
    with pytest.raises(AssertionError, match=r"^fwd: the tangent is .* expected .* from central differences"):
        astra.check_grads(wrong, (X,))
    with pytest.raises(AssertionError, match=r"^rev: the product with the cotangent is"):
        astra.check_grads(wrong, (X,), modes=("rev",))
    astra.check_grads(second_order_is_wrong, (X,))
    with pytest.raises(AssertionError, match=r"^fwd, fwd: the tangent"):
        astra.check_grads(second_order_is_wrong, (X,), 2)


@astra.custom_jvp
def second_order_is_wrong(x: Any) -> Any:
    return x**3


@second_order_is_wrong.defjvp
def _rule(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return x**3, 3 * x * jax.lax.stop_gradient(x) * t


def test_arguments() -> None:
    with pytest.raises(astra.AstraError, match="args must be a tuple"):
        astra.check_grads(jnp.sin, X)
    with pytest.raises(astra.AstraError, match="no mode 'forward'"):
        astra.check_grads(jnp.sin, (X,), modes=("forward",))
    assert astra.testing.check_grads is astra.check_grads
