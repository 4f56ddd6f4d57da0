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
check(lambda x: jnp.sort(x), f(9000))
check(lambda x, y: jax.lax.sort((x, y), num_keys=2), ints(300), f(300))
"""


@pytest.mark.parametrize("group", GROUPS)
def test_numbers_are_those_of_jax(group: str) -> None:
    assert with_driver(BEFORE + GROUPS[group] + "print('ok')").splitlines()[-1] == "ok"


def test_numbers_of_ptx_are_those_of_jax() -> None:
    assert with_driver(BEFORE + PTX + "print('ok')").splitlines()[-1] == "ok"
