"""Kernels inside of JAX programs: compiled by astra.jit, differentiated, batched."""

from __future__ import annotations

import numpy as np
import pytest

import astra_mlir as astra
import astra_mlir.language as al

jax = pytest.importorskip("jax")
jnp = jax.numpy


@astra.kernel
def scaled_add(x, y, out, factor, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(out + i, al.load(x + i, i < n) * factor + al.load(y + i, i < n), i < n)


@astra.kernel
def gated(x, y, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    a = al.load(x + i, i < n)
    al.store(out + i, al.where(a > 0, al.tanh(a), 0.1 * a) * al.load(y + i, i < n), i < n)


@astra.kernel
def row_sums(x, out, columns, BLOCK: al.constexpr):
    row, j = al.program_id(0), al.arange(0, BLOCK)
    al.store(out + row, al.sum(al.load(x + row * columns + j, j < columns), 0))


def grid(meta) -> tuple[int]:
    return (-(-meta["n"] // meta["BLOCK"]),)


X = np.linspace(-2, 2, 37, dtype=np.float32)
Y = np.linspace(1, 3, 37, dtype=np.float32)


def test_in_a_compiled_program() -> None:
    @astra.jit
    def f(x, y, factor):
        z = astra.kernel_call(scaled_add, grid, x, x * 2, y, factor=factor, n=37, BLOCK=16)
        return jnp.sum(z), z + 1

    total, z = f(X, Y, jnp.float32(3))
    np.testing.assert_allclose(z, X * 6 + Y + 1, rtol=1e-6)
    np.testing.assert_allclose(total, (X * 6 + Y).sum(), rtol=1e-5)


def test_by_itself_and_in_a_loop() -> None:
    def step(x):
        return astra.kernel_call(scaled_add, grid, x, x, Y, factor=0.5, n=37, BLOCK=64)

    np.testing.assert_allclose(step(jnp.asarray(X)), X * 0.5 + Y, rtol=1e-6)
    many = astra.jit(lambda x: jax.lax.fori_loop(0, 5, lambda i, x: step(x), x))
    expected = X
    for _ in range(5):
        expected = expected * np.float32(0.5) + Y
    np.testing.assert_allclose(many(X), expected, rtol=1e-6)


@astra.kernel
def count(x, counts, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.atomic_add(counts + al.load(x + i, i < n), 1, mask=i < n)


def test_results_that_begin_as_something() -> None:
    x = np.arange(100, dtype=np.int32) % 7
    f = astra.jit(lambda x: astra.kernel_call(count, grid, jnp.full(7, 1, jnp.int32), x, n=100, BLOCK=32))
    np.testing.assert_array_equal(f(x), 1 + np.bincount(x))


def test_pointwise_kernels_have_a_derivative() -> None:
    def loss(x, y):
        return astra.kernel_call(gated, grid, x, x, y, n=37, BLOCK=16, vjp="pointwise").sum()

    def reference(x, y):
        return (jnp.where(x > 0, jnp.tanh(x), 0.1 * x) * y).sum()

    found = astra.jit(jax.grad(loss, (0, 1)))(X, Y)
    wanted = jax.grad(reference, (0, 1))(X, Y)
    for actual, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    for actual, expected in zip(astra.grad(loss, (0, 1))(X, Y), wanted, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_a_given_vjp() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)

    def vjp(args, result, cotangent):
        (value,) = args
        return (jnp.broadcast_to(cotangent[:, None], value.shape),)

    def f(x):
        sums = astra.kernel_call(row_sums, (3,), jax.ShapeDtypeStruct((3,), x.dtype), x, columns=4, BLOCK=4, vjp=vjp)
        return (sums * jnp.arange(3.0)).sum()

    np.testing.assert_allclose(astra.jit(jax.grad(f))(x), np.repeat(np.arange(3.0)[:, None], 4, 1))
    with pytest.raises(astra.KernelError, match=r"test_jax.py:\d+:\d+: the kernel is not pointwise"):
        out = jax.ShapeDtypeStruct((3,), np.float32)
        astra.kernel_call(row_sums, (3,), out, x, columns=4, BLOCK=4, vjp="pointwise")


def test_batches_are_one_call_after_the_other() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    out = jax.ShapeDtypeStruct((3,), np.float32)
    f = astra.jit(jax.vmap(lambda x: astra.kernel_call(row_sums, (3,), out, x, columns=4, BLOCK=4)))
    np.testing.assert_array_equal(f(x), x.sum(-1))
