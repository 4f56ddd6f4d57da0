"""Sorts, scatters and other operations with kernels of their own on GPUs: numbers against JAX, without a GPU.

Groups run as the CPU code of the tile functions; ``PTX`` in the emulator of PTX, the very text that a GPU would get.
"""

from __future__ import annotations

import pytest

from tests.passes.test_gpu_programs import BEFORE
from tests.runtime.gpu_driver import needs_compiler, with_driver

pytestmark = needs_compiler

GROUPS = {
    "sorts": """
check(lambda x: (jnp.sort(x, 0), jnp.argsort(x, 1)), f(5, 37))
special = np.array([3, np.nan, -np.inf, 0, -0.0, 1, np.nan], np.float32)
check(lambda x: (jnp.sort(x, descending=True), jnp.argsort(x), jnp.argsort(x, descending=True)), special)
exe = check(lambda x: (jnp.sort(x), jnp.argsort(x)), np.round(f(2, 20000), 1))
assert len(exe.compiled.kernels) == 7  # runs, merges and the last merge of either sort, and an iota
check(lambda x, y: jax.lax.sort((x, y), num_keys=2), ints(3, 70), f(3, 70))
check(lambda x, y: jax.lax.sort((x, y), num_keys=1, dimension=0), ints(5000, 3), f(5000, 3))
check(lambda x: jnp.sort(x), f(10000).astype(np.float16))
check(lambda x: jnp.sort(x), r.integers(0, 2**32, 5000, np.uint32))
top = jax.lax.top_k
check(lambda x, y, z: (top(x, 5), top(y, 3000), top(z, 5)), f(2, 60000), f(20000), f(5, 37))
jax.config.update("jax_enable_x64", True)
check(lambda x: jnp.sort(x), r.integers(-(2**62), 2**62, 5000))
check(lambda x: jax.lax.top_k(x, 9), r.standard_normal((2, 9000)))
""",
    "scatters": """
at = lambda n, *s: r.integers(0, n, s).astype(np.int32)
add = lambda x, i, v: x.at[i].add(v)
names = check(add, f(50), at(55, 20000), f(20000), tol=1e-3).compiled.kernels
assert sum(name.startswith("scatter_chunks") for name in names) == 2  # the updates are sorted, then combined
check(add, f(5), at(1, 3000), f(3000), tol=1e-3)  # all at one place
check(jax.grad(lambda w, i: (w[i] ** 2).sum()), f(200, 70), at(200, 5000), tol=1e-3)
check(lambda x, i, v: (x.at[i].set(v), x.at[i].multiply(v)), f(500), at(500, 3000), f(3000), tol=1e-3)
check(lambda x, i, v: x.at[i].max(v), f(50, 3), at(50, 3000), f(3000, 3))
check(lambda x, i, v: x.at[i].max(v), ints(500) > 0, at(500, 3000), ints(3000) > 0)
check(add, f(500).astype(np.float16), at(500, 3000), f(3000).astype(np.float16), tol=0.05)
dimensions = jax.lax.ScatterDimensionNumbers((1,), (), (0,))  # windows that overlap
check(lambda x, i, v: jax.lax.scatter_add(x, i, v, dimensions), f(500), at(490, 300, 1), f(300, 7), tol=1e-4)
check(lambda x, i, v: jax.lax.scatter(x, i, v, dimensions), f(500), at(490, 3, 1), f(3, 7))
for text, x in (("add", ints(500)), ("umax", r.integers(0, 9, 500, np.uint32))):
    g = add if text == "add" else lambda x, i, v: x.at[i].max(v)
    exe = check(g, x, at(500, 3000), r.integers(0, 99, 3000).astype(x.dtype))
    assert f'kind = "{text}"' in exe.ir("tile")
exe = check(lambda x, i, v: x.at[i].add(v, unique_indices=True), f(5000), np.arange(3000, dtype=np.int32), f(3000))
assert "tile_atomic" not in exe.ir("tile")
import os
os.environ["ASTRA_GPU_ATOMICS"] = "1"
assert 'kind = "fadd"' in check(add, f(50), at(55, 2000), f(2000), tol=1e-4).ir("tile")
""",
    "complex": """
def c(*shape): return (f(*shape) + 1j * f(*shape)).astype(np.complex64)
z, w = c(7, 9), c(9)
check(lambda x: x * 1j, x)
check(lambda z, w: (z * w, z / w, z - w, abs(z), jnp.conj(z), z.real, jnp.angle(z), z == w), z, w, tol=1e-4)
check(lambda z: (jnp.exp(z), jnp.log(z), jnp.sqrt(z), jnp.sin(z), jnp.tanh(z), z**1.5, jnp.sign(z)), z, tol=1e-3)
check(lambda z: (z.sum(0), z.sum(), z.mean(1), jnp.cumsum(z, 1), jnp.prod(z[:, :6], 1)), z, tol=1e-3)
check(lambda a, b: a @ b, z, c(9, 5), tol=1e-4)
conv = lambda a, b: jax.lax.conv_general_dilated(a, b, (1, 1), "SAME")
check(conv, c(2, 3, 8, 8), c(4, 3, 3, 3), tol=1e-3)
check(lambda z: jax.lax.while_loop(lambda v: abs(v).sum() < 1e3, lambda v: v * (1.1 + 0.1j), z), z, tol=1e-3)
check(lambda z: jax.lax.scan(lambda h, v: (h * 0.5 + v, h), jnp.zeros(9, np.complex64), z), z, tol=1e-4)
check(lambda z: jax.lax.cond(z.real.sum() > 0, lambda v: v + 1, lambda v: v * 1j, z), z)
check(lambda z: (jnp.sort(z, 1), jnp.where(z.real > 0, z, 0), jnp.concatenate([z, z]), z[::-1].T, jnp.pad(z, 1)), z)
at = np.array([1, 5, 5], np.int32)
check(lambda z, i, v: (z[i], z.at[i].set(v[0]), z.at[i].add(v)), z, at, c(3, 9), tol=1e-4)
check(lambda z: jax.grad(lambda q: (abs(q * q + 1) ** 2).sum())(z), z, tol=1e-2)
check(lambda x: (x.astype(np.complex64), jax.lax.complex(x, x).astype(bool)), x)
jax.config.update("jax_enable_x64", True)
check(lambda z: jnp.exp(z) @ z.T, z.astype(np.complex128), tol=1e-12)
""",
    "random bits": """
jax.config.update("jax_enable_x64", True)
key = np.array([123456789123, 2**64 - 5], np.uint64)
for algorithm in (jax.lax.RandomAlgorithm.RNG_THREE_FRY, jax.lax.RandomAlgorithm.RNG_PHILOX):
    kinds = (np.uint32, (5, 7)), (np.uint32, (6, 4)), (np.uint64, (3, 5)), (np.uint8, (9,)), (np.uint16, ())
    for kind, shape in kinds:
        check(lambda key: jax.lax.rng_bit_generator(key, shape, kind, algorithm), key)
""",
    "transforms": """
def c(*shape): return (f(*shape) + 1j * f(*shape)).astype(np.complex64)
F = jnp.fft
check(F.fft, f(7, 48), tol=1e-4)
check(lambda z: (F.fft(z), F.ifft(z)), c(3, 128), tol=1e-4)
check(F.fft, c(2, 6000), tol=1e-3)
check(F.fft, c(2, 131), tol=1e-3)  # a prime, by a chirp
check(lambda z: (F.fft2(z), F.fft(z, axis=0)), c(2, 12, 20), tol=1e-3)
check(lambda x: F.irfftn(F.rfftn(x)), f(3, 4, 5, 6), tol=1e-4)
check(lambda z: (F.irfft(z, 30), F.irfft(z, 31)), c(2, 16), tol=1e-4)
check(jax.grad(lambda x: (abs(F.rfft(x)) ** 2).sum()), f(2, 30), tol=1e-3)
jax.config.update("jax_enable_x64", True)
check(F.fft, c(2, 1000).astype(np.complex128), tol=1e-9)
""",
    "linear algebra": """
def c(*shape): return (f(*shape) + 1j * f(*shape)).astype(np.complex64)
def definite(x): return x @ x.conj().swapaxes(-1, -2) + x.shape[-1] * np.eye(x.shape[-1], dtype=x.dtype)
cholesky, solve = jnp.linalg.cholesky, jax.lax.linalg.triangular_solve
names = check(cholesky, definite(f(3, 70, 70)), tol=1e-3).compiled.kernels
assert sum(name.startswith("cholesky") for name in names) == 1  # launched for each block of columns
check(lambda x: cholesky(x, upper=True), definite(f(40, 40)), tol=1e-3)
check(cholesky, definite(c(2, 20, 20)), tol=1e-3)
for flags in range(16):
    left, *rest = (bool(flags >> i & 1) for i in range(4))
    options = dict(zip(("lower", "transpose_a", "unit_diagonal"), rest), left_side=left)
    for make, n in ((f, 50), (c, 6)) if flags % 5 < 2 else ((f, 50),):
        a = make(2, n, n) * np.float32(0.1) + np.eye(n, dtype=np.float32) * 2
        check(lambda a, b: solve(a, b, **options), a, make(2, n, 7) if left else make(2, 7, n), tol=1e-3)
""",
    "comparators": '''
import astra_mlir as astra
program = """func.func @main(%x: tensor<3x5000xf32>, %y: tensor<3x5000xi32>, %s: tensor<f32>)
    -> (tensor<3x5000xf32>, tensor<3x5000xi32>) {
  %0:2 = "stablehlo.sort"(%x, %y) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>):
    %p = stablehlo.multiply %a, %s : tensor<f32>
    %q = stablehlo.multiply %b, %s : tensor<f32>
    %pa = stablehlo.abs %p : tensor<f32>
    %qa = stablehlo.abs %q : tensor<f32>
    %r = stablehlo.compare GT, %pa, %qa : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %r : tensor<i1>
  }) {dimension = 1 : i64, is_stable = true}
      : (tensor<3x5000xf32>, tensor<3x5000xi32>) -> (tensor<3x5000xf32>, tensor<3x5000xi32>)
  return %0#0, %0#1 : tensor<3x5000xf32>, tensor<3x5000xi32> }"""
x, y = np.round(f(3, 5000), 1), np.arange(15000, dtype=np.int32).reshape(3, 5000)
a, b = astra.compile(program, target="cuda:sm_90a")(x, y, np.float32(2))
order = np.argsort(-abs(x), 1, kind="stable")
assert np.array_equal(a, np.take_along_axis(x, order, 1)) and np.array_equal(b, np.take_along_axis(y, order, 1))
''',
}

PTX = """
from tests.passes.gpu_emulated import ptx_code
from functools import partial
check = partial(check, code=ptx_code)
check(lambda x: jnp.sort(x), f(5000))
check(lambda x, y: jax.lax.sort((x, y), num_keys=2), ints(300), f(300))
check(lambda x, i, v: x.at[i].add(v), f(9, 4), r.integers(0, 10, 1500).astype(np.int32), f(1500, 4), tol=1e-4)
check(lambda z: (z * (1 + 2j)).sum(0), (f(9, 5) + 1j * f(9, 5)).astype(np.complex64), tol=1e-4)
check(lambda x, i, v: x.at[i].add(v), ints(50), r.integers(0, 50, 300).astype(np.int32), ints(300))
"""


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_numbers_are_those_of_jax(group: str) -> None:
    assert with_driver(BEFORE + GROUPS[group] + "print('ok')").splitlines()[-1] == "ok"


def test_numbers_of_ptx_are_those_of_jax() -> None:
    assert with_driver(BEFORE + PTX + "print('ok')").splitlines()[-1] == "ok"
